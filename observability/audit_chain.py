"""Walk the chains of the audit trail, and name the first row of each that is not as it was written."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from observability.models.audit import NO_HASH, AuditChain, Logs, of_realm

ROWS_AT_ONCE: Final = 2000
REMOVED: Final = "removed: there is no row at this place"
CHANGED: Final = "changed: its hash is not that of what it says"
UNLINKED: Final = "does not follow the row before it: one was changed, inserted, removed or swapped"
HEAD_DIFFERS: Final = "the head differs: this last row is not the one that was written last"
BEYOND_HEAD: Final = "inserted: the chain's head does not know of it"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first broken row of a chain. A row that is not there has a place, but no id."""

    realm_id: UUID | None
    sequence: int
    row_id: UUID | None
    what: str


def chains() -> list[AuditChain]:
    """Return the heads of all chains, and an empty one for each realm that has rows and no head."""
    heads = list(AuditChain.objects.order_by("pk"))
    known = {head.realm_id for head in heads}
    realm_ids = Logs.objects.order_by().values_list("realm_id", flat=True).distinct()
    return heads + [_empty(realm_id) for realm_id in realm_ids if realm_id not in known]


def chain_of(realm_id: UUID | None) -> AuditChain:
    """Return the head of a realm's chain, or of the global one; an empty one where nothing was ever recorded."""
    return of_realm(AuditChain.objects.all(), realm_id).first() or _empty(realm_id)


def verify(heads: Iterable[AuditChain], *, progress: Callable[[int], None] | None = None) -> Iterator[Fault]:
    """Yield a fault for each chain that is broken, in constant memory; tell `progress` of rows as they are passed.

    What is added meanwhile is not looked at.
    """
    for head in heads:
        fault = _first_fault(head, progress or _ignore)
        if fault is not None:
            yield fault


def fault_of(row: Logs) -> str | None:
    """Say what is wrong with one row, by itself, its neighbours and the head; None where all is well."""
    before, after = neighbours(row)
    if row.compute_hash() != bytes(row.hash):
        return CHANGED
    if row.sequence > 1 and before is None:
        return UNLINKED
    if bytes(row.previous_hash) != (bytes(before.hash) if before else NO_HASH):
        return UNLINKED
    if after is not None:
        return (
            None if bytes(after.previous_hash) == bytes(row.hash) else "the row after it does not follow it"
        )
    head = chain_of(row.realm_id)
    return None if (head.n_rows, bytes(head.last_hash)) == (row.sequence, bytes(row.hash)) else HEAD_DIFFERS


def neighbours(row: Logs) -> tuple[Logs | None, Logs | None]:
    """Return the rows before and after it in its chain."""
    chain = of_realm(Logs.objects.all(), row.realm_id)
    beside = {each.sequence: each for each in chain.filter(sequence__in=[row.sequence - 1, row.sequence + 1])}
    return beside.get(row.sequence - 1), beside.get(row.sequence + 1)


def _first_fault(head: AuditChain, progress: Callable[[int], None]) -> Fault | None:
    place, last_hash = 0, NO_HASH
    for row in _rows(head):
        place += 1
        if row.sequence != place:
            return Fault(head.realm_id, place, None, REMOVED)
        if bytes(row.previous_hash) != last_hash:
            return Fault(head.realm_id, place, row.pk, UNLINKED)
        last_hash = bytes(row.hash)
        if row.compute_hash() != last_hash:
            return Fault(head.realm_id, place, row.pk, CHANGED)
        if place % ROWS_AT_ONCE == 0:
            progress(ROWS_AT_ONCE)
    progress(place % ROWS_AT_ONCE)
    return _fault_at_end(head, place, last_hash)


def _fault_at_end(head: AuditChain, n_rows: int, last_hash: bytes) -> Fault | None:
    if n_rows < head.n_rows:
        return Fault(head.realm_id, n_rows + 1, None, REMOVED)
    # One statement sees head and rows as of one moment.
    newest_head = of_realm(AuditChain.objects.all(), head.realm_id).values("n_rows")
    beyond = _of(head).filter(sequence__gt=newest_head) if head.pk else _of(head)
    stray = beyond.order_by("realm_id", "sequence").first()
    if stray is not None:
        return Fault(head.realm_id, stray.sequence, stray.pk, BEYOND_HEAD)
    if last_hash != bytes(head.last_hash):
        return Fault(head.realm_id, n_rows, None, HEAD_DIFFERS)
    return None


def _rows(head: AuditChain) -> Iterator[Logs]:
    """Read a chain page by page, up to the head as it was: a server's cursor would keep a transaction open."""
    last = None
    while True:
        # By the realm too, though it is one: without it PostgreSQL sorts the whole global chain for every page.
        rows = _of(head).filter(sequence__lte=head.n_rows).order_by("realm_id", "sequence")
        page = list((rows if last is None else rows.filter(sequence__gt=last))[:ROWS_AT_ONCE])
        yield from page
        if len(page) < ROWS_AT_ONCE:
            return
        last = page[-1].sequence


def _of(head: AuditChain) -> QuerySet[Logs]:
    return of_realm(Logs.objects.all(), head.realm_id)


def _empty(realm_id: UUID | None) -> AuditChain:
    return AuditChain(realm_id=realm_id, n_rows=0, last_hash=NO_HASH)


def _ignore(_n_rows: int) -> None:
    pass
