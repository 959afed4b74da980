"""`make smoke`: is everything there that rules and dashboards ask for, and does an alert reach somebody?

The whole service with its workers and beat, lifelike traffic, a real Prometheus that scrapes it and a real Alertmanager.
Then Prometheus is asked for every metric and every label that any rule or panel names; a strategy fails, and the alert has to
arrive at Alertmanager's webhook. Last, planted typos have to be found missing.
"""

import json
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self

from ops.drills.service import WEB_WORKERS, Service
from ops.local import children
from ops.local.run import LOCAL, ROOT, Options, service_programs
from ops.monitoring import servers
from ops.monitoring.catalogue import panels, rules
from ops.monitoring.promql import Matcher, Selector, grouping_labels, selectors
from ops.monitoring.servers import Prometheus, wait_until

TRAFFIC_SECONDS: Final = 20
SCRAPED_SECONDS: Final = 150.0  # the first heartbeat comes after a minute
ALERT: Final = "DslExecutionErrors"
ALERT_SECONDS: Final = 90.0
N_FAILURES_A_TURN: Final = 25
FAILING: Final = {
    "type": "program",
    "rules": [],
    "default": {"type": "assign_points", "value": {"type": "field", "path": "data.petals"}, "case_name": "Petals"},
}  # fmt: skip
TYPOS: Final = (
    "sum(rate(scoring_score_total[5m]))",
    'scoring_dependency_up{dependncy="database"}',
    'scoring_dependency_up{dependency="databas"}',
    "sum by (relm) (dsl_execution_errors_total)",
)


class WholeService(Service):
    """The service with both workers and beat."""

    def __enter__(self) -> Self:
        super().__enter__()
        programs = service_programs(Options(self.port, WEB_WORKERS), self.environment)
        commands = {each.name: each.command for each in programs}
        for name in ("worker", "traces", "beat"):
            schedule = {str(LOCAL / "beat-schedule"): str(self.folder / "beat-schedule")}
            self._spawn(name, [schedule.get(part, part) for part in commands[name]])
        return self

    def _spawn(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = children.spawn(
                command, environment=self.environment, folder=ROOT, output=log, stop_signal=signal.SIGTERM
            )

    def manage(self, *arguments: str) -> None:
        self._manage(*arguments)


def _variables(token: str) -> dict[str, str]:
    # Every run leaves a trace, and a machine that is busy with other things is no failure.
    return {
        "METRICS_TOKEN": token,
        "DSL_EXECUTION_LOG_SAMPLE_RATE": "1",
        "SCORING_DEADLINE_SECONDS": "10",
        "THROTTLING_ENABLED": "false",
    }


# ── Traffic ──────────────────────────────────────────────────────────────────────────────────────
def send_traffic(service: Service, folder: Path) -> None:
    """Send what applications send, good and bad, and what nobody should."""
    run = folder / "run.json"
    run.write_text(json.dumps({"url": f"http://127.0.0.1:{service.port}", "apiKey": service.api_key}))
    traffic = ["demo_traffic", "--rate", "20", "--seconds", str(TRAFFIC_SECONDS), "--run", str(run)]
    command = [sys.executable, str(ROOT / "manage.py"), *traffic]
    # Whether each answer is right is not the question here: a busy machine may refuse one.
    subprocess.run(command, env=service.environment, check=False, capture_output=True, timeout=120)
    for path in ("/api/v1/scores", "/api/v1/kpi/daily", "/admin/login/", "/api/v1/nothing-here"):
        _knock(service, path)


def _knock(service: Service, path: str) -> None:
    try:
        service.call("GET", path)
    except json.JSONDecodeError:  # a page of the admin
        return


def make_failing_strategy(service: Service) -> str:
    """Publish a strategy that fails on events without petals; return the path of a task that uses it."""
    calls: list[tuple[str, Mapping[str, object]]] = [
        ("/strategies/custom", {"name": "Petals", "type": "FULL", "astJson": FAILING}),
        ("/strategies/custom/petals/publish", {}),
        ("/games", {"externalGameId": "smoke", "platform": "web"}),
        ("/games/smoke/tasks", {"externalTaskId": "petals", "strategyId": "petals"}),
    ]
    for path, body in calls:
        status, answer = service.call("POST", f"/api/v1{path}", body)
        if status >= 300:
            raise RuntimeError(f"POST {path}: {status} {answer}")
    return "/api/v1/games/smoke/tasks/petals/points"


def fail(service: Service, path: str) -> None:
    for n in range(N_FAILURES_A_TURN):
        status, answer = service.call("POST", path, {"externalUserId": f"player-{n}"})
        if status < 400:
            raise RuntimeError(f"an event that was to fail: {status} {answer}")


# ── Asking ───────────────────────────────────────────────────────────────────────────────────────
def missing(prometheus: Prometheus, expression: str) -> Iterator[str]:
    """Name what an expression asks for and Prometheus has never seen: metrics, values of labels, labels."""
    asked = selectors(expression)
    for selector in asked:
        if not prometheus.has(selector.metric):
            yield selector.metric
            continue
        for matcher in selector.matchers:
            if not prometheus.has(f"{selector.metric}{{{_presence(matcher)}}}"):
                yield str(Selector(selector.metric, (matcher,)))
    for label in grouping_labels(expression):
        if not any(prometheus.has(f'{each.metric}{{{label}!=""}}') for each in asked):
            yield f"by ({label}): {expression}"


def _presence(matcher: Matcher) -> str:
    """An exact value has to exist; of any other matcher, the label."""
    return str(matcher) if matcher.operator == "=" else f'{matcher.label}!=""'


def all_missing(prometheus: Prometheus) -> set[str]:
    asked = {rule.expression for rule in rules()} | set(panels().values())
    return {each for expression in asked for each in missing(prometheus, expression)}


def main() -> int:
    began_at = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began_at:6.1f} s  {what}", flush=True)

    if packages := servers.not_installed():
        servers.install(packages)
    token = secrets.token_urlsafe()
    with (
        tempfile.TemporaryDirectory() as scratch,
        servers.receiver() as receiver,
        servers.alertmanager(Path(scratch, "alertmanager"), webhook=receiver.url) as alertmanager,
        WholeService(_variables(token)) as service,
        servers.prometheus(
            Path(scratch, "prometheus"), web=service.port, token=token, alertmanager=alertmanager
        ) as prometheus,
    ):
        say("everything runs")
        send_traffic(service, Path(scratch))
        service.manage("rollup_kpis")
        path = make_failing_strategy(service)
        say("traffic was sent; now a strategy fails")

        def told() -> bool:
            fail(service, path)
            return ("chat", ALERT) in receiver.received

        wait_until(
            told, seconds=ALERT_SECONDS, what=f"{ALERT} at Alertmanager's webhook: {receiver.received}"
        )
        say(f"{ALERT} has arrived at Alertmanager's webhook")
        give_up_at = time.monotonic() + SCRAPED_SECONDS
        while (lacking := all_missing(prometheus)) and time.monotonic() < give_up_at:
            time.sleep(5)
        say(f"{len(rules())} rules and {len(panels())} queries of panels were looked for")
        say(f"a scrape: {prometheus.value('scrape_samples_scraped'):.0f} series")
        say(f"          {prometheus.value('scrape_duration_seconds') * 1000:.0f} ms")
        unfound = [typo for typo in TYPOS if not list(missing(prometheus, typo))]
    for each in sorted(lacking):
        print(f"MISSING: {each}")
    for typo in unfound:
        print(f"NOT FOUND: the planted typo {typo}")
    say("done" if not (lacking or unfound) else "failed")
    return int(bool(lacking or unfound))


if __name__ == "__main__":
    sys.exit(main())
