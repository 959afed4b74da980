"""Keep a handful of processes running: start in order, restart what ends, stop in the opposite order.

Why an own one: honcho stops everything when one process ends; supervisor and circus restart, but their
children outlive a killed manager, "ready" is not a state they know (the web process must wait for the
database, the summary for the web process), and their configuration files would say once more what Python
says here. What is needed is small: one thread, one selector, no shared state.

A process that ends is started again after a pause that doubles from half a second to fifteen; after
half a minute of life it counts as healthy again. Five ends in a row are called a crash loop, loudly.
What is left of a process group whose leader has ended is killed before the leader is started again.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ops.local import children

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
HEALTHY_SECONDS = 30.0
CRASH_LOOP = 5
LOG_BYTES = 5_000_000
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StartError(Exception):
    """Something did not start; the message holds the end of its log."""


class StopRequestedError(Exception):
    """A signal asked for the end while something was being started."""


@dataclass(frozen=True)
class Program:
    """What to run, how to stop it, and whether its output belongs on the terminal."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stage: int = 1  # those of the highest stage are stopped first, together
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    shown: bool = True


@dataclass
class Child:
    """A program, and the process that runs it now."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    output: int = -1  # the reading end of its pipe
    started_at: float = 0.0
    start_at: float | None = None  # when it is due, while it is not running
    n_ends: int = 0  # in a row, without a healthy life in between
    unfinished: bytes = b""  # the beginning of a line

    def pause_after_end(self) -> float:
        """Count one more end, and return the seconds to wait before the next start."""
        healthy = time.monotonic() - self.started_at >= HEALTHY_SECONDS
        self.n_ends = 1 if healthy else self.n_ends + 1
        return float(min(FIRST_PAUSE_SECONDS * 2 ** (self.n_ends - 1), LONGEST_PAUSE_SECONDS))

    def last_words(self) -> str:
        return last_lines(self.log)


@dataclass
class Supervisor:
    """Runs programs; used as a context manager, it leaves no process behind."""

    logs: Path
    stopping: bool = False
    _children: list[Child] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._alarm, ring = os.pipe()  # a signal ends the wait of the selector
        os.set_blocking(self._alarm, False)
        os.set_blocking(ring, False)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        self._selector.register(self._alarm, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in STOPPING:
            signal.signal(number, self._ask_to_stop)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def _ask_to_stop(self, *_: object) -> None:
        self.stopping = True

    # ── Starting ─────────────────────────────────────────────────────────────────────────────────
    def start(self, program: Program) -> None:
        child = Child(program, self.logs / f"{program.name}.log")
        self._children.append(child)
        self._spawn(child)

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Wait until `ready`; StartError if that takes longer, or if any program ends meanwhile."""
        deadline = time.monotonic() + seconds
        while not ready():
            self._pump_while_starting(0.05)
            if time.monotonic() > deadline:
                raise StartError(f"{what} is not ready after {seconds:.0f} s; see {self.logs}/{what}.log")
        self._pump_while_starting(0.0)

    def run_once(self, program: Program) -> str:
        """Run a program to its end while the others are looked after; return its stdout, StartError if it fails.

        Only stderr is logged: stdout may hold secrets.
        """
        log = self.logs / f"{program.name}.log"
        with log.open("wb") as errors, tempfile.TemporaryFile() as output:
            process = children.spawn(
                program.command, environment=program.environment, output=output, errors=errors
            )
            try:
                while process.poll() is None:
                    self._pump_while_starting(0.1)
            finally:
                children.signal_group(process, signal.SIGKILL)
                process.wait()
            output.seek(0)
            text = output.read().decode(errors="replace")
        if process.returncode:
            raise StartError(f"{program.name} failed. The end of {log}:\n{last_lines(log)}")
        return text

    def _pump_while_starting(self, seconds: float) -> None:
        self.pump(seconds)
        if self.stopping:
            raise StopRequestedError
        for child in self._children:
            if child.process is None:
                how = f"{child.program.name} ended during the start"
                raise StartError(f"{how}. The end of {child.log}:\n{child.last_words()}")

    def _spawn(self, child: Child) -> None:
        if child.log.exists() and child.log.stat().st_size > LOG_BYTES:
            child.log.replace(child.log.with_suffix(".log.1"))
        child.start_at, child.started_at = None, time.monotonic()
        program = child.program
        child.output, theirs = os.pipe()
        os.set_blocking(child.output, False)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        child.process = children.spawn(
            program.command, environment=program.environment, stop_signal=program.stop_signal, output=theirs
        )
        os.close(theirs)

    # ── Looking after them ───────────────────────────────────────────────────────────────────────
    def run(self) -> None:
        """Look after the children until a signal asks for the end."""
        while not self.stopping:
            self.pump(1.0)

    def pump(self, seconds: float) -> None:
        """Do what is due now; wait at most `seconds` for something to happen."""
        due = [child.start_at - time.monotonic() for child in self._children if child.start_at is not None]
        for key, _ in self._selector.select(max(0.0, min([seconds, *due]))):
            if key.data is None:
                os.read(self._alarm, 4096)
            elif not self._pass_on_output(key.data):
                self._selector.unregister(key.fileobj)
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._ended(child, child.process)
            elif child.start_at is not None and child.start_at <= time.monotonic() and not self.stopping:
                self._spawn(child)

    def _ended(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        code, name = process.returncode, child.program.name
        children.signal_group(process, signal.SIGKILL)
        self._pass_on_output(child)
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.output)
        os.close(child.output)
        child.process = None
        if self.stopping:
            return
        pause = child.pause_after_end()
        child.start_at = time.monotonic() + pause
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        say(f"{name} {how}; starting it again in {pause:.1f} s", name)
        if child.n_ends % CRASH_LOOP == 0:
            say(
                f"CRASH LOOP: {name} has ended {child.n_ends} times in a row, and is tried again every"
                f" {LONGEST_PAUSE_SECONDS:.0f} s. The end of {child.log}:\n{child.last_words()}",
                name,
            )

    # ── Stopping ─────────────────────────────────────────────────────────────────────────────────
    def stop_all(self) -> None:
        """Stop all children, the highest stage first; SIGKILL for those who take too long."""
        self.stopping = True
        for stage in sorted({child.program.stage for child in self._children}, reverse=True):
            self._stop([child for child in self._children if child.program.stage == stage])

    def _stop(self, stage: Sequence[Child]) -> None:
        running = [(child, child.process) for child in stage if child.process is not None]
        for child, process in running:
            process.send_signal(child.program.stop_signal)
        started_at = time.monotonic()
        while any(child.process is not None for child in stage):
            self.pump(0.05)
            for child, process in running:
                if child.process is not None and time.monotonic() - started_at > child.program.stop_seconds:
                    say(f"{child.program.name} does not stop and is killed", child.program.name)
                    children.signal_group(process, signal.SIGKILL)

    # ── Their output ─────────────────────────────────────────────────────────────────────────────
    def _pass_on_output(self, child: Child) -> bool:
        """Write what a child has said to its log and the terminal; false at the end of its output."""
        more = True
        with contextlib.suppress(BlockingIOError):
            while more:
                part = os.read(child.output, 65536)
                child.unfinished += part
                more = bool(part)
        *lines, child.unfinished = child.unfinished.split(b"\n")
        with child.log.open("ab") as log:
            log.writelines(line + b"\n" for line in lines)
        if child.program.shown:
            for line in lines:
                say(line.decode(errors="replace"), child.program.name)
        return more


def last_lines(log: Path, n_lines: int = 20) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-n_lines:])


def say(text: str, name: str = "local") -> None:
    """Print lines with the name of who said them; without a terminal the log files still have them."""
    with contextlib.suppress(OSError):
        print("\n".join(f"{name:<8} | {line}" for line in text.split("\n")), flush=True)
