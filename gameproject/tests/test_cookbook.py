"""Every recipe of the cookbook validates without a warning, and every event gives what its table says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gameproject.lib.api import whole_if_integral
from gameproject.tests.conftest import Web
from gameproject.tests.documents import ROOT, Block, blocks, differences, parse
from gameproject.tests.test_documentation import run_commands
from strategies import dsl
from strategies.answers import bonus_answers
from strategies.demo import ensure_demo
from strategies.tests.conftest import World

COOKBOOK = "docs/cookbook.md"
ROW = re.compile(r"\| `(?P<event>\{.*?\})` \| `(?P<gives>\{.*?\})` \| (?P<why>.*) \|")
FAILED = "It failed; nothing is scored."


@dataclass(frozen=True)
class Example:
    """A row of a recipe's table."""

    title: str
    program: Block
    event: Mapping[str, Any]
    gives: Mapping[str, Any]
    why: str

    def __str__(self) -> str:
        return f"{self.title}: {json.dumps(self.event)}"


def examples() -> list[Example]:
    """Pair the rows of each recipe's table with its program."""
    found = []
    programs = iter([block for block in blocks(COOKBOOK) if block.info[:2] == ["json", "program"]])
    for recipe in re.split(r"^## (?=\d)", (ROOT / COOKBOOK).read_text(), flags=re.MULTILINE)[1:]:
        title, program = recipe.partition("\n")[0], next(programs)
        rows = list(ROW.finditer(recipe))
        assert rows, f"{title} shows no event"
        assert len(rows) == recipe.count("\n| `"), f"a row of {title} cannot be read"
        found += [
            Example(title, program, json.loads(row["event"]), json.loads(row["gives"]), row["why"])
            for row in rows
        ]
    assert next(programs, None) is None
    return found


EXAMPLES = examples()


def validated(block: Block) -> dsl.Program:
    """Read a program as its fence says: ```json program [extends BUILT-IN]."""
    parent = dsl.builtin_programs()[block.info[3]].program if "extends" in block.info else None
    kind = dsl.Kind.EXTEND if parent else dsl.Kind.FULL
    validation = dsl.validate(json.loads(block.text), kind=kind, parent=parent)
    assert validation.problems == ()
    assert validation.program is not None
    return validation.program


def shown(outcome: dsl.Outcome) -> dict[str, Any]:
    """Show an outcome as the tables do: an award is not named, and nothing that is empty."""
    bonuses = [[bonus.label, bonus.value] for bonus in bonus_answers(outcome.bonuses)]
    return {
        **({} if outcome.kind == "award" else {"outcome": outcome.kind}),
        "points": whole_if_integral(outcome.points),
        "caseName": outcome.case_name,
        **({"bonuses": bonuses} if bonuses else {}),
        **({"callbackData": dict(outcome.callback_data)} if outcome.callback_data else {}),
    }


def given(program: dsl.Program, event: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Run an event; return what it gives, and why."""
    variables = program.resolve_variables(event.get("variables", {}))
    trace = dsl.Trace(limit=None)
    try:
        outcome = dsl.interpret(
            program, event.get("facts", {}), event.get("data", {}), variables, trace=trace
        )
    except dsl.RunError as error:
        return {"error": error.code, "path": error.path}, FAILED
    return shown(outcome), " ".join(dsl.explain(program, trace, outcome).sentences)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_event_gives_what_its_row_says(example: Example) -> None:
    assert set(example.event) <= {"data", "facts", "variables"}
    program = validated(example.program)
    assert set(example.event.get("facts", {})) <= program.fields, "a fact that is not read shows nothing"
    assert given(program, example.event) == (example.gives, example.why)


def test_there_is_a_recipe_for_each_wish() -> None:
    titles = list(dict.fromkeys(example.title for example in EXAMPLES))
    assert [title.partition(".")[0] for title in titles] == [str(n) for n in range(1, len(titles) + 1)]
    assert len(titles) >= 12


@pytest.mark.requires_tool("curl")
def test_the_shortest_way_leads_to_the_result_that_is_shown(web: Web, world: World, tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    run = {"url": f"http://127.0.0.1:{web.port}", "apiKey": ensure_demo().api_key}
    (tmp_path / ".local" / "run.json").write_text(json.dumps(run))
    command, answer = blocks(COOKBOOK)[:2]

    [given] = run_commands(command.text, tmp_path)

    assert differences(parse(answer.text), given) == []


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "error" not in each.gives], ids=str)
def test_simulating_a_recipe_gives_the_same(world: World, example: Example) -> None:
    world.task("t1")
    info = example.program.info
    body = {
        "type": "DSL_EXTEND" if "extends" in info else "DSL_FULL",
        "astJson": json.loads(example.program.text),
        "externalGameId": world.game.external_id,
        "externalTaskId": "t1",
        "externalUserId": "ana",
        "data": example.event.get("data", {}),
        "variables": example.event.get("variables", {}),
        "mockState": example.event.get("facts", {}),
        **({"parentStrategyId": info[3]} if "extends" in info else {}),
    }

    answer = world.post("/strategies/custom/simulate", body)

    assert answer.status_code == 200, answer.content
    assert (answer.json()["points"], answer.json()["caseName"]) == (
        example.gives["points"],
        example.gives["caseName"],
    )
