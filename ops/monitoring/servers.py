"""A real Prometheus and a real Alertmanager beside the service, with the project's own files, in seconds.

What the files wait for is shortened (`for`, intervals, `group_wait`), where they point to is replaced; expressions,
thresholds, routes and inhibitions are used as they are.
"""

import json
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import yaml

from ops.local import children
from ops.local.run import ROOT
from ops.local.servers import free_port
from ops.monitoring.catalogue import RULES

SCRAPE_SECONDS: Final = (
    4  # and a scrape's timeout: a busy machine takes its time, and ServiceDown silences the rest
)
FOR: Final = "12s"
START_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus, to be asked."""

    port: int

    def ask(self, path: str, parameters: Mapping[str, str | float]) -> Any:
        """Return the data of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # our own loopback address
            return json.load(answer)["data"]

    def value(self, expression: str) -> float:
        """Return the one value that an expression has now."""
        [found] = self.ask("query", {"query": expression})["result"]
        return float(found["value"][1])

    def is_above_zero(self, expression: str) -> bool:
        """Say whether the values of an expression now add up to more than 0."""
        return bool(self.ask("query", {"query": f"sum({expression}) > 0"})["result"])

    def has(self, selector: str) -> bool:
        """Say whether a series of this selector was seen in the last half hour."""
        return bool(self.ask("series", {"match[]": selector, "start": time.time() - 1800}))


@contextmanager
def prometheus(folder: Path, *, web: int, token: str, alertmanager: int) -> Iterator[Prometheus]:
    """Run Prometheus with the project's rules; it scrapes the web server on port `web`."""
    folder.mkdir()
    (folder / "token").write_text(token)
    written: Any = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text())
    written["global"] = {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"}
    written["rule_files"] = [str(folder / "*.rules.yml")]
    written["alerting"]["alertmanagers"] = [_static(alertmanager)]
    # The workers share the folder of figures with the web processes: one scrape tells all.
    written["scrape_configs"] = [
        {"job_name": "scoring", "authorization": {"credentials_file": str(folder / "token")}, "static_configs": [_targets(web)]}
    ]  # fmt: skip
    (folder / "prometheus.yml").write_text(yaml.dump(written))
    for path in RULES:
        (folder / f"{path.stem}.rules.yml").write_text(yaml.dump(_quick(yaml.safe_load(path.read_text()))))
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with _running(command, folder / "log", f"http://127.0.0.1:{port}/-/ready"):
        yield Prometheus(port)


def _quick(rules: Any) -> Any:
    for group in rules["groups"]:
        group.pop("interval", None)
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = FOR
    return rules


def _static(port: int) -> dict[str, object]:
    return {"static_configs": [_targets(port)]}


def _targets(port: int) -> dict[str, list[str]]:
    return {"targets": [f"127.0.0.1:{port}"]}


@contextmanager
def alertmanager(folder: Path, *, webhook: str) -> Iterator[int]:
    """Run Alertmanager with the project's routes; every receiver is `webhook`, by its name. Yield its port."""
    folder.mkdir()
    written: Any = yaml.safe_load((ROOT / "ops" / "alertmanager" / "alertmanager.yml").read_text())
    written["receivers"] = [
        {"name": each["name"], "webhook_configs": [{"url": f"{webhook}/{each['name']}"}]}
        for each in written["receivers"]
    ]
    for route in (written["route"], *written["route"]["routes"]):
        route.update({"group_wait": "1s", "group_interval": "2s"})
    (folder / "alertmanager.yml").write_text(yaml.dump(written))
    port = free_port()
    command = [
        shutil.which("prometheus-alertmanager") or "alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with _running(command, folder / "log", f"http://127.0.0.1:{port}/-/ready"):
        yield port


@contextmanager
def _running(command: list[str], log: Path, ready: str) -> Iterator[None]:
    with log.open("wb") as output:
        process = children.spawn(command, output=output)
    try:
        wait_until(lambda: _answers(ready), seconds=START_SECONDS, what=f"{command[0]} ({log})")
        yield
    finally:
        children.stop(process, stop_signal=signal.SIGTERM, seconds=10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until(condition: Callable[[], object], *, seconds: float, what: str | Callable[[], str]) -> None:
    """Wait until something is so. Raises TimeoutError that names it, or says in the end what was there instead."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.5)


# ── Who is told ──────────────────────────────────────────────────────────────────────────────────
class Receiver(ThreadingHTTPServer):
    """A webhook that remembers which alert fired at whom."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: set[tuple[str, str]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:  # the library's name
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received |= {
            (message["receiver"], alert["labels"]["alertname"])
            for alert in message["alerts"]
            if alert["status"] == "firing"
        }
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def not_installed() -> list[str]:
    """Name what is missing of the programs that this needs."""
    wanted = {"prometheus": ["prometheus"], "prometheus-alertmanager": ["prometheus-alertmanager", "alertmanager"]}  # fmt: skip
    return [package for package, names in wanted.items() if not any(map(shutil.which, names))]


def install(packages: list[str]) -> None:
    """Install Debian's packages; without root by sudo."""
    if shutil.which("apt-get") is None:
        raise SystemExit(f"Not installed, and there is no apt-get: {', '.join(packages)}")
    as_root = [] if shutil.which("sudo") is None else ["sudo"]
    subprocess.run([*as_root, "apt-get", "update", "--quiet"], check=True)
    subprocess.run(
        [*as_root, "apt-get", "install", "--yes", "--no-install-recommends", *packages], check=True
    )
