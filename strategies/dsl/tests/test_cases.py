"""The recorded cases pass through validator, interpreter and compiler."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strategies.dsl.cases import Case, CaseFileError, differences, read_cases

CASES = read_cases(Path(__file__).parent / "cases" / "dsl_cases.json")


def test_all_208_cases_are_there() -> None:
    assert len(CASES) == 208


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.id}")
def test_case_passes(case: Case) -> None:
    assert list(differences(case)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"points": 8}, "points: expected 8, found 7"),
        ({"case": "Other"}, "case: expected 'Other'"),
        ({"callback": {"a": 1}}, "callback: expected"),
        ({"error": "DSL_FUNC_ARGUMENT"}, "expected error DSL_FUNC_ARGUMENT"),
    ],
)
def test_a_wrong_expectation_is_a_difference_for_both_executors(change: dict[str, object], said: str) -> None:
    case = next(case for case in CASES if case.id == 198)
    wrong = Case(case.id, case.name, case.kind, {**case.raw, "expect": change})
    found = list(differences(wrong))
    assert [line.split(":")[0] for line in found] == ["interpreter", "compiler"]
    assert all(said in line for line in found)


def test_a_wrong_validation_is_a_difference() -> None:
    case = next(case for case in CASES if case.id == 43)
    for expect in ({"valid": True}, {"valid": False, "code": "DSL_SHAPE"}):
        wrong = Case(case.id, case.name, case.kind, {**case.raw, "expect": expect})
        assert len(list(differences(wrong))) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("{}", "no list of cases"),
        ("[1]", "position 0 is not an object"),
        ('[{"kind": "other"}]', "kind is one of"),
        ('[{"kind": "score", "id": 1, "expect": {}}]', "program missing"),
        ('[{"kind": "score", "program": {}, "id": 1, "expect": 3}]', "expect is not an object"),
        ('[{"kind": "builtin", "builtin": "none", "id": 1, "expect": {}}]', "no built-in strategy"),
        ('[{"kind": "score", "program": {}, "id": 1, "expect": {}, "facts": [1]}]', "facts is not an object"),
        ('[{"kind": "score", "program": {}, "type": "X", "id": 1, "expect": {}}]', "type is FULL or EXTEND"),
        (
            '[{"kind": "validate", "program": {}, "limits": {"max_nodes": "x"}, "id": 1, "expect": {"valid": true}}]',
            "limits",
        ),
        ('[{"kind": "validate", "program": {}, "id": 1, "expect": {}}]', "expect has no"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_malformed_file_says_what_is_wrong(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "cases.json"
    path.write_text(content)
    with pytest.raises(CaseFileError, match=said):
        read_cases(path)


def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match="cannot be read"):
        read_cases(tmp_path / "nowhere.json")
    (tmp_path / "binary").write_bytes(json.dumps("é").encode("utf-16"))
    with pytest.raises(CaseFileError, match="is not JSON"):
        read_cases(tmp_path / "binary")
