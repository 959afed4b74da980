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
import yaml
from django.urls import resolve

from ops.grafana import marks
from ops.grafana.build import FOLDER, MINIFIED, written
from ops.local.run import ROOT
from ops.monitoring.catalogue import panels, unknown

FILES = sorted(FOLDER.glob("*.json"))
SCRIPT = ROOT / "ops" / "deploy_dashboards.sh"
TOKEN = "glsa_of-the-tests"


def test_the_files_are_what_the_code_writes() -> None:
    found = {str(path.relative_to(FOLDER)): path.read_text() for path in FOLDER.rglob("*.json")}
    assert found == written()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_minified_file_says_the_same_in_one_line(path: Path) -> None:
    minified = (FOLDER / MINIFIED / path.name).read_text()
    assert json.loads(minified) == json.loads(path.read_text())
    assert minified.count("\n") == 1
    assert len(minified) < 0.7 * path.stat().st_size


def test_compose_gives_grafana_each_dashboard_once() -> None:
    """Grafana looks into folders within folders, and takes nothing that is there twice."""
    volumes = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]["volumes"]
    (source,) = (each.split(":")[0] for each in volumes if ":/etc/grafana/dashboards" in each)
    uids = [json.loads(path.read_text())["uid"] for path in (ROOT / source).rglob("*.json")]
    assert sorted(uids) == sorted(path.stem for path in FILES)


@pytest.mark.requires_tool("promtool")
def test_publishes_and_deployments_are_marked_when_they_happen(tmp_path: Path) -> None:
    expressions = {mark.name: mark.expression.replace("$strategy", ".*") for mark in marks.ALL}
    # Release 1 for half an hour, then release 2. Published at the second 100, and again at 1200.
    series = {
        'scoring_build_info{version="1", environment="e"}': "1x30 _x60",
        'scoring_build_info{version="2", environment="e"}': "_x30 1x60",
        'scoring_strategy_last_published_timestamp_seconds{strategy="s"}': "100x20 1200x60",
    }
    expected = [
        ("Deployed", "20m", []),
        ("Deployed", "31m", [{"labels": '{version="2", environment="e"}', "value": 1}]),
        ("Deployed", "60m", []),
        ("Published", "10m", [{"labels": '{strategy="s"}', "value": 100_000}]),
        ("Published", "30m", [{"labels": '{strategy="s"}', "value": 1_200_000}]),
    ]
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": expressions[name], "eval_time": at, "exp_samples": samples}
            for name, at, samples in expected
        ],
    }
    path = tmp_path / "marks.yml"
    path.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [case]}))

    told = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stdout + told.stderr


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
