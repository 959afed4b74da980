"""Whatever is done, in whatever order: the service answers what a naive model of the rules says.

Over HTTP, on PostgreSQL. Each example has a realm of its own. STATE_MACHINE_EXAMPLES sets how many there are.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from strategies import programs, targets, throttling
from strategies.models import Score as StoredScore
from strategies.tests.conftest import World, make_world
from strategies.tests.naive_model import (
    KINDS,
    Event,
    Game,
    Json,
    Model,
    Program,
    Refused,
    Score,
    Strategy,
    Task,
)

N_EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "6"))
N_STEPS = int(os.environ.get("STATE_MACHINE_STEPS", "40"))

realm_numbers = count(1)

GAMES = ["g1", "g2"]
TASKS = ["t1", "t2", "t3"]
USERS = ["ana", "ben", "cleo"]
KEYS = ["k1", "k2", "k3", "k4"]

kinds = st.sampled_from(sorted(KINDS))
numbers = st.integers(1, 9)
overrides: st.SearchStrategy[Json] = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries({"bonus": st.sampled_from([0, 7, 50, 51])}),
    st.fixed_dictionaries({"unknown": st.just(1)}),
)
data = st.one_of(
    st.fixed_dictionaries({"minutes": st.sampled_from([0, 1, 2.5, -3, 0.125])}),
    st.sampled_from([{}, {"minutes": "x"}, {"minutes": True}, {"text": "\0"}, {"mark": 1, "minutes": 4}]),
)
events = st.builds(
    lambda game, task, user, given, is_test: Event(game, task, user, tuple(sorted(given.items())), is_test),
    st.sampled_from(GAMES),
    st.sampled_from(TASKS),
    st.sampled_from(USERS),
    data,
    st.sampled_from([False, False, False, True]),
)
keys = st.one_of(st.none(), st.sampled_from(KEYS))


def refusal_of(act: Callable[[], Any]) -> Refused | None:
    try:
        act()
    except Refused as refused:
        return refused
    return None


class Rules(RuleBasedStateMachine):
    """Every rule asks the model first what is to come, then the service, and compares."""

    strategies = Bundle("strategies")
    scores = Bundle("scores")

    @initialize(target=strategies, number=numbers)
    def begin(self, number: int) -> Any:
        targets.forget_all()
        throttling.forget_all()
        programs.load.cache_clear()
        self.world: World = make_world(f"realm-{next(realm_numbers)}")
        # The model says what must be answered; the other tests compare that with the API's description.
        self.world.compares_with_description = False
        self.world.game.delete()
        self.model = Model()
        self.touched_games: set[str] = set()
        first, second = self.create("first", number), self.create("tuned", number)
        self.publish(first)
        self.publish(second)
        for game, strategy in zip(GAMES, [first, second], strict=True):
            self.create_game(game, strategy, {})
            self.create_task(game, "t1", None, {})
        self.create_task("g1", "t2", second, {})
        return multiple(first, second)

    # ── Asking ───────────────────────────────────────────────────────────────────────────────────
    def compare(
        self, expected: Callable[[], Any], ask: Callable[[], Any], *, status: int = 200
    ) -> Any | None:
        """Return the service's answer; None where both refuse, for the same reason."""
        refused = refusal_of(expected)
        answer = ask()
        if refused is None:
            assert answer.status_code == status, answer.content
            return answer.json()
        assert answer.status_code == refused.status, answer.content
        assert answer.json()["error"]["code"] == refused.code
        return None

    # ── Strategies ───────────────────────────────────────────────────────────────────────────────
    def create(self, kind: str, number: int, parent: Strategy | None = None) -> Any:
        slug = f"s{len(self.model.strategies) + 1}"
        made = Program("more" if parent else kind, number, parent.in_production if parent else None)
        strategy = Strategy(slug, made.kind, [(made, False)], parent=parent)
        body: Json = {"name": slug, "type": "EXTEND" if parent else "FULL", "astJson": made.ast()}
        answer = self.compare(
            lambda: parent and parent.require_scoring(),
            lambda: self.world.post(
                "/strategies/custom", body | ({"parentStrategyId": parent.slug} if parent else {})
            ),
            status=201,
        )
        if answer is None:
            return multiple()
        self.model.strategies[slug] = strategy
        self.compare_strategy(strategy, answer)
        return strategy

    @contextmanager
    def scoring_around(self, game: str, task: str) -> Iterator[None]:
        """Fill the caches with what is about to change, and show that they are not used afterwards."""
        event = Event(game, task, "ana", (("minutes", 3),), is_test=False)
        self.score(event, None)
        yield
        self.score(event, None)

    def a_place_of(self, strategy: Strategy) -> tuple[str, str]:
        for game in self.model.games.values():
            for task in game.tasks.values():
                if (task.strategy or game.strategy) is strategy:
                    return game.name, task.name
        return "g1", "t1"

    def compare_strategy(self, strategy: Strategy, shown: Json) -> None:
        assert strategy.shown() == tuple(
            shown[name] for name in ("strategyId", "version", "status", "productionVersion")
        )

    @rule(target=strategies, kind=kinds, number=numbers)
    def create_strategy(self, kind: str, number: int) -> Any:
        return self.create(kind, number)

    @rule(target=strategies, parent=strategies, number=numbers)
    def extend(self, parent: Strategy, number: int) -> Any:
        return multiple() if parent.parent else self.create("more", number, parent)

    @rule(strategy=strategies, kind=kinds, number=numbers)
    def edit(self, strategy: Strategy, kind: str, number: int) -> None:
        parent = strategy.parent
        made = Program("more" if parent else kind, number, parent.in_production if parent else None)

        def expected() -> None:
            if strategy.is_archived:
                raise Refused(409, "STRATEGY_ARCHIVED")
            if parent:
                parent.require_scoring()
            if strategy.has_draft:
                strategy.drafts_and_versions.pop()
            strategy.drafts_and_versions.append((made, False))

        path = f"/strategies/custom/{strategy.slug}"
        answer = self.compare(expected, lambda: self.world.request("PUT", path, {"astJson": made.ast()}))
        if answer is not None:
            self.compare_strategy(strategy, answer)

    @rule(strategy=strategies)
    def publish(self, strategy: Strategy) -> None:
        def expected() -> None:
            if strategy.is_archived:
                raise Refused(409, "STRATEGY_ARCHIVED")
            if not strategy.has_draft:
                raise Refused(409, "NO_DRAFT")
            program, _ = strategy.drafts_and_versions[-1]
            pinned = strategy.parent.require_scoring() if strategy.parent else None
            strategy.drafts_and_versions[-1] = (Program(program.kind, program.number, pinned), True)
            strategy.production = len(strategy.drafts_and_versions)

        path = f"/strategies/custom/{strategy.slug}/publish"
        with self.scoring_around(*self.a_place_of(strategy)):
            answer = self.compare(expected, lambda: self.world.post(path))
        if answer is not None:
            self.compare_strategy(strategy, answer)

    @rule(strategy=strategies, number=st.integers(1, 4))
    def roll_back(self, strategy: Strategy, number: int) -> None:
        def expected() -> None:
            if strategy.is_archived:
                raise Refused(409, "STRATEGY_ARCHIVED")
            if number > len(strategy.drafts_and_versions):
                raise Refused(404, "VERSION_NOT_FOUND")
            if not strategy.drafts_and_versions[number - 1][1]:
                raise Refused(409, "VERSION_NOT_PUBLISHED")
            if strategy.production == number:
                raise Refused(409, "VERSION_IN_PRODUCTION")
            strategy.production = number

        path = f"/strategies/custom/{strategy.slug}/rollback/{number}"
        with self.scoring_around(*self.a_place_of(strategy)):
            answer = self.compare(expected, lambda: self.world.post(path))
        if answer is not None:
            self.compare_strategy(strategy, answer)

    @precondition(lambda self: len(self.model.scores) > 5)
    @rule(strategy=strategies, force=st.sampled_from([False, False, True]))
    def archive(self, strategy: Strategy, force: bool) -> None:  # Hypothesis names it
        def expected() -> None:
            games = self.model.games.values()
            used = any(game.strategy is strategy for game in games) or any(
                task.strategy is strategy for game in games for task in game.tasks.values()
            )
            if used and not force and not strategy.is_archived:
                raise Refused(409, "STRATEGY_IN_USE")
            strategy.is_archived = True

        path = f"/strategies/custom/{strategy.slug}/archive"
        with self.scoring_around(*self.a_place_of(strategy)):
            answer = self.compare(expected, lambda: self.world.post(path, {"force": force}))
        if answer is not None:
            self.compare_strategy(strategy, answer)

    # ── Games and tasks ──────────────────────────────────────────────────────────────────────────
    @rule(name=st.sampled_from(GAMES), strategy=strategies, variables=overrides)
    def create_game(self, name: str, strategy: Strategy, variables: Json) -> None:
        def expected() -> None:
            strategy.require_taking(variables)
            if name in self.model.games:
                raise Refused(409, "GAME_EXISTS")
            self.model.games[name] = Game(name, strategy, variables)

        body = {
            "externalGameId": name,
            "platform": "test",
            "strategyId": strategy.slug,
            "variables": variables,
        }
        self.compare(expected, lambda: self.world.post("/games", body), status=201)

    @rule(
        game=st.sampled_from(GAMES),
        name=st.sampled_from(TASKS),
        strategy=st.one_of(st.none(), strategies),
        variables=overrides,
    )
    def create_task(self, game: str, name: str, strategy: Strategy | None, variables: Json) -> None:
        def expected() -> None:
            there = self.game(game)
            (strategy or there.strategy).require_taking(variables)
            if name in there.tasks:
                raise Refused(409, "TASK_EXISTS")
            there.tasks[name] = Task(name, strategy, variables)

        body: Json = {"externalTaskId": name, "variables": variables}
        body |= {"strategyId": strategy.slug} if strategy else {}
        self.compare(expected, lambda: self.world.post(f"/games/{game}/tasks", body), status=201)

    @rule(
        name=st.sampled_from(GAMES),
        strategy=st.one_of(st.none(), strategies),
        variables=st.one_of(st.none(), overrides),
    )
    def change_game(self, name: str, strategy: Strategy | None, variables: Json | None) -> None:
        def expected() -> None:
            game = self.game(name)
            then = strategy or game.strategy
            overriding = game.variables if variables is None else variables
            if strategy is not None or variables is not None:
                then.require_taking(overriding)
            game.strategy, game.variables = then, overriding

        changes: Json = {"strategyId": strategy.slug} if strategy else {}
        changes |= {} if variables is None else {"variables": variables}
        with self.scoring_around(name, "t1"):
            answer = self.compare(expected, lambda: self.world.request("PATCH", f"/games/{name}", changes))
        if answer is not None:
            self.compare_variables(answer, self.game(name))

    @rule(
        game=st.sampled_from(GAMES),
        name=st.sampled_from(TASKS),
        changes=st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(["open", "closed"]),
                "variables": overrides,
                "strategy": st.one_of(st.none(), strategies),
            },
        ),
    )
    def change_task(self, game: str, name: str, changes: Json) -> None:
        def expected() -> None:
            there, task = self.game(game), self.task(game, name)
            own = changes.get("strategy", task.strategy)
            variables = changes.get("variables", task.variables)
            if changes.keys() & {"strategy", "variables"}:
                (own or there.strategy).require_taking(variables)
            task.strategy, task.variables = own, variables
            task.is_open = changes.get("status", "open" if task.is_open else "closed") == "open"

        body = {key: value for key, value in changes.items() if key != "strategy"}
        if "strategy" in changes:
            body["strategyId"] = changes["strategy"].slug if changes["strategy"] else None
        path = f"/games/{game}/tasks/{name}"
        with self.scoring_around(game, name):
            answer = self.compare(expected, lambda: self.world.request("PATCH", path, body))
        if answer is not None:
            self.compare_variables(answer, self.game(game), self.task(game, name))
            assert answer["status"] == ("open" if self.task(game, name).is_open else "closed")

    @rule(game=st.sampled_from(GAMES), name=st.sampled_from(TASKS))
    def delete_task(self, game: str, name: str) -> None:
        def expected() -> None:
            self.task(game, name)
            if any((each.event.game, each.event.task) == (game, name) for each in self.model.scores):
                raise Refused(409, "TASK_SCORED")
            del self.game(game).tasks[name]

        self.compare(expected, lambda: self.world.request("DELETE", f"/games/{game}/tasks/{name}"))

    def game(self, name: str) -> Game:
        if name not in self.model.games:
            raise Refused(404, "GAME_NOT_FOUND")
        return self.model.games[name]

    def task(self, game: str, name: str) -> Task:
        if name not in self.game(game).tasks:
            raise Refused(404, "TASK_NOT_FOUND")
        return self.game(game).tasks[name]

    def compare_variables(self, shown: Json, game: Game, task: Task | None = None) -> None:
        strategy = (task.strategy if task else None) or game.strategy
        program = strategy.in_production
        in_force = program.effective(game.variables, task.variables if task else {}) if program else {}
        assert shown["effectiveVariables"] == in_force
        assert shown["strategyId"] == strategy.slug

    # ── Scores ───────────────────────────────────────────────────────────────────────────────────
    @rule(target=scores, event=events, key=keys)
    def score(self, event: Event, key: str | None) -> Any:
        headers = {"idempotency_key": key} if key else {}
        body = {"externalUserId": event.user, "data": dict(event.data), "isTest": event.is_test}
        path = f"/games/{event.game}/tasks/{event.task}/points"
        return self.compare_score(event, key, self.world.post(path, body, **headers))

    @rule(target=scores, key=st.sampled_from(KEYS))
    def send_again(self, key: str) -> Any:
        return self.score(self.model.keys[key].event, key) if key in self.model.keys else multiple()

    @rule(target=scores, batch=st.lists(st.tuples(events, keys), min_size=1, max_size=8))
    def score_batch(self, batch: list[tuple[Event, str | None]]) -> Any:
        bodies = [
            {
                "gameId": event.game,
                "externalTaskId": event.task,
                "externalUserId": event.user,
                "data": dict(event.data),
                "isTest": event.is_test,
                "idempotencyKey": key,
            }
            for event, key in batch
        ]
        answer = self.world.post("/scores/batch", {"events": bodies})
        assert answer.status_code == 200, answer.content
        for (event, key), result in zip(batch, answer.json()["results"], strict=True):
            self.compare_result(event, key, result["status"], result.get("score") or result)
        return multiple(*self.model.scores[-len(batch) :])

    def compare_score(self, event: Event, key: str | None, answer: Any) -> Any:
        score = self.compare_result(event, key, answer.status_code, answer.json())
        return multiple() if score is None else score

    def compare_result(self, event: Event, key: str | None, status: int, shown: Json) -> Score | None:
        self.touched_games.add(event.game)
        scored: list[tuple[Score, bool]] = []
        refused = refusal_of(lambda: scored.append(self.model.score(event, key)))
        if refused is not None:
            assert (status, shown["error"]["code"]) == (refused.status, refused.code), shown
            return None
        [(score, replayed)] = scored
        assert status == (200 if replayed else 201), shown
        expected = score.shown(replayed=replayed)
        assert {name: shown[name] for name in expected} == expected
        score.score_id = score.score_id or shown["scoreId"]
        assert shown["scoreId"] == score.score_id
        return score

    @rule(target=scores, score=scores)
    def reverse(self, score: Score) -> Any:
        reversals: list[Score] = []
        answer = self.compare(
            lambda: reversals.append(self.model.reverse(score)),
            lambda: self.world.post(f"/scores/{score.score_id}/reversal", {"reason": "a mistake"}),
            status=201,
        )
        if answer is None:
            return multiple()
        [reversal] = reversals
        self.touched_games.add(score.event.game)
        assert answer["reverses"] == score.score_id
        expected = reversal.shown(replayed=False)
        assert {name: answer[name] for name in expected} == expected
        reversal.score_id = answer["scoreId"]
        return reversal

    # ── After each step ──────────────────────────────────────────────────────────────────────────
    @invariant()
    def the_players_points_are_the_models(self) -> None:
        if not self.touched_games:
            return
        answer = self.world.post("/users/points/query", {"externalUserIds": USERS}).json()
        known = self.model.users()
        assert answer["unknown"] == [user for user in USERS if user not in known]
        for shown in answer["items"]:
            totals = self.model.totals(shown["externalUserId"])
            assert totals == {
                (game["externalGameId"], task["externalTaskId"]): (
                    task["points"],
                    task["timesAwarded"],
                    task["timesScored"],
                )
                for game in shown["games"]
                for task in game["tasks"]
            }
            assert shown["points"] == sum(points for points, _, _ in totals.values())

    @invariant()
    def the_leaderboards_are_the_models(self) -> None:
        for game in self.touched_games & self.model.games.keys():
            shown = self.world.get(f"/games/{game}/leaderboard").json()["items"]
            places = [(place["rank"], place["externalUserId"], place["points"]) for place in shown]
            assert sorted(places) == self.model.leaderboard(game)
            assert [rank for rank, _, _ in places] == sorted(rank for rank, _, _ in places)
            self.compare_game_totals(game)
        self.touched_games.clear()

    def compare_game_totals(self, game: str) -> None:
        shown = self.world.get(f"/games/{game}/points").json()
        by_task = {task["externalTaskId"]: task for task in shown["tasks"]}
        assert by_task.keys() == self.model.games[game].tasks.keys()
        totals = [self.model.totals(user) for user in self.model.users()]
        for name, task in by_task.items():
            there = [each[game, name] for each in totals if (game, name) in each]
            assert [task["points"], task["timesAwarded"], task["timesScored"]] == [
                sum(column) for column in (zip(*there, strict=True) if there else [(), (), ()])
            ]
        assert shown["points"] == sum(task["points"] for task in by_task.values())

    def teardown(self) -> None:
        if sys.exc_info()[0] is not None:
            return  # it would hide what went wrong before
        listed = self.world.get("/strategies/custom?limit=500").json()["items"]
        assert {strategy["strategyId"] for strategy in listed} == self.model.strategies.keys()
        for strategy in listed:
            self.compare_strategy(self.model.strategies[strategy["strategyId"]], strategy)
        stored = self.world.get("/scores?limit=500").json()["items"]
        assert {score["scoreId"] for score in stored} == {score.score_id for score in self.model.scores}
        for score in self.model.scores[-3:]:
            assert self.world.get(f"/scores/{score.score_id}/explain").json()["reproduced"] is True
        for game in self.model.games.values():
            self.compare_variables(self.world.get(f"/games/{game.name}").json(), game)
            for task in game.tasks.values():
                self.compare_variables(
                    self.world.get(f"/games/{game.name}/tasks/{task.name}").json(), game, task
                )


def test_the_service_does_what_the_naive_model_says(transactional_db: None) -> None:
    run_state_machine_as_test(
        Rules,
        settings=settings(
            max_examples=N_EXAMPLES,
            stateful_step_count=N_STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert StoredScore.objects.exists()
