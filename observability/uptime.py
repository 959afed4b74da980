"""The record of what was there: written once a minute, read as shares of days.

What keeps the rows from being written (database, worker, beat or broker away) leaves a gap, and a gap counts as down. A
deployment that stops beat for a minute shows as a minute of downtime; so it was, for what beat does.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from observability import health
from observability.health import Check
from observability.models import UptimeLogs
from observability.models.uptime import UptimeStatus

DAYS_KEPT: Final = 90
MINUTE: Final = timedelta(minutes=1)


def record(*, sent_at: datetime, arrived_at: datetime) -> None:
    """Write the rows of the minute in which the heartbeat was sent; those that are there already stay."""
    minute = sent_at.replace(second=0, microsecond=0)
    lag_milliseconds = round((arrived_at - sent_at).total_seconds() * 1000, 2)
    # This runs in a worker because beat said so: both are there.
    proven = [
        Check("worker", ok=True, milliseconds=lag_milliseconds),
        Check("beat", ok=True, milliseconds=0.0),
    ]
    rows = [_row(minute, check) for check in (*health.checks(), *proven)]
    UptimeLogs.objects.bulk_create(rows, ignore_conflicts=True)


def _row(minute: datetime, check: Check) -> UptimeLogs:
    return UptimeLogs(
        minute=minute,
        dependency=check.name,
        status=UptimeStatus.UP if check.ok else UptimeStatus.DOWN,
        milliseconds=check.milliseconds,
        reason=(check.reason or "")[:300],
    )


def forget_old(now: datetime) -> int:
    """Delete what is older than it is kept; return how many rows that were."""
    n_rows, _by_model = UptimeLogs.objects.filter(minute__lt=now - timedelta(days=DAYS_KEPT)).delete()
    return n_rows


def share(dependency: str, day: date, now: datetime) -> float | None:
    """Return the share of a UTC day's whole minutes, up to now, in which a dependency was there; None before any.

    Minutes before the very first row do not count: nobody was looking yet.
    """
    begin = datetime.combine(day, time(), UTC)
    return share_between(dependency, begin, min(begin + timedelta(days=1), now))


def share_between(dependency: str, begin: datetime, until: datetime) -> float | None:
    """Return the same for any span of whole minutes."""
    end = until.replace(second=0, microsecond=0)
    first = UptimeLogs.objects.order_by("minute").values_list("minute", flat=True).first()
    if first is None or (n_minutes := (end - max(begin, first)) // MINUTE) <= 0:
        return None
    rows = UptimeLogs.objects.filter(dependency=dependency, minute__gte=begin, minute__lt=end)
    return rows.filter(status=UptimeStatus.UP).count() / n_minutes
