"""`make run`, for real: a copy of the checkout, started as a stranger would, used, hurt and stopped."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ops.local.run import ROOT, Options, RefusedError, check_port, kept_secret, service_programs
from ops.local.servers import free_port
from ops.local.tests.test_supervisor import wait

START_SECONDS = 120.0
NOT_COPIED = (
    ".git",
    ".venv",
    ".local",
    "staticfiles",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "node_modules",
)


class Stack:
    """A copy of the checkout in which `make run` can be started and stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        shutil.copytree(ROOT, self.folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        self.port = free_port()
        self.output = folder / "output"

    def start(self) -> float:
        """Run `make run` until it says that everything runs; return the seconds that took."""
        began_at = time.monotonic()
        self.make = self.make_run(self.output)
        wait(
            lambda: "everything runs" in self.said() or self.make.poll() is not None,
            lambda: f"the start: {self.said()}",
            START_SECONDS,
        )
        assert self.make.poll() is None, self.said()
        return time.monotonic() - began_at

    def make_run(self, output: Path) -> subprocess.Popen[bytes]:
        unset = {
            "DATABASE_URL",
            "REDIS_URL",
            "SECRET_KEY",
            "SECURE",
            "DEBUG",
            "STATIC_ROOT",
            "MAKELEVEL",
            "MAKEFLAGS",
        }
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        with output.open("wb") as file:
            return subprocess.Popen(
                ["make", "run"],
                cwd=self.folder,
                env=environment | {"PORT": str(self.port), "WEB_WORKERS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / ".local" / "run.json").read_text())
        return facts

    def curl(self) -> str:
        """Return the command that the summary shows."""
        found = re.search(r"^curl .*(\n  .*)+", self.said(), re.MULTILINE)
        assert found, self.said()
        return found[0]

    def score(self) -> dict[str, Any]:
        """Do what the reader of the summary does."""
        sent = subprocess.run(["sh", "-c", self.curl()], capture_output=True, text=True, check=True)
        answer: dict[str, Any] = json.loads(sent.stdout)
        return answer

    def scores(self) -> bool:
        try:
            return "points" in self.score()
        except (subprocess.CalledProcessError, ValueError):
            return False

    def processes(self) -> list[psutil.Process]:
        """Return every process that works in the copy: the service's own, and those of the servers."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(
                self.folder
            )
        except psutil.Error:
            return False

    def supervisor(self) -> psutil.Process:
        [found] = [process for process in self.processes() if "ops.local.run" in process.cmdline()]
        return found

    def leader(self, text: str) -> psutil.Process:
        """Return the process of the supervisor whose command line contains `text`."""
        [found] = [child for child in self.supervisor().children() if text in " ".join(child.cmdline())]
        return found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("make-run"))
    stack.start()
    yield stack
    for process in stack.processes():
        process.kill()
    stack.make.wait()


def test_the_curl_line_of_the_summary_gives_points(stack: Stack) -> None:
    answer = stack.score()
    assert float(answer["points"]) > 0
    assert stack.score()["replayed"] is True


def test_the_summary_names_address_admin_and_key(stack: Stack) -> None:
    facts, said = stack.facts, stack.said()
    for name in ("url", "adminUser", "adminPassword", "apiKey"):
        assert str(facts[name]) in said


def test_run_json_holds_what_a_program_needs_and_only_its_owner_reads_it(stack: Stack) -> None:
    assert set(stack.facts) == {
        "url",
        "apiKey",
        "adminUser",
        "adminPassword",
        "databaseUrl",
        "redisUrl",
        "gameId",
        "taskId",
    }
    for name in ("run.json", "secret_key"):
        assert (stack.folder / ".local" / name).stat().st_mode & 0o777 == 0o600


def test_no_log_and_no_command_line_holds_a_secret(stack: Stack) -> None:
    password = stack.facts["redisUrl"].split(":")[2].split("@")[0]
    secrets = [stack.facts["apiKey"], stack.facts["adminPassword"], password]
    logs = "".join(path.read_text(errors="replace") for path in (stack.folder / ".local" / "log").iterdir())
    commands = "".join(" ".join(process.cmdline()) for process in stack.processes())
    assert not [secret for secret in secrets if secret in logs + commands]


def test_the_admin_has_its_styles(stack: Stack) -> None:
    with urllib.request.urlopen(f"{stack.facts['url']}/admin/login/") as page:
        style = re.search(r'href="(/static/[^"]+\.css)"', page.read().decode())
    assert style
    with urllib.request.urlopen(stack.facts["url"] + style[1]) as answer:
        assert answer.headers["Content-Type"].startswith("text/css")


def test_a_second_start_in_the_same_checkout_is_refused_by_name(stack: Stack, tmp_path: Path) -> None:
    second = stack.make_run(tmp_path / "output")
    assert second.wait(60) != 0
    said = (tmp_path / "output").read_text()
    assert "`make run` is already running in this checkout: process" in said
    assert stack.facts["url"] in said
    assert stack.scores()


@pytest.mark.parametrize(
    "text", ["granian", "--queues default", "--queues traces", "beat", "postgres", "valkey"]
)
def test_what_is_killed_comes_back(stack: Stack, text: str) -> None:
    before = stack.leader(text)
    before.kill()

    def is_back() -> bool:
        try:
            return stack.leader(text).pid != before.pid
        except (ValueError, psutil.Error):
            return False

    wait(is_back, lambda: f"another {text}", 30)
    wait(stack.scores, lambda: f"a score: {stack.said()}", 30)


def test_a_web_worker_that_is_killed_comes_back(stack: Stack) -> None:
    for child in stack.leader("granian").children():
        child.kill()
    wait(stack.scores, lambda: f"a score: {stack.said()}", 30)


def interrupt_from_the_terminal(stack: Stack) -> None:
    os.killpg(stack.make.pid, signal.SIGINT)


def terminate_make(stack: Stack) -> None:
    stack.make.terminate()


def kill_make_and_the_supervisor(stack: Stack) -> None:
    supervisor = stack.supervisor()
    stack.make.kill()
    supervisor.kill()


@pytest.mark.parametrize("end", [interrupt_from_the_terminal, terminate_make, kill_make_and_the_supervisor])
def test_no_process_stays_behind_and_the_next_start_is_quick_and_keeps_the_data(
    stack: Stack, end: Callable[[Stack], None]
) -> None:
    curl, key = stack.curl(), stack.facts["apiKey"]
    stack.score()
    end(stack)
    stack.make.wait(30)
    wait(lambda: not stack.processes(), lambda: f"the end of {stack.processes()}", 30)
    assert stack.start() < 30  # 5 to 8 on an idle machine with two cores
    assert stack.facts["apiKey"] == key
    again = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["replayed"] is True


def test_a_killed_make_takes_everything_with_it(stack: Stack) -> None:
    stack.make.kill()
    wait(lambda: not stack.processes(), lambda: f"the end of {stack.processes()}", 30)


def test_a_taken_port_is_refused_with_the_way_out() -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(RefusedError, match=rf"Port {port} is taken.*PORT={port + 1} make run"):
            check_port(port)


@pytest.mark.parametrize("variable", ["PORT", "WEB_WORKERS"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "65536", "²"])
def test_an_odd_number_is_refused_by_the_name_of_its_variable(variable: str, value: str) -> None:
    with pytest.raises(RefusedError, match=f"{variable}={value}"):
        Options.read({variable: value})


def test_the_web_server_gets_a_worker_a_core_and_the_chosen_port() -> None:
    [web] = [
        program for program in service_programs(Options.read({"PORT": "8123"}), {}) if program.name == "web"
    ]
    command = " ".join(web.command)
    assert f"--workers {os.cpu_count()} --blocking-threads 4" in command
    assert "--host 127.0.0.1 --port 8123" in command


def test_a_kept_secret_stays_the_same(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path / "secret_key")
    assert len(secret) >= 50
    assert kept_secret(tmp_path / "secret_key") == secret
