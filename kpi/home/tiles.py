"""Today's figures beside last week's by the same time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.urls import reverse

from gameproject.lib.admin.display import NOTHING
from kpi.so_far import Standing

FEW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure as it is shown. `mood`: whether the change is welcome; most are neither."""

    name: str
    value: str
    before: str
    change: str
    url: str
    mood: str = "calm"


def tiles(today: Standing, last_week: Standing | None) -> Iterator[Tile]:
    requests = reverse("admin:observability_apirequests_changelist")
    scores = reverse("admin:strategies_score_changelist")
    charts = reverse("admin:kpi_kpimetrics_changelist")
    then = last_week or Standing(today.at)
    for name, field, url in (
        ("Requests", "n_requests", requests),
        ("Scores", "n_scores", scores),
        ("Points", "points_awarded", scores),
        ("Active players", "n_active_players", f"{charts}#players"),
    ):
        now, before = getattr(today, field), getattr(then, field)
        shown = count(before) if last_week else ""
        yield Tile(name, count(now), shown, change(now, before), url)
    yield Tile(
        "Server errors",
        percent(today.server_error_rate),
        percent(then.server_error_rate) if last_week else "",
        "",
        f"{requests}?status=5xx",
        worse(today.server_error_rate, then.server_error_rate, factor=2, floor=0.001),
    )
    yield Tile(
        "p95",
        milliseconds(today.latency_p95_ms),
        milliseconds(then.latency_p95_ms) if last_week else "",
        change(today.latency_p95_ms, then.latency_p95_ms),
        f"{requests}?slow={today.latency_p95_ms or 0:.0f}",
        worse(today.latency_p95_ms, then.latency_p95_ms, factor=1.5, floor=20),
    )


def count(value: float) -> str:
    return f"{value:,.0f}"


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share * 100:.2f} %"


def milliseconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.3g} ms"


def change(now: float | None, before: float | None) -> str:
    """Write the change in percent; nothing where there was nothing to change from."""
    if not before or now is None:
        return ""
    percents = (now / before - 1) * 100
    return f"{percents:+,.0f} %" if abs(percents) < 1000 else f"× {now / before:,.0f}"  # ten times


def worse(now: float | None, before: float | None, *, factor: float, floor: float) -> str:
    """Say whether a figure that should be low is so many times what it was, and not negligible."""
    return "bad" if now is not None and now > max(floor, (before or 0) * factor) else "calm"
