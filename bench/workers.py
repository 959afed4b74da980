"""The worker of the queue of traces, as `make run` starts it, for one measurement."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final

from bench.cpu import tree_seconds
from ops.local import children
from ops.local.run import Options, service_programs

START_SECONDS: Final = 60.0
[_PROGRAM] = [each for each in service_programs(Options(0, 1), {}) if each.name == "traces"]
COMMAND: Final = " ".join(_PROGRAM.command[2:])


@dataclass(frozen=True)
class Worker:
    """A worker that takes messages."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def cpu_seconds(self) -> float:
        return tree_seconds(self.process.pid)

    def log_tail(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-3000:]


@contextmanager
def running(*, environment: Mapping[str, str] | None = None) -> Iterator[Worker]:
    """Run a worker until the end of the block; it may still be starting. What it has begun it finishes."""
    with tempfile.TemporaryFile() as log:
        process = children.spawn(
            _PROGRAM.command, environment={**os.environ, **(environment or {})}, output=log
        )
        try:
            yield Worker(process, log)
        finally:
            children.stop(process, stop_signal=signal.SIGTERM, seconds=10)
