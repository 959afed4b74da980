"""What a call leaves in the audit trail."""

from collections.abc import Callable

from observability.models import Logs


def written_by(call: Callable[[], object]) -> list[Logs]:
    known = set(Logs.objects.values_list("pk", flat=True))
    call()
    return list(Logs.objects.exclude(pk__in=known).order_by("created_at"))


def only(call: Callable[[], object]) -> Logs:
    rows = written_by(call)
    assert len(rows) == 1, [row.event for row in rows]
    return rows[0]


def refuse(_change: object) -> None:
    raise ZeroDivisionError
