"""Write the audit trail: one row for each thing done, in the transaction that does it.

A realm's rows form a chain: each holds the hash of the one before it. The chain's head is a row of its own and its
lock puts writers in order. A row, not an advisory lock: the head has to be stored anyway, or nobody would miss a last
row that was taken away, and one statement then locks it, numbers the new row and returns the last hash. It is held
until the transaction ends, so record last; in two chains, the realm's before the global one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from structlog.contextvars import get_contextvars

from gameproject.lib import canonical, redaction
from gameproject.lib.errors import JsonDict
from gameproject.lib.ids import uuid7
from observability.audit_events import EVENTS
from observability.models.audit import NO_HASH, AuditChain, Level, Logs, of_realm
from strategies.changes import Change

# Under the lock: of two who record at the same moment, the later one waits here and then reads what the first wrote.
EXTEND: Final = """
INSERT INTO observability_auditchain AS chain (realm_id, n_rows, last_hash) VALUES (%s, 1, %s)
ON CONFLICT (realm_id) DO UPDATE SET n_rows = chain.n_rows + 1
RETURNING n_rows, last_hash, clock_timestamp()
"""
# Who acts and in which request, as the edges of the process have bound it.
ACTOR: Final = ("api_key", "oauth_user_id", "staff_user", "command", "task", "request_id")
LENGTHS: Final = {field.name: field.max_length for field in Logs._meta.fields}  # noqa: SLF001  # Django's documented way


@transaction.atomic(savepoint=False)
def record(
    *,
    event: str,
    message: str,
    realm_id: UUID | None,
    module: str,
    level: str = "info",
    subject: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    **details: object,
) -> Logs:
    """Add a row to a realm's chain, or to the global one, in the running transaction. Secrets are blotted out.

    `subject` names what it was done to, such as `strategy:<uuid>`. Raises ValueError for an event that is not in
    `audit_events.EVENTS`, since the list is documented.
    """
    if event not in EVENTS:
        raise ValueError(f"{event} is not among the events of the audit trail")
    sequence, last_hash, at = _extend(realm_id)
    row = Logs(
        id=uuid7(at),
        realm_id=realm_id,
        sequence=sequence,
        level=Level(level).value,
        module=module,
        event=event,
        message=redaction.redact_text(message).replace("\0", "\N{REPLACEMENT CHARACTER}"),
        subject=subject,
        details_json=_details_json(before=before, after=after, **details),
        **_actor(),
        created_at=at,
        previous_hash=last_hash,
    )
    row.hash = row.compute_hash()
    row.save(force_insert=True)
    of_realm(AuditChain.objects.all(), realm_id).update(last_hash=row.hash)
    return row


def record_change(change: Change) -> None:
    """Record what `strategies` announces (the setting CHANGE_RECORDERS)."""
    record(
        event=change.event,
        message=change.message,
        realm_id=change.realm_id,
        module=change.module,
        subject=change.subject,
        before=change.before,
        after=change.after,
        **dict(change.details),  # type: ignore[arg-type]  # by other names than the parameters have
    )


def _extend(realm_id: UUID | None) -> tuple[int, bytes, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(EXTEND, [realm_id, NO_HASH])
        sequence, last_hash, at = cursor.fetchone()
    return sequence, bytes(last_hash), at


def _details_json(**details: object) -> str:
    given = {name: value for name, value in details.items() if value is not None}
    return canonical.encode_json(redaction.redact(given))


def _actor() -> dict[str, str]:
    bound: JsonDict = get_contextvars()
    return {name: _fitting(name, str(bound.get(name) or "")) for name in ACTOR}


def _fitting(name: str, value: str) -> str:
    return redaction.redact_text(value)[: LENGTHS[name]]
