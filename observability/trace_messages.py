"""Traces in messages: as few as fit, with a version of the format."""

from collections.abc import Iterator, Sequence
from typing import Final

from observability import celery_messages
from observability.drops import Report

FORMAT: Final = 1
QUEUE: Final = "traces"
TASK: Final = "observability.tasks.store_executions"
MAX_ROWS: Final = 100
MAX_BYTES: Final = 256 * 1024


def split(rows: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut rows into messages of at most 100 rows and 256 KiB."""
    begin, size = 0, 0
    for index, row in enumerate(rows):
        if index > begin and (index - begin == MAX_ROWS or size + len(row) > MAX_BYTES):
            yield rows[begin:index]
            begin, size = index, 0
        size += len(row)
    if begin < len(rows):
        yield rows[begin:]


def envelope(rows: Sequence[bytes], report: Report | None = None, *, request_id: str) -> bytes:
    """Wrap the rows of one request, and what was lost before, as a task's message.

    Rows go as text: Celery need not parse them.
    """
    payload: dict[str, object] = {"format": FORMAT, "rows": [row.decode() for row in rows]}
    if report is not None:
        payload["drops"] = report
    return celery_messages.envelope(payload, task=TASK, queue=QUEUE, request_id=request_id)
