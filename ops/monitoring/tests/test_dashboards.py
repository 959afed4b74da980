"""The dashboards are what the code says, ask for what is there, and reach a Grafana."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve

from ops.grafana.build import FOLDER, written
from ops.local.run import ROOT
from ops.monitoring.catalogue import panels, unknown

FILES = sorted(FOLDER.glob("*.json"))
SCRIPT = ROOT / "ops" / "deploy_dashboards.sh"
TOKEN = "glsa_of-the-tests"


def test_the_files_are_what_the_code_writes() -> None:
    assert {path.name: path.read_text() for path in FILES} == written()


def test_panels_ask_only_for_metrics_and_labels_that_are_documented() -> None:
    assert len(panels()) > 60
    assert {panel: found for panel, each in panels().items() if (found := unknown(each))} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_panel_has_a_name_a_unit_and_thresholds(path: Path) -> None:
    shown = json.loads(path.read_text())["panels"]
    assert len({panel["title"] for panel in shown}) == len(shown)
    for panel in shown:
        assert panel["fieldConfig"]["defaults"].keys() >= {"unit", "thresholds"}, panel["title"]


def test_panels_lead_to_pages_of_the_admin() -> None:
    paths = {path for file in FILES for path in re.findall(r'"\$\{service\}(/[^"?]+)', file.read_text())}
    assert len(paths) > 5
    for path in paths:
        resolve(path)


# ── Pushing them ─────────────────────────────────────────────────────────────────────────────────
class Grafana(ThreadingHTTPServer):
    """As much of Grafana's API as pushing a dashboard needs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stored: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Grafana

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        uid = body["dashboard"]["uid"]
        if self.path != "/api/dashboards/db" or self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {"message": "invalid API key"})
        elif uid in self.server.stored and not body.get("overwrite"):
            self._answer(412, {"status": "name-exists"})
        else:
            self.server.stored[uid] = body
            self._answer(200, {"uid": uid, "url": f"/d/{uid}/x", "status": "success"})

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with Grafana() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def deploy(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [str(SCRIPT), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


pytestmark = pytest.mark.requires_tool("curl", "jq")


def test_all_are_pushed_over_what_is_there(grafana: Grafana, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")

    for _ in range(2):
        done = deploy(GRAFANA_URL=grafana.url, GRAFANA_TOKEN_FILE=str(token), GRAFANA_FOLDER="scoring")
        assert done.returncode == 0, done.stderr

    assert done.stdout.split()[::2] == [path.stem for path in FILES]
    assert {uid: body["dashboard"] for uid, body in grafana.stored.items()} == {
        path.stem: json.loads(path.read_text()) for path in FILES
    }
    assert {body["folderUid"] for body in grafana.stored.values()} == {"scoring"}


def test_a_dry_run_pushes_nothing(grafana: Grafana) -> None:
    done = deploy("--dry-run", GRAFANA_URL=grafana.url, GRAFANA_TOKEN=TOKEN)

    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(FILES)
    assert grafana.stored == {}


def test_a_refusal_ends_it_and_is_told(grafana: Grafana) -> None:
    done = deploy(GRAFANA_URL=grafana.url, GRAFANA_TOKEN="another")

    assert done.returncode == 1
    assert "invalid API key" in done.stderr


@pytest.mark.parametrize(
    "variables", [{"GRAFANA_TOKEN": "x"}, {"GRAFANA_URL": "http://127.0.0.1:1"}], ids=["no url", "no token"]
)
def test_what_is_missing_is_named(variables: dict[str, str]) -> None:
    assert deploy(**variables).returncode == 2
