"""The processor time of a server: it holds on a busy machine, where times do not."""

import contextlib

import psutil


def tree_seconds(pid: int) -> float:
    """Sum user and system time of a process, its descendants, and those of them that have ended."""
    root = psutil.Process(pid)
    return sum(map(_seconds, [root, *root.children(recursive=True)]))


def _seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):  # ended meanwhile: its parent's `children_*` have it
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0
