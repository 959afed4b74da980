"""Child processes that end with their parent, whatever ends the parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent(stop_signal: signal.Signals) -> None:
    """Ask the kernel to send this process `stop_signal` when its parent ends, by SIGKILL too. Linux only."""
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)


def _before_exec(stop_signal: signal.Signals, parent: int) -> Callable[[], None]:
    def prepare() -> None:
        end_with_parent(stop_signal)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os._exit(1)

    return prepare


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    output: IO[bytes] | int,
    errors: IO[bytes] | int = subprocess.STDOUT,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; stderr goes where stdout goes, unless `errors` is given.

    Its own session means: Ctrl-C reaches the parent alone, which then stops its children in order; and
    the process group, whose number is the child's, holds all its descendants. Call it from the main
    thread: the kernel takes the end of the thread that started a child for the end of its parent.
    """
    return subprocess.Popen(
        list(command),
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
        preexec_fn=_before_exec(stop_signal, os.getpid()),  # noqa: PLW1509 - it makes two system calls
    )


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    """Send a signal to a child's whole process group; say whether anyone was there to get it."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return False
    return True


def stop(process: subprocess.Popen[bytes], *, stop_signal: signal.Signals, seconds: float) -> None:
    """Stop a child politely, then, after `seconds`, with all its descendants by SIGKILL."""
    process.send_signal(stop_signal)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    signal_group(process, signal.SIGKILL)
    process.wait()
