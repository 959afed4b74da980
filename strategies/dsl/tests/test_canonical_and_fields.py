"""Canonical JSON is stable; the catalogue tells what a program can read."""

from __future__ import annotations

import json

import pytest

from strategies.dsl import canonical_json, digest, field_catalogue, field_default
from strategies.dsl.fields import FACTS, resolve_field
from strategies.dsl.tests.writing import always, assign, checked, full, program


def test_keys_are_sorted_without_spaces_in_utf_8() -> None:
    assert (
        canonical_json({"b": [1, 1.0, None, True], "a": {"é": "\n"}})
        == '{"a":{"é":"\\n"},"b":[1,1.0,null,true]}'.encode()
    )


def test_the_digest_is_stable() -> None:
    # Recorded: stored programs are found again by it
    assert (
        digest({"type": "program", "rules": []})
        == "2bb244b2b5394ec1d2be5f1c8c88702519fa37e046a1bf432e53a5932a4ac603"
    )
    assert checked(program()).digest == digest(program())


def test_order_of_keys_does_not_matter_and_ids_do() -> None:
    source = program(always(assign(1)))
    assert checked(dict(reversed(source.items()))).digest == checked(source).digest
    assert checked({**source, "id": "x"}).digest != checked(source).digest


def test_a_stored_program_has_the_same_digest() -> None:
    made = full(always(assign(1.50, "é")))
    assert digest(json.loads(canonical_json(made.source))) == made.digest


@pytest.mark.parametrize("value", [float("nan"), 1e999, "\ud800", 10**5000, {1, 2}, object()], ids=range(6))
def test_what_json_cannot_hold_has_no_canonical_form(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        canonical_json(value)
    assert checked(program(x=value)).digest is None


def test_the_catalogue_lists_every_field_with_its_type_meaning_and_cost() -> None:
    catalogue = {str(entry["path"]): entry for entry in field_catalogue()}
    assert set(catalogue) == {
        *FACTS,
        "result.points",
        "result.case_name",
        "parent.points",
        "parent.case_name",
        "data.KEY",
    }
    assert json.dumps(field_catalogue())
    assert catalogue["user.recent_measurements_count"]["cost"] == "index range"
    assert catalogue["result.points"]["sections"] == ["post_rules"]
    assert all(entry["meaning"] for entry in catalogue.values())


def test_without_history_only_mean_times_and_what_is_no_history_are_null() -> None:
    nulls = {path for path in FACTS if field_default(path) is None}
    assert nulls == {
        "externalGameId",
        "externalTaskId",
        "externalUserId",
        "user.avg_time",
        "all.avg_time",
        "event.hour",
        "event.weekday",
        "event.is_weekend",
    }
    assert {field_default(path) for path in FACTS} == {0, None}


@pytest.mark.parametrize(
    "path", ["", "data.", "data", "data.a.b", "data.a\n", "data.é", "user", "DATA.a", "result"]
)
def test_there_is_no_such_field(path: str) -> None:
    assert resolve_field(path) is None
