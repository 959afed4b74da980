"""A game of its own for each drill, strategies that rest on facts, and the events; all of it over the API."""

import random
from typing import Any

from ops.drills.load import Job, JsonDict
from ops.drills.service import Service

N_PLAYERS = 60
BATCH_SHARE = 0.1  # of the requests
TEST_SHARE = 0.02
TASKS = ("first", "counted", "measured", "default")


def field(path: str) -> JsonDict:
    return {"type": "field", "path": path}


def literal(value: object) -> JsonDict:
    return {"type": "literal", "value": value}


def award(value: JsonDict, case: str) -> JsonDict:
    return {"type": "assign_points", "value": value, "case_name": case}


def program(default: JsonDict, *rules: JsonDict) -> JsonDict:
    return {"type": "program", "rules": list(rules), "default": default}


# A bonus that must be paid once: it rests on the sum of all scores before, over all tasks of the game.
FIRST = program(
    award(literal(1), "Again"),
    {
        "type": "rule",
        "when": {"type": "compare", "op": "==", "left": field("user.points_total"), "right": literal(0)},
        "then": [award(literal(100), "FirstTime")],
    },
)
# As many points as there were scores before, and one more; the other figures are frozen beside it.
COUNTED = program(
    award(
        {"type": "arith", "op": "+", "left": field("user.measurements_count"), "right": literal(1)}, "Counted"
    ),
    {
        "type": "rule",
        "when": literal(True),  # noqa: FBT003  # JSON's
        "then": [
            {"type": "set_callback_data", "key": path, "value": field(path)}
            for path in ("user.recent_measurements_count", "task.measurements_count", "all.avg_time")
        ],
    },
)
MEASURED = program(award(field("data.minutes"), "Measured"))


def make_game(service: Service, name: str) -> str:
    """Make a game with its tasks and strategies; return its UUID."""
    game: str = _post(service, "/games", {"externalGameId": name, "platform": "drill"})["gameId"]
    for task, ast in {"first": FIRST, "counted": COUNTED, "measured": MEASURED, "default": None}.items():
        body = {"externalTaskId": task}
        if ast is not None:
            body["strategyId"] = _publish(service, f"{name} {task}", ast)
        _post(service, f"/games/{game}/tasks", body)
    return game


def _publish(service: Service, name: str, ast: JsonDict) -> str:
    body = {"name": name, "type": "FULL", "astJson": ast}
    slug: str = _post(service, "/strategies/custom", body)["strategyId"]
    _post(service, f"/strategies/custom/{slug}/publish", None)
    return slug


def _post(service: Service, path: str, body: object) -> JsonDict:
    status, answer = service.call("POST", "/api/v1" + path, body)
    if not 200 <= status < 300:
        raise RuntimeError(f"POST {path}: {status} {answer}")
    return answer


def make_jobs(game: str, n_events: int, *, seed: int, name: str = "event") -> list[Job]:
    """Make the requests, the same ones for the same seed: single events, and some batches of 3 to 15."""
    random_ = random.Random(seed)  # noqa: S311  # no secret
    jobs: list[Job] = []
    n_made = 0
    while n_made < n_events:
        n = random_.randint(3, 15) if random_.random() < BATCH_SHARE else 1
        n = min(n, n_events - n_made)
        keys = [f"{name}-{number}-{game}" for number in range(n_made, n_made + n)]
        n_made += n
        events = [_event(random_) for _ in keys]
        if n == 1:
            task = events[0].pop("externalTaskId")
            jobs.append(Job(f"/games/{game}/tasks/{task}/points", events[0], keys))
        else:
            batch = [
                {"gameId": game, "idempotencyKey": key, **event}
                for key, event in zip(keys, events, strict=True)
            ]
            jobs.append(Job("/scores/batch", {"events": batch}, keys))
    return jobs


def _event(random_: random.Random) -> dict[str, Any]:
    return {
        "externalTaskId": random_.choice(TASKS),
        # Few players have many events, many have few.
        "externalUserId": f"player-{int(N_PLAYERS * random_.random() ** 2)}",
        "data": {"minutes": random_.randint(1, 60)},
        "isTest": random_.random() < TEST_SHARE,
    }
