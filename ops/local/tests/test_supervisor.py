"""The supervisor, with small programs in place of the service: a process of its own, since it owns the signals."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops.local import supervisor
from ops.local.supervisor import Child, Program

BEGINNING = """
import os, sys
from pathlib import Path
from ops.local.supervisor import Program, StartError, StopRequestedError, Supervisor, say

def program(name, code, **options):
    return Program(name, [sys.executable, "-uc", code], os.environ, **options)

with Supervisor(Path("log")) as supervisor:
"""
LASTING = "import time; print('up'); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(600)"


class Running:
    """A supervisor at work, and what it has said so far."""

    def __init__(self, folder: Path, script: str) -> None:
        self.folder = folder
        self.said = folder / "said"
        code = BEGINNING + textwrap.indent(textwrap.dedent(script), "    ")
        root = Path(supervisor.__file__).parents[2]
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(root)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, text: str, n_times: int = 1) -> None:
        wait(
            lambda: self.said.read_text().count(text) >= n_times,
            lambda: f"{text!r} in {self.said.read_text()}",
        )

    def children(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _works_in(process, self.folder)]


def wait(reached: Callable[[], bool], what: Callable[[], str], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what()}"
        time.sleep(0.02)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder)
    except psutil.Error:
        return False


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[[str], Running]]:
    started = []

    def start(script: str) -> Running:
        started.append(Running(tmp_path, script))
        return started[-1]

    yield start
    for running in started:
        for process in running.children():
            process.kill()
        running.process.wait()


def test_a_program_that_is_killed_runs_again(supervise: Callable[[str], Running]) -> None:
    running = supervise(f"supervisor.start(program('web', {LASTING!r})); supervisor.run()")
    running.wait_for("web      | up")
    [child] = [process for process in running.children() if process.pid != running.process.pid]
    child.kill()
    running.wait_for("web was killed by SIGKILL; starting it again in 0.5 s")
    running.wait_for("web      | up", n_times=2)


def test_what_a_dead_leader_leaves_in_its_group_is_killed(supervise: Callable[[str], Running]) -> None:
    forking = f"import subprocess, sys; subprocess.Popen([sys.executable, '-uc', {LASTING!r}]); {LASTING}"
    running = supervise(f"supervisor.start(program('web', {forking!r})); supervisor.run()")
    running.wait_for("web      | up", n_times=2)
    before = {process.pid for process in running.children()} - {running.process.pid}
    [leader] = [pid for pid in before if psutil.Process(pid).ppid() == running.process.pid]
    os.kill(leader, signal.SIGKILL)
    running.wait_for("web      | up", n_times=4)
    assert not before & {process.pid for process in running.children()}


def test_a_crash_loop_is_said_with_the_last_words(supervise: Callable[[str], Running]) -> None:
    running = supervise(
        """
        import ops.local.supervisor as module
        module.FIRST_PAUSE_SECONDS = 0.01
        supervisor.start(program('web', 'exit("no such setting")'))
        supervisor.run()
        """
    )
    running.wait_for("CRASH LOOP: web has ended 5 times in a row")
    running.wait_for("web      |     no such setting")


def test_the_pause_doubles_to_a_limit_and_begins_anew_after_a_healthy_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = Child(Program("web", [], {}), Path("unused"))
    clock = iter(range(1000, 1010))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    child.started_at = 1000
    assert [child.pause_after_end() for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]
    child.started_at = 1000 - supervisor.HEALTHY_SECONDS
    assert child.pause_after_end() == 0.5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_higher_stages_stop_before_lower_ones(
    supervise: Callable[[str], Running], number: signal.Signals
) -> None:
    telling = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye') or 0));"
        " print('up'); time.sleep(600)"
    )
    running = supervise(
        f"""
        supervisor.start(program('database', {telling!r}, stage=0))
        supervisor.start(program('web', {telling!r}))
        supervisor.run()
        """
    )
    running.wait_for("up", n_times=2)
    running.process.send_signal(number)
    assert running.process.wait(10) == 0
    lines = running.said.read_text().splitlines()
    assert [line for line in lines if "bye" in line] == ["web      | bye", "database | bye"]
    assert running.children() == []


def test_a_program_that_does_not_stop_is_killed(supervise: Callable[[str], Running]) -> None:
    running = supervise(f"supervisor.start(program('web', {STUBBORN!r}, stop_seconds=0.3)); supervisor.run()")
    running.wait_for("web      | up")
    running.process.terminate()
    assert running.process.wait(10) == 0
    running.wait_for("web does not stop and is killed")
    assert running.children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_no_program_outlives_a_killed_supervisor(supervise: Callable[[str], Running]) -> None:
    running = supervise(f"supervisor.start(program('web', {LASTING!r})); supervisor.run()")
    running.wait_for("web      | up")
    running.process.kill()
    running.process.wait()
    wait(lambda: not running.children(), lambda: "no process of this test")


def test_an_end_during_the_start_is_an_error_that_holds_the_last_words(
    supervise: Callable[[str], Running],
) -> None:
    running = supervise(
        """
        supervisor.start(program('web', 'exit("no such setting")'))
        try:
            supervisor.wait_until(lambda: False, what='web', seconds=60)
        except StartError as error:
            print('REFUSED', error)
        """
    )
    assert running.process.wait(10) == 0
    assert "REFUSED web ended during the start" in running.said.read_text()
    assert "no such setting" in running.said.read_text()


def test_who_is_not_ready_in_time_is_named(supervise: Callable[[str], Running]) -> None:
    running = supervise(
        f"""
        supervisor.start(program('web', {LASTING!r}))
        try:
            supervisor.wait_until(lambda: False, what='web', seconds=0.2)
        except StartError as error:
            print('REFUSED', error)
        """
    )
    assert running.process.wait(10) == 0
    assert "REFUSED web is not ready after 0 s; see log/web.log" in running.said.read_text()


def test_a_step_gives_its_output_and_a_failing_one_its_last_words(
    supervise: Callable[[str], Running],
) -> None:
    running = supervise(
        """
        print('GOT', supervisor.run_once(program('step', 'print(7)')))
        try:
            supervisor.run_once(program('step', 'exit("no database")'))
        except StartError as error:
            print('REFUSED', error)
        """
    )
    assert running.process.wait(10) == 0
    assert "GOT 7" in running.said.read_text()
    assert "REFUSED step failed" in running.said.read_text()
    assert "no database" in running.said.read_text()


def test_a_signal_during_a_step_ends_it_and_everything_else(supervise: Callable[[str], Running]) -> None:
    running = supervise(
        f"""
        supervisor.start(program('web', {LASTING!r}))
        try:
            supervisor.run_once(program('step', {STUBBORN!r}))
        except StopRequestedError:
            print('STOPPED')
        """
    )
    running.wait_for("web      | up")
    running.process.terminate()
    assert running.process.wait(10) == 0
    assert "STOPPED" in running.said.read_text()
    assert running.children() == []


def test_what_is_not_for_the_terminal_is_in_the_log(supervise: Callable[[str], Running]) -> None:
    running = supervise(f"supervisor.start(program('db', {LASTING!r}, shown=False)); supervisor.run()")
    log = running.folder / "log" / "db.log"
    wait(lambda: log.exists() and log.read_text() == "up\n", lambda: "the log")
    assert "up" not in running.said.read_text()
