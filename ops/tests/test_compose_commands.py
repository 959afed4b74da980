"""Every container of docker-compose.yml does its work when its command is run, and its health check knows."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from ops.local import children
from ops.local.run import ROOT
from ops.monitoring.servers import wait_until
from ops.tests.compose import SERVICES
from ops.tests.containers import REPLICAS, START_SECONDS, Containers

pytestmark = [
    pytest.mark.requires_tool("haproxy", "prometheus", "prometheus-alertmanager", "redis-cli", "wget"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs many loopback addresses"),
]
WATCHED = [name for name in SERVICES if name not in {"migrate", "grafana"}] + [*REPLICAS[1:]]
N_REQUESTS = 40


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    running = Containers(tmp_path_factory.mktemp("compose"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


def answer_of(url: str, body: object = None, **headers: str) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def manage(containers: Containers, *arguments: str) -> str:
    command = ["python", "manage.py", *arguments]
    return subprocess.run(
        command, env=containers.environment("web"), cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


# ── Each by itself ───────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", WATCHED)
def test_a_container_becomes_healthy(name: str, containers: Containers) -> None:
    last: list[subprocess.CompletedProcess[str]] = []

    def is_healthy() -> bool:
        last.append(containers.health(name))
        return last[-1].returncode == 0

    wait_until(is_healthy, seconds=START_SECONDS, what=lambda: f"{last[-1]}, {containers.log(name)}")


@pytest.mark.parametrize("name", ["worker", "traces", "beat", *REPLICAS])
def test_a_process_tells_prometheus_of_itself_if_it_has_the_token(name: str, containers: Containers) -> None:
    port = SERVICES[name.partition("-")[0]]["environment"].get("METRICS_PORT", 8000)
    url = f"http://{containers.addresses[name]}:{port}/metrics"
    token = {"Authorization": f"Bearer {containers.secret('metrics_token')}"}

    assert answer_of(url)[0] == 403
    wait_until(lambda: "scoring_process_memory_bytes" in answer_of(url, **token)[1], seconds=30, what=url)


def test_the_queue_is_kept_and_nothing_is_evicted(containers: Containers) -> None:
    asked = ["redis-cli", "-h", containers.addresses["redis"], "CONFIG", "GET"]
    environment = {**containers.environment("redis"), "REDISCLI_AUTH": containers.secret("redis_password")}
    for name, value in [("appendonly", "yes"), ("maxmemory-policy", "noeviction")]:
        done = subprocess.run([*asked, name], env=environment, check=True, capture_output=True, text=True)
        assert done.stdout.split() == [name, value]


def test_prometheus_has_the_rules_and_knows_its_alertmanager(containers: Containers) -> None:
    api = f"http://{containers.addresses['prometheus']}:9090/api/v1"
    rules: Any = json.loads(answer_of(f"{api}/rules")[1])["data"]["groups"]
    assert {group["name"] for group in rules} >= {"scoring", "strategies", "platform", "objectives"}
    wait_until(
        lambda: json.loads(answer_of(f"{api}/alertmanagers")[1])["data"]["activeAlertmanagers"],
        seconds=30,
        what="an Alertmanager",
    )


def test_secrets_are_in_no_environment_and_in_no_command_line(containers: Containers) -> None:
    found = []
    for name, process in containers.processes.items():
        everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in everyone:
            shown = " ".join([*each.cmdline(), *each.environ().values()])
            found += [(name, key) for key, value in containers.secrets().items() if value in shown]
    assert found == []


# ── Together, and when one goes ──────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def demo(containers: Containers) -> dict[str, str]:
    facts: dict[str, str] = json.loads(manage(containers, "demo_data", "--json").splitlines()[-1])
    return facts


def score_through_the_balancer(containers: Containers, demo: dict[str, str], number: int) -> int:
    path = f"/api/v1/games/{demo['gameId']}/tasks/{demo['taskId']}/points"
    url = f"http://{containers.addresses['balancer']}:8000{path}"
    return answer_of(url, {"externalUserId": f"player-{number}"}, **{"X-API-Key": demo["apiKey"]})[0]


def scores_of(containers: Containers, replica: str) -> float:
    url = f"http://{containers.addresses[replica]}:8000/metrics"
    text = answer_of(url, Authorization=f"Bearer {containers.secret('metrics_token')}")[1]
    return sum(map(float, re.findall(r"^scoring_scores_total\{.*\} (\S+)$", text, re.MULTILINE)))


def test_both_replicas_score_what_comes_through_the_balancer(
    containers: Containers, demo: dict[str, str]
) -> None:
    for replica in REPLICAS:
        containers.wait(replica)
    answers = {score_through_the_balancer(containers, demo, number) for number in range(N_REQUESTS)}
    assert answers == {201}
    assert min(scores_of(containers, replica) for replica in REPLICAS) > 0


def test_the_balancer_lets_nobody_to_the_metrics(containers: Containers) -> None:
    url = f"http://{containers.addresses['balancer']}:8000/metrics"
    assert answer_of(url, Authorization=f"Bearer {containers.secret('metrics_token')}")[0] == 404


def test_no_request_is_lost_while_a_replica_stops(containers: Containers, demo: dict[str, str]) -> None:
    gone, answers = REPLICAS[1], []
    for number in range(10 * N_REQUESTS):
        if number == N_REQUESTS:
            containers.processes[gone].send_signal(signal.SIGTERM)
        answers.append(score_through_the_balancer(containers, demo, number))
    assert set(answers) == {201}
    assert containers.processes[gone].wait(15) is not None
    assert containers.health(gone).returncode != 0


@pytest.mark.parametrize("name", ["traces", "redis"])
def test_a_health_check_knows_when_its_container_is_gone(name: str, containers: Containers) -> None:
    children.stop(containers.processes.pop(name), stop_signal=signal.SIGTERM, seconds=15)
    began_at = time.monotonic()
    assert containers.health(name).returncode != 0
    timeout = float(SERVICES[name]["healthcheck"]["timeout"].removesuffix("s"))
    assert time.monotonic() - began_at < 4 * timeout  # of a machine that is busy
