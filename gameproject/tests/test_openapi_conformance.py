"""The service does what its OpenAPI description says: schemathesis sends what it allows, and what it does not.

FUZZ_SECONDS makes it a long run (`make fuzz SECONDS=3600`), with a report in `.local/fuzz`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from gameproject.tests.conftest import Web
from strategies import keys, targets
from strategies.demo import GAME, REALM, TASKS, ensure_demo
from strategies.models import Realm

CONFIG = Path(__file__).with_name("schemathesis.toml")
FUZZ_SECONDS = os.environ.get("FUZZ_SECONDS", "")
FUZZ_SEED = os.environ.get("FUZZ_SEED", "1")
IN_THE_SUITE = ("--max-examples", "6")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a deadline would pass, and a 503 is no fault then."""
    for name in ("SCORING_DEADLINE_SECONDS", "SCORING_BATCH_DEADLINE_SECONDS", "REQUEST_DEADLINE_SECONDS"):
        monkeypatch.setenv(name, "25")


def dictionaries(web: Web, api_key: str) -> dict[str, list[str | int]]:
    """Make some scores and a key to revoke; return the names of what is there, for the paths' parameters."""
    scores = [
        web.call(
            "POST",
            f"/api/v1/games/{GAME}/tasks/{task}/points",
            {"externalUserId": user},
            **{"X-API-Key": api_key},
        ).body["scoreId"]
        for task in TASKS
        for user in ("ana", "ben")
    ]
    row, _key = keys.create_api_key(realm=Realm.objects.get(slug=REALM), name="to revoke", scopes=["read"])
    return {
        "game": [GAME],
        "task": list(TASKS),
        "user": ["ana", "ben"],
        "score": scores,
        "strategy": ["default", "constant_effort", "citizen-science", "task-completion", "weekend-bonus"],
        "version": [1, 2],
        "prefix": [row.prefix],
    }


def configuration(folder: Path, found: dict[str, list[str | int]]) -> Path:
    path = folder / "schemathesis.toml"
    lines = [f"dictionaries.{name}.values = {json.dumps(values)}" for name, values in found.items()]
    path.write_text("\n".join([*lines, CONFIG.read_text()]))
    return path


def arguments() -> list[str]:
    if not FUZZ_SECONDS:
        return list(IN_THE_SUITE)
    folder = Path(settings.BASE_DIR) / ".local" / "fuzz"
    return [
        *("--max-time", FUZZ_SECONDS, "--seed", FUZZ_SEED),
        *("--report", "json,html", "--report-dir", str(folder)),
    ]


@pytest.mark.timeout(0 if FUZZ_SECONDS else 300)
def test_the_api_does_what_its_description_says(web: Web, tmp_path: Path) -> None:
    api_key = ensure_demo().api_key
    config = configuration(tmp_path, dictionaries(web, api_key))
    description = f"http://127.0.0.1:{web.port}/api/schema?format=json"
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"),
            *(description, *arguments()),
        ],
        env={**os.environ, "FUZZ_API_KEY": api_key},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    targets.look_up_principal(api_key)  # a run that had revoked its own key would have seen nothing but 401
    assert done.returncode == 0, "schemathesis found something; its report is above"
