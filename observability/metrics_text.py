"""All metrics as text, as Prometheus scrapes them: one answer for all processes that share the folder.

With PROMETHEUS_MULTIPROC_DIR each process writes its figures into files of its own, and whoever is asked adds all of them
up. Whoever starts the processes empties the folder before (ops/local/run.py, Dockerfile). A process that has ended
keeps its counts, but not its gauges of the living: they are removed here, since nobody sees every process end.
"""

import functools
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gameproject.lib import tallies
from observability.collectors import Figures

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LIVING: Final = re.compile(r"gauge_live[a-z]*_(\d+)\.db")


@functools.cache
def _figures() -> Figures:
    return Figures()


def of_all_processes() -> bytes:
    """Return what processes count, and what is read from the database and the broker."""
    registry = _of_processes()
    registry.register(_figures())
    return generate_latest(registry)


def of_processes() -> bytes:
    """Return what processes count, and no more: the web processes tell the rest."""
    return generate_latest(_of_processes())


def _of_processes() -> CollectorRegistry:
    registry = CollectorRegistry()
    if settings.PROMETHEUS_MULTIPROC_DIR:
        forget_the_dead(Path(settings.PROMETHEUS_MULTIPROC_DIR))
        tallies.tell()
        multiprocess.MultiProcessCollector(registry, settings.PROMETHEUS_MULTIPROC_DIR)  # type: ignore[no-untyped-call]  # it has no types
    else:
        registry.register(_ThisProcess())
    return registry


class _ThisProcess(Collector):
    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


def forget_the_dead(folder: Path) -> None:
    """Remove the gauges that tell of a process while it lives, of those that do not."""
    pids = {int(found[1]) for path in folder.iterdir() if (found := LIVING.fullmatch(path.name))}
    for pid in pids:
        if not _is_alive(pid):
            multiprocess.mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]  # it has no types


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, and another user's
        return True
    return True
