"""The chain of the audit trail: nobody can change it unseen, and any number may add to it at once."""

import threading
import uuid
from collections.abc import Callable

import pytest
import structlog
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gameproject.lib.redaction import REDACTED
from gameproject.tests.database import without_triggers
from observability import audit
from observability.audit_chain import chain_of, chains, verify
from observability.models import AuditChain, Logs

pytestmark = pytest.mark.django_db


def record(n: int, realm_id: uuid.UUID | None = None) -> list[Logs]:
    return [
        audit.record(event="logout", message=f"row {i}", realm_id=realm_id, module="tests", i=i)
        for i in range(n)
    ]


def test_a_row_says_who_did_it_and_in_which_request() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1", staff_user="ana", api_key="0123456789ab"):
        row = audit.record(
            event="game.changed",
            message="Changed a game.",
            realm_id=None,
            module="tests",
            subject="game:1",
            before={"platform": "a"},
            after={"platform": "b"},
        )
    stored = Logs.objects.get(pk=row.pk)
    assert (stored.request_id, stored.staff_user, stored.api_key) == ("r-1", "ana", "0123456789ab")
    assert stored.details == {"before": {"platform": "a"}, "after": {"platform": "b"}}
    assert bytes(stored.hash) == stored.compute_hash()


def test_secrets_are_blotted_out() -> None:
    key = f"0123456789ab.{'s' * 43}"
    row = audit.record(
        event="key.created",
        message=f"Made {key}",
        realm_id=None,
        module="tests",
        after={"name": "n", "secret_hash": "x", "password": "x", "deep": [{"authToken": "x"}], "note": key},
    )
    assert row.message == f"Made 0123456789ab.{REDACTED}"
    assert row.details["after"] == {
        "name": "n",
        "secret_hash": REDACTED,
        "password": REDACTED,
        "deep": [{"authToken": REDACTED}],
        "note": f"0123456789ab.{REDACTED}",
    }


def test_an_event_that_is_not_documented_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tea\.made"):
        audit.record(event="tea.made", message="", realm_id=None, module="tests")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE observability_logs SET message = 'nothing'",
        "DELETE FROM observability_logs",
        "TRUNCATE observability_logs",
        "DELETE FROM observability_auditchain",
        "TRUNCATE observability_auditchain",
        "UPDATE observability_auditchain SET n_rows = n_rows - 1",
    ],
)
def test_postgresql_refuses_to_change_or_remove(statement: str) -> None:
    record(2)
    with (
        pytest.raises(DatabaseError, match="is refused"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_transaction_that_is_rolled_back_leaves_no_row_and_no_gap() -> None:
    record(1)
    with transaction.atomic():
        record(1)
        transaction.set_rollback(True)
    record(1)
    assert list(Logs.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2]
    assert list(verify(chains())) == []


def test_each_realm_has_a_chain_of_its_own() -> None:
    one, two = uuid.uuid4(), uuid.uuid4()
    for realm_id in (one, two, None, one):
        record(1, realm_id)
    assert dict(AuditChain.objects.values_list("realm_id", "n_rows")) == {one: 2, two: 1, None: 1}
    assert list(verify(chains())) == []


@pytest.mark.django_db(transaction=True)
def test_sixteen_threads_leave_one_unbroken_chain() -> None:
    def work() -> None:
        try:
            for _ in range(10):
                record(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert AuditChain.objects.get().n_rows == Logs.objects.count() == 160
    assert list(verify(chains())) == []


# ── Tampering ────────────────────────────────────────────────────────────────────────────────────
def change(rows: list[Logs], i: int, field: str) -> int:
    row = Logs.objects.filter(pk=rows[i].pk)
    match field:
        case "details_json":
            row.update(details_json=rows[i].details_json.replace(":", ": "))
        case "created_at":
            row.update(created_at=rows[i].created_at.replace(year=2000))
        case "realm_id":
            row.update(realm_id=uuid.uuid4())
        case _:
            row.update(**{field: getattr(rows[i], field) + "x" if field != "level" else "error"})
    return i + 1


def remove(rows: list[Logs], i: int, _field: str) -> int:
    Logs.objects.filter(pk=rows[i].pk)._raw_delete("default")
    return i + 1


def insert(rows: list[Logs], i: int, _field: str) -> int:
    """Put a sound copy after a row, and move the later ones on: the one after it no longer follows."""
    for row in reversed(rows[i + 1 :]):
        Logs.objects.filter(pk=row.pk).update(sequence=row.sequence + 1)
    fake = rows[i]
    fake.pk, fake.sequence, fake.previous_hash = uuid.uuid4(), fake.sequence + 1, fake.hash
    fake.hash = fake.compute_hash()
    fake.save(force_insert=True)
    return min(i + 3, len(rows) + 1)


def swap(rows: list[Logs], i: int, _field: str) -> int:
    j = (i + 1) % len(rows)
    one, other = Logs.objects.filter(pk=rows[i].pk), Logs.objects.filter(pk=rows[j].pk)
    one.update(sequence=-1)
    other.update(sequence=rows[i].sequence)
    one.update(sequence=rows[j].sequence)
    return min(i, j) + 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n=st.integers(2, 12),
    place=st.floats(0, 0.999),
    tampering=st.sampled_from([change, remove, insert, swap]),
    field=st.sampled_from(
        ["message", "details_json", "created_at", "event", "level", "staff_user", "realm_id", "subject"]
    ),
)
def test_any_changed_removed_inserted_or_swapped_row_is_found(
    n: int, place: float, tampering: Callable[[list[Logs], int, str], int], field: str
) -> None:
    with transaction.atomic():
        rows = record(n)
        assert list(verify(chains())) == []
        with without_triggers():
            broken = tampering(rows, int(place * n), field)
        (fault,) = verify([chain_of(None)])
        assert fault.sequence == broken
        transaction.set_rollback(True)
