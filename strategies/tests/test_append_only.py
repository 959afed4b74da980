"""The ledger and published versions cannot be changed, by PostgreSQL itself."""

import pytest
from django.db import DatabaseError, connection, transaction

from strategies.models import Score, StrategyVersion
from strategies.tests.conftest import World, constant_program


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE strategies_score SET points = 1000",
        "DELETE FROM strategies_score",
        "TRUNCATE strategies_score CASCADE",
    ],
)
def test_the_ledger_is_append_only(world: World, statement: str) -> None:
    world.task("t1")
    world.score()

    refused(statement)

    assert Score.objects.get().points == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE strategies_strategyversion SET program = '{}' WHERE published_at IS NOT NULL",
        "UPDATE strategies_strategyversion SET published_at = NULL",
        "DELETE FROM strategies_strategyversion WHERE published_at IS NOT NULL",
        "TRUNCATE strategies_strategyversion CASCADE",
    ],
)
def test_published_versions_are_immutable(world: World, statement: str) -> None:
    strategy = world.strategy("Five", constant_program(5))
    before = list(StrategyVersion.objects.order_by("pk").values())

    refused(statement)

    assert list(StrategyVersion.objects.order_by("pk").values()) == before
    assert strategy.versions.get().published_at is not None


def test_a_draft_may_be_changed_and_deleted(world: World) -> None:
    world.post("/strategies/custom", {"name": "Draft", "type": "FULL", "astJson": constant_program(1)})
    draft = StrategyVersion.objects.get(published_at=None)

    edited = world.request("PUT", "/strategies/custom/draft", {"astJson": constant_program(2)})

    assert edited.status_code == 200
    draft.refresh_from_db()
    assert draft.program == constant_program(2)
    draft.delete()


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"is refused"), transaction.atomic():
        connection.cursor().execute(statement)
