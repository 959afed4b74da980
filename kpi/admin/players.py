"""A player over time: points by day and in all, and the latest scores with their reasons."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Final
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from gameproject.lib import clock
from gameproject.lib.admin.search import may_see
from kpi import rollup
from kpi.admin.charts import Chart, Line, Unit
from strategies import dsl, programs
from strategies.admin.links import scores_url
from strategies.models import Player, PlayerGameStats, PlayerTaskStats, Score
from strategies.selectors import newest_scores

DAYS: Final = 90
MAX_SUMMED: Final = 5000
MAX_SHOWN: Final = 30


@dataclass(frozen=True, slots=True)
class Told:
    """A score and why it is what it is."""

    score: Score
    reasons: list[str]


def player_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    if not (may_see(request, Player) and may_see(request, Score)):
        raise PermissionDenied
    player = get_object_or_404(Player.objects.select_related("realm"), pk=pk)
    recent, is_cut = _recent(player)
    context = {
        **admin.site.each_context(request),
        "title": f"{player.external_id}: over time",
        "player": player,
        "charts": list(_charts(player, recent)) if recent else [],
        "is_cut": is_cut,
        "told": list(_told(player)),
        "scores_url": scores_url(realm=player.realm.slug, player=player.external_id, span="all"),
    }
    return TemplateResponse(request, "admin/kpi/player.html", context)


def _recent(player: Player) -> tuple[list[tuple[date, Decimal]], bool]:
    """Return the days (UTC) and points of the newest scores of three months, test events aside; and whether they were cut."""
    since = clock.now() - timedelta(days=DAYS)
    rows = newest_scores([player], MAX_SUMMED).values_list("created_at", "points", "is_test")
    found = [row for row in rows[:MAX_SUMMED] if row[0] >= since]
    days = [(at.astimezone(UTC).date(), points) for at, points, is_test in found if not is_test]
    return days, len(found) == MAX_SUMMED


def _charts(player: Player, recent: list[tuple[date, Decimal]]) -> Iterator[Chart]:
    by_day: Counter[date] = Counter()
    counts: Counter[date] = Counter(day for day, _points in recent)
    for day, points in recent:
        by_day[day] += points  # type: ignore[assignment]  # a Counter of decimals adds as well
    days = list(rollup.days_between(min(counts), clock.now().date()))
    total = PlayerGameStats.objects.filter(player=player, game__in=_games(player)).aggregate(
        points=Sum("points_total", default=Decimal(0))
    )["points"]
    before = total - sum(by_day.values())
    running = list(accumulate((Decimal(by_day[day]) for day in days), initial=before))[1:]
    yield Chart("total", "Points in all", Unit.POINTS, days, [Line("points", running)])
    yield Chart(
        "by-day", "Points by day", Unit.POINTS, days, [Line("points", [Decimal(by_day[day]) for day in days])]
    )
    yield Chart("counts", "Scores by day", Unit.COUNT, days, [Line("scores", [counts[day] for day in days])])


def _games(player: Player) -> list[UUID]:
    """Name the player's games by way of the tasks: no index of the totals begins with the player."""
    rows = PlayerTaskStats.objects.filter(player=player).values_list("task__game", flat=True)
    return list(rows.distinct())


def _told(player: Player) -> Iterator[Told]:
    newest = newest_scores([player], MAX_SHOWN)
    rows = newest.select_related("task", "game", "strategy", "strategy_version")[:MAX_SHOWN]
    return (
        Told(score, _reasons(score)) for score in rows.defer("strategy_version__program", "callback_data")
    )


def _reasons(score: Score) -> list[str]:
    """Say in words why a score is what it is, by running its version again."""
    if score.reverses_id is not None:
        return [f"Takes back another score: {score.reason}"]
    program = programs.load(score.strategy_version_id).program
    trace = dsl.Trace(limit=None)
    outcome = None
    with suppress(dsl.RunError):
        outcome = dsl.interpret(program, score.facts, score.data, score.variables, trace=trace)
    if outcome is None:
        return ["The program no longer gives a result on the stored inputs."]
    return dsl.explain(program, trace, outcome).sentences
