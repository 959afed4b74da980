"""A past in plain Python, and its figures computed the slow and obvious way: an independent model of the rollup."""

import math
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from gameproject.lib.ids import uuid7
from observability.models import ApiRequestDrops, ApiRequests, StrategyExecutionLog, TraceDrops
from strategies.models import Game, Player, PlayerAction, Realm, Score, Strategy, Task

Figures = dict[str, object]


@dataclass(frozen=True)
class Happened:
    """Something at a time in a realm. `what` says which of the other fields mean anything."""

    what: str
    at: datetime
    realm: int
    player: int = 0
    outcome: str = "award"
    points: int = 0
    is_test: bool = False
    has_fallback: bool = False
    status: int = 200
    milliseconds: float = 1.0
    weight: int = 1
    is_batch: bool = False


@dataclass
class Past:
    """What happened, in a few realms."""

    realms: list[Realm]
    happened: list[Happened] = field(default_factory=list)

    def store(self) -> None:
        players = {
            (n, player): Player(
                id=uuid7(first), realm=self.realms[n], external_id=f"p{player}", created_at=first
            )
            for (n, player), first in self._first_seen().items()
        }
        Player.objects.bulk_create(players.values())
        places = [_place(realm) for realm in self.realms]
        Score.objects.bulk_create(
            _score(each, self.realms[each.realm], places[each.realm], players[each.realm, each.player])
            for each in self._of("score")
        )
        PlayerAction.objects.bulk_create(
            PlayerAction(
                id=uuid7(each.at),
                realm=self.realms[each.realm],
                player=players[each.realm, each.player],
                type="look",
                created_at=each.at,
            )
            for each in self._of("action")
        )
        ApiRequests.objects.bulk_create(
            _request(each, self.realms[each.realm]) for each in self._of("request")
        )
        ApiRequestDrops.objects.bulk_create(
            ApiRequestDrops(
                id=uuid7(each.at), realm=self.realms[each.realm], n=each.weight, created_at=each.at
            )
            for each in self._of("lost")
        )
        StrategyExecutionLog.objects.bulk_create(
            _failed_run(each, self.realms[each.realm], places[each.realm]) for each in self._of("failure")
        )
        TraceDrops.objects.bulk_create(
            TraceDrops(report_id=uuid.uuid4(), minute=each.at, reason="queue_full", n_traces=each.weight)
            for each in self._of("trace_lost")
        )

    def figures(self, realm: int | None, day: date, zone: ZoneInfo) -> Figures:
        """Compute a day's figures from the list of what happened."""

        def on(what: str, back: int = 0) -> list[Happened]:
            wanted = day - timedelta(days=back)
            return [
                each
                for each in self._of(what)
                if realm in {None, each.realm} and each.at.astimezone(zone).date() == wanted
            ]

        def active(back: int) -> set[tuple[int, int]]:
            scored = [each for each in on("score", back) if not each.is_test and each.outcome != "reversal"]
            return {(each.realm, each.player) for each in [*scored, *on("action", back)]}

        real = [each for each in on("score") if not each.is_test]
        scores = [each for each in real if each.outcome != "reversal"]
        n_ok = len([each for each in on("score") if each.outcome != "reversal"])
        n_failed = sum(each.weight for each in on("failure"))
        requests = [each for each in on("request") for _ in range(each.weight)]
        times = sorted(each.milliseconds for each in requests)
        scoring = [each for each in requests if not each.is_batch]
        n_lost = sum(each.weight for each in on("lost"))
        new = [
            key
            for key, at in self._first_seen().items()
            if realm in {None, key[0]} and at.astimezone(zone).date() == day
        ]
        traces_lost = [each for each in self._of("trace_lost") if each.at.astimezone(zone).date() == day]
        return {
            "n_requests": len(requests),
            "success_rate": _share(sum(each.status < 400 for each in requests), len(requests)),
            "client_error_rate": _share(sum(400 <= each.status < 500 for each in requests), len(requests)),
            "server_error_rate": _share(sum(each.status >= 500 for each in requests), len(requests)),
            "latency_mean_ms": _share(sum(times), len(times)),
            "latency_p50_ms": _percentile(times, 50),
            "latency_p95_ms": _percentile(times, 95),
            "latency_p99_ms": _percentile(times, 99),
            "n_score_requests": len(scoring),
            "n_score_requests_over_200_ms": sum(each.milliseconds > 200 for each in scoring),
            "n_score_requests_over_500_ms": sum(each.milliseconds > 500 for each in scoring),
            "n_active_players": len(active(0)),
            "n_new_players": len(new),
            "retention_day_1": _share(len(active(0) & active(1)), len(active(1))),
            "retention_day_7": _share(len(active(0) & active(7)), len(active(7))),
            "retention_day_30": _share(len(active(0) & active(30)), len(active(30))),
            "interactions_per_player": _share(len(scores) + len(on("action")), len(active(0))),
            "n_scores": len(scores),
            "n_awards": sum(each.outcome == "award" for each in scores),
            "n_no_awards": sum(each.outcome == "no_award" for each in scores),
            "n_vetoes": sum(each.outcome == "veto" for each in scores),
            "n_fallbacks": sum(each.has_fallback for each in real),
            "points_awarded": Decimal(sum(each.points for each in real)),
            "n_actions": len(on("action")),
            "uptime_share": None,
            "n_executions": n_ok + n_failed,
            "execution_error_rate": _share(n_failed, n_ok + n_failed),
            "n_requests_lost": n_lost,
            "n_traces_lost": sum(each.weight for each in traces_lost),
            "completeness": _share(len(requests), len(requests) + n_lost),
        }

    def _of(self, what: str) -> list[Happened]:
        return [each for each in self.happened if each.what == what]

    def _first_seen(self) -> dict[tuple[int, int], datetime]:
        seen: dict[tuple[int, int], datetime] = {}
        for each in sorted([*self._of("score"), *self._of("action")], key=lambda each: each.at):
            seen.setdefault((each.realm, each.player), each.at)
        return seen


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _percentile(times: list[float], rank: int) -> float | None:
    """The nearest rank: the smallest value that `rank` percent of all do not exceed."""
    return times[max(math.ceil(len(times) * rank / 100), 1) - 1] if times else None


def _place(realm: Realm) -> Task:
    default = Strategy.objects.get(realm=None, slug="default")
    game, _made = Game.objects.get_or_create(realm=realm, external_id="g1", defaults={"strategy": default})
    task, _made = Task.objects.get_or_create(
        realm=realm, game=game, external_id="past", defaults={"strategy": default}
    )
    return task


def _score(each: Happened, realm: Realm, task: Task, player: Player) -> Score:
    assert task.strategy is not None
    return Score(
        id=uuid7(each.at),
        realm=realm,
        game=task.game,
        task=task,
        player=player,
        strategy=task.strategy,
        strategy_version=task.strategy.versions.get(),
        alias="production",
        outcome=each.outcome,
        points=each.points,
        callback_data={},
        bonuses=[],
        facts={},
        data={},
        variables={},
        inputs_digest=b"",
        fallback={} if each.has_fallback else None,
        is_test=each.is_test,
        request_id="r",
        created_at=each.at,
    )


def _request(each: Happened, realm: Realm) -> ApiRequests:
    return ApiRequests(
        id=uuid7(each.at),
        request_id="r",
        realm=realm,
        kind="score",
        method="POST",
        route="/api/v1/scores/batch" if each.is_batch else "/api/v1/games/{game}/tasks/{task}/points",
        status=each.status,
        milliseconds=each.milliseconds,
        weight=each.weight,
        created_at=each.at,
    )


def _failed_run(each: Happened, realm: Realm, task: Task) -> StrategyExecutionLog:
    assert task.strategy is not None
    return StrategyExecutionLog(
        id=uuid7(each.at),
        request_id="r",
        realm=realm,
        strategy=task.strategy,
        strategy_version=task.strategy.versions.get(),
        strategy_type="DSL_FULL",
        alias="production",
        game=task.game,
        task=task,
        external_user_id="p",
        status="error",
        code="DSL_ARITH_DIV_BY_ZERO",
        duration_seconds=0.001,
        nodes=1,
        facts={},
        data={},
        variables={},
        trace=[],
        n_cut=0,
        is_test=False,
        kind="error",
        is_error=True,
        weight=each.weight,
        created_at=each.at,
    )
