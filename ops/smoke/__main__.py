"""`make smoke`: is everything there that rules and dashboards ask for, and does an alert reach somebody?

The whole service with its workers and beat, lifelike traffic and a tour of every feature, a real Prometheus that scrapes it
and a real Alertmanager. A strategy fails, and the alert has to arrive at Alertmanager's webhook. Then Prometheus is asked for
every metric and every label that any rule or panel names, and whether every operation of the API was answered. Last, typos
are planted into copies of the files, and have to be found.
"""

import contextlib
import http.client
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ops.local.run import ROOT
from ops.monitoring import servers
from ops.monitoring.catalogue import DASHBOARDS, RULES, expressions_of
from ops.monitoring.servers import Prometheus, Receiver, wait_until
from ops.smoke import tour
from ops.smoke.asking import missing_of, unfound_typos, untouched
from ops.smoke.service import WholeService, run_client

TRAFFIC_SECONDS: Final = 20
# The first heartbeat comes after a minute, and what Prometheus asks for is 15 s old at most. A machine may be busy.
SCRAPED_SECONDS: Final = 150.0
ALERT: Final = "DslExecutionErrors"
ALERT_SECONDS: Final = 120.0
N_FAILURES_A_TURN: Final = 25


def send_traffic(service: WholeService, folder: Path) -> None:
    """Send what applications send, good and bad. Raises RuntimeError if an answer was not the one to expect."""
    run = folder / "run.json"
    run.write_text(json.dumps({"url": service.url, "apiKey": service.api_key}))
    traffic = ["demo_traffic", "--rate", "20", "--seconds", str(TRAFFIC_SECONDS), "--run", str(run)]
    run_client(service, sys.executable, str(ROOT / "manage.py"), *traffic, seconds=TRAFFIC_SECONDS + 120)


def let_a_strategy_fail(service: WholeService, receiver: Receiver) -> None:
    """Send events that it cannot score, until somebody is told."""

    def told() -> bool:
        for n in range(N_FAILURES_A_TURN):
            with contextlib.suppress(OSError, http.client.HTTPException):  # one more or less
                _send_one_that_fails(service, f"player-{n}")
        return ("chat", ALERT) in receiver.received

    wait_until(
        told,
        seconds=ALERT_SECONDS,
        what=lambda: f"{ALERT} at the webhook, but {receiver.received or 'nothing'}",
    )


def _send_one_that_fails(service: WholeService, player: str) -> None:
    status, answer = service.call("POST", f"/api/v1{tour.FAILING_PATH}", {"externalUserId": player})
    if status < 400:
        raise RuntimeError(f"an event that was to fail: {status} {answer}")


def problems(prometheus: Prometheus) -> list[str]:
    return [
        *(f"MISSING  {each}" for each in missing_of(prometheus, [*RULES, *DASHBOARDS])),
        *(f"UNSEEN   {each}" for each in untouched(prometheus)),
    ]


def smoke(say: Callable[[str], None]) -> list[str]:
    """Run everything; return what is not as it should be."""
    token = secrets.token_urlsafe()
    with (
        tempfile.TemporaryDirectory() as scratch,
        servers.receiver() as receiver,
        servers.alertmanager(Path(scratch, "alertmanager"), webhook=receiver.url) as alertmanager,
        WholeService(token) as service,
        servers.prometheus(
            Path(scratch, "prometheus"), web=service.port, token=token, alertmanager=alertmanager
        ) as prometheus,
    ):
        say("everything runs")
        try:
            send_traffic(service, Path(scratch))
            say("lifelike traffic was answered as it should be")
            service.manage("rollup_kpis")
            tour.take(service)
            say(f"{len(tour.operations())} operations of the API and the pages of the admin were tried")
            let_a_strategy_fail(service, receiver)
            say(f"a strategy failed: {ALERT} has arrived at Alertmanager's webhook")
            give_up_at = time.monotonic() + SCRAPED_SECONDS
            while (found := problems(prometheus)) and time.monotonic() < give_up_at:
                time.sleep(3)
            n_expressions = sum(len(expressions_of(file)) for file in (*RULES, *DASHBOARDS))
            say(f"{n_expressions} expressions of rules and panels were looked for")
            say(f"a scrape: {prometheus.value('scrape_samples_scraped'):.0f} series")
            say(f"          {prometheus.value('scrape_duration_seconds') * 1000:.0f} ms")
            unfound = unfound_typos(prometheus, Path(scratch))
            say("typos were planted into copies of the files")
        except (RuntimeError, OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
            return [f"{error}\n{service.last_words()}"]
    return [*found, *(f"NOT FOUND {each}" for each in unfound)]


def main() -> int:
    began_at = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began_at:6.1f} s  {what}", flush=True)

    if packages := servers.not_installed():
        servers.install(packages)
    found = smoke(say)
    for each in found:
        print(each)
    say("failed" if found else "done")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
