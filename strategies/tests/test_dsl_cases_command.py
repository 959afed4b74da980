"""`manage.py dsl_cases` runs without a database and ends with a count."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from strategies.management.commands.dsl_cases import Command

CASES = Path(__file__).parents[1] / "dsl" / "tests" / "cases" / "dsl_cases.json"


def test_the_recorded_cases_pass_and_the_last_line_counts_them() -> None:
    out = StringIO()
    call_command("dsl_cases", str(CASES), stdout=out)
    assert out.getvalue() == "208 passed, 0 failed\n"


def test_a_difference_is_printed_and_the_exit_is_1(tmp_path: Path) -> None:
    cases = json.loads(CASES.read_text())
    scored = next(case for case in cases if case["id"] == 198)
    scored["expect"]["points"] = 8
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([scored, cases[0]]))
    out = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("dsl_cases", str(path), stdout=out)
    lines = out.getvalue().splitlines()
    assert caught.value.code == 1
    assert "interpreter: points: expected 8, found 7" in lines[0]
    assert lines[-1] == "1 passed, 1 failed"


def test_a_file_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("dsl_cases", str(tmp_path / "nowhere.json"))


def test_no_system_check_is_required() -> None:
    assert Command.requires_system_checks == []
