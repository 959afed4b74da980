"""A typo in a file of rules or of a dashboard is found: here by the documents, in `make smoke` by a real Prometheus."""

from pathlib import Path

import pytest

from ops.monitoring.catalogue import DASHBOARDS, RULES, expressions_of, unknown
from ops.smoke.asking import MARK, TYPOS, plant

FILES = [*RULES, *DASHBOARDS]


def test_all_files_are_looked_at() -> None:
    assert len(RULES) > 3
    assert len(DASHBOARDS) > 3
    assert [file.name for file in FILES if not expressions_of(file)] == []


@pytest.mark.parametrize("place", ["a metric", "a label"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_typo_in_a_file_is_found(file: Path, place: str, tmp_path: Path) -> None:
    copy = plant(file, place, tmp_path)

    assert copy is not None
    assert any(MARK in each for expression in expressions_of(copy) for each in unknown(expression))


@pytest.mark.parametrize("place", TYPOS)
def test_a_typo_is_one_in_one_expression(place: str, tmp_path: Path) -> None:
    [file] = [file for file in FILES if file.name == "scoring.yml"]
    copy = plant(file, place, tmp_path)

    assert copy is not None
    changed = set(expressions_of(copy)) - set(expressions_of(file))
    assert [expression.count(MARK) for expression in changed] == [1]
