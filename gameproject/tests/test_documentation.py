"""What the documents show is what the service does; what they list is all there is."""

import ast
import json
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from redis import Redis

from gameproject.lib import errors
from gameproject.lib.openapi import codes_of
from gameproject.tests.conftest import Web
from gameproject.tests.documents import ROOT, Block, Exchange, blocks, differences, exchanges, parse
from observability.tests.conftest import redis
from observability.tests.kept import store_what_waits
from strategies.demo import Demo, ensure_demo
from strategies.dsl import Code

__all__ = ["redis"]

# ── Examples ─────────────────────────────────────────────────────────────────────────────────────
API_GUIDES = ["docs/api.md", "docs/migrating-from-game.md"]
SHELL_GUIDES = ["README.md", "docs/api.md"]


@pytest.fixture
def demo(transactional_db: None, fresh_caches: None) -> Demo:
    return ensure_demo()


def send(exchange: Exchange, key: str, known: dict[str, str]) -> Any:
    headers = {"X-API-Key": key, **exchange.headers}
    return Client(raise_request_exception=False).generic(
        exchange.method,
        filled(exchange.path, known),
        filled(exchange.body, known).encode(),
        "application/json",
        headers=headers,
    )


def filled(text: str, known: dict[str, str]) -> str:
    """Put in what earlier answers held: `{scoreId}`."""
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@pytest.mark.parametrize("path", API_GUIDES)
def test_the_examples_of_a_guide_are_what_the_service_answers(path: str, demo: Demo, redis: Redis) -> None:
    known: dict[str, str] = {}
    n_examples = 0
    for n_examples, exchange in enumerate(exchanges(path), start=1):  # noqa: B007  # counted
        answer = send(exchange, demo.api_key, known)
        store_what_waits(redis)
        where = f"{path}:{exchange.line} {exchange.method} {exchange.path}"
        assert answer.status_code == exchange.status, f"{where}: {answer.content!r}"
        shown = json.loads(filled(json.dumps(exchange.answer), known))
        assert differences(shown, answer.json()) == [], f"{where}: {answer.content!r}"
        known |= {name: value for name, value in answer.json().items() if isinstance(value, str)}
    assert n_examples > 2


@pytest.mark.requires_tool("curl")
@pytest.mark.parametrize("path", SHELL_GUIDES)
def test_the_commands_of_a_guide_give_what_it_shows(path: str, web: Web, demo: Demo, tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    run = {"url": f"http://127.0.0.1:{web.port}", "apiKey": demo.api_key, "gameId": demo.game_id}
    (tmp_path / ".local" / "run.json").write_text(json.dumps(run))
    definitions, score_id, n_commands = "", "", 0
    for block, following in pairs_of(blocks(path)):
        if block.language != "sh":
            continue
        if not re.search(r"^curl ", block.text, re.MULTILINE):
            definitions += block.text if "run.json" in block.text else ""
            continue
        answers = run_commands(definitions + block.text.replace("SCORE_ID", score_id), tmp_path)
        n_commands += len(answers)
        assert [answer["error"] for answer in answers if "error" in answer] == [], f"{path}:{block.line}"
        score_id = answers[0].get("scoreId", score_id)
        if following is not None and following.language == "json":
            assert differences(parse(following.text), answers[-1]) == [], f"{path}:{block.line}"
    assert n_commands > 0


def pairs_of(found: list[Block]) -> Iterator[tuple[Block, Block | None]]:
    return zip(found, [*found[1:], None], strict=True)


def run_commands(script: str, folder: Path) -> list[dict[str, Any]]:
    """Run them as a reader would, in a shell; return the JSON that they print, one after the other."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers, rest = [], done.stdout.strip()
    while rest:
        answer, end = json.JSONDecoder().raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].strip()
    return answers


@pytest.mark.parametrize(
    "path", [*sorted(path.name for path in (ROOT / "docs").glob("*.md")), "../README.md"]
)
def test_links_between_documents_lead_somewhere(path: str) -> None:
    page = ROOT / "docs" / path
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


# ── Error codes ──────────────────────────────────────────────────────────────────────────────────
CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
# Written like codes, and none.
OTHERS = {
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "PATH_INFO",
    "REQUEST_METHOD",
    "STRATEGY_OBSERVERS",
    "CHANGE_RECORDERS",
    "DSL_FULL",
    "DSL_EXTEND",
}
OTHER_FILES = {"settings.py", "middleware.py", "celery.py", "wsgi.py", "examples.py", "urls.py"}
STATUSES = {
    name: value.status
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.DomainError)
}


def sources() -> Iterator[ast.AST]:
    files = [*(ROOT / "strategies").glob("*.py")]
    files += [
        file for app in ("strategies", "observability", "kpi") for file in (ROOT / app / "api").glob("*.py")
    ]
    files += (ROOT / "gameproject").rglob("*.py")
    for path in files:
        if "tests" not in path.parts and path.name not in OTHER_FILES:
            yield from ast.walk(ast.parse(path.read_text()))


def text_of(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def codes_of_the_api() -> set[str]:
    """Return every text that is written like a code, and the codes of the kinds of errors themselves."""
    written = {text for node in sources() if (text := text_of(node)) and CODE.fullmatch(text)}
    default = {
        text
        for node in sources()
        if isinstance(node, ast.Assign | ast.AnnAssign) and "default_code" in ast.unparse(node)
        if (text := text_of(node.value))
    }
    of_the_language = {code.value for code in Code}
    return {code for code in (written | default) - of_the_language - OTHERS if not code.startswith("HTTP_")}


def statuses_of_the_code() -> dict[str, set[int]]:
    """Return the statuses that a code is raised with, where it stands beside the kind of error."""
    found: dict[str, set[int]] = defaultdict(set)
    for node in sources():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in STATUSES:
            code = next((text_of(each.value) for each in node.keywords if each.arg == "code"), None)
            if code is not None:
                found[code].add(STATUSES[node.func.id])
    return found


def table(path: str, *, columns: int) -> dict[str, list[str]]:
    """Return the rows of all tables whose first cell is a `NAME`, by that name."""
    rows: dict[str, list[str]] = {}
    for line in (ROOT / path).read_text().splitlines():
        found = re.fullmatch(r"\| `([A-Z][A-Z0-9_]+)` \|(.*)\|", line)
        if found:
            cells = [cell.strip() for cell in found[2].split(" | ")]
            assert len(cells) == columns - 1, line
            assert all(cells), line
            assert found[1] not in rows, f"{found[1]} is listed twice"
            rows[found[1]] = cells
    return rows


def test_every_error_code_is_documented_and_none_that_is_not_there() -> None:
    assert set(table("docs/errors.md", columns=4)) == codes_of_the_api()


def test_error_codes_are_documented_with_their_statuses() -> None:
    documented = {code: row[0] for code, row in table("docs/errors.md", columns=4).items()}
    wrong = {
        code: statuses
        for code, statuses in statuses_of_the_code().items()
        if code in documented
        and not statuses <= {int(each) for each in re.findall(r"\d{3}", documented[code])}
    }
    assert wrong == {}


def test_the_api_s_description_gives_codes_their_documented_statuses() -> None:
    documented = {code: row[0] for code, row in table("docs/errors.md", columns=4).items()}
    schema: Any = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # it has no types
    operations = [operation for methods in schema["paths"].values() for operation in methods.values()]
    named = {
        (code, status)
        for operation in operations
        for status, codes in codes_of(operation["operationId"]).items()
        for code in codes
        if not code.startswith("DSL_")
    }
    assert len(named) > 40
    assert [(code, status) for code, status in named if str(status) not in documented[code]] == []


def test_what_refers_to_the_codes_of_the_language_leads_to_a_page_that_lists_them() -> None:
    assert "language.md#when-something-is-wrong" in (ROOT / "docs" / "errors.md").read_text()
    language = (ROOT / "docs" / "language.md").read_text()
    assert "## When something is wrong" in language
    assert [code for code in Code if f"| {code.value} |" not in language] == []
