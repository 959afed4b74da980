"""The drills, shortened: `make drill` runs them with 2,000 events each."""

from collections.abc import Iterator

import pytest

from ops.drills.audit import audit
from ops.drills.drill import DRILLS, run_drill
from ops.drills.load import Acknowledged
from ops.drills.plan import make_game
from ops.drills.service import Service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.mark.parametrize(
    ("name", "n_events", "seconds"),
    [
        ("worker-killed", 150, 0.0),
        ("postgres-crashed", 200, 0.0),
        ("postgres-stopped", 200, 2.5),
        ("valkey-stopped", 100, 1.5),
    ],
)
def test_the_ledger_is_right_after(service: Service, name: str, n_events: int, seconds: float) -> None:
    report = run_drill(service, DRILLS[name], n_events=n_events, events_per_second=50.0, seconds=seconds)

    assert report.wrong == [], report
    assert report.n_acknowledged == report.n_stored == n_events


def test_the_audit_sees_what_is_missing_twice_or_miscounted(service: Service) -> None:
    game = make_game(service, "tampered")
    path = f"/api/v1/games/{game}/tasks/default/points"
    _status, score = service.call("POST", path, {"externalUserId": "ana"})
    told = {"said": Acknowledged(score["scoreId"], 1.0, replayed=False)}
    with service.connect() as connection:
        connection.execute("UPDATE strategies_taskstats SET points_total = points_total + 1")

        faults = audit(connection, game, sent=["said"], acknowledged=told)

        connection.execute("UPDATE strategies_taskstats SET points_total = points_total - 1")
    assert [fault.split(" × ")[1].split(",")[0] for fault in faults] == [
        "acknowledged and not in the ledger",
        "in the ledger and never sent",
        "a task's figures that are not the ledger's",
    ]
