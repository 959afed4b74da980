"""Times as the API writes them: UTC, ISO 8601, `Z`."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def iso(at: datetime) -> str:
    """Write a time as `2026-11-22T09:30:00.123456Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
