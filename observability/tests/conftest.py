"""A broker with an empty queue, a worker that can be started, a broker that is silent or away."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from redis import Redis

from gameproject.tests.conftest import database_url
from observability import trace_messages
from ops.local import children
from strategies.tests.conftest import fresh_caches, world

__all__ = ["fresh_caches", "world"]


@pytest.fixture
def redis(servers: object, settings: Settings) -> Iterator[Redis]:
    """Keep every run; the queue is empty before and after."""
    settings.DSL_EXECUTION_LOG_SAMPLE_RATE = 1.0
    with Redis.from_url(django_settings.REDIS_URL) as client:
        client.delete(trace_messages.QUEUE)
        yield client
        client.flushdb()


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Name a broker that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def refused_url() -> str:
    return "redis://127.0.0.1:1/0"


@contextlib.contextmanager
def running_worker(
    queues: str = trace_messages.QUEUE,
    *,
    log_file: Path | None = None,
    app: str = "gameproject",
    pool: str = "solo",
    **environment: str,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker of the queue of traces, or of others, over the test's database; keep its log if asked to."""
    command = [
        *(
            sys.executable,
            "-m",
            "celery",
            "--quiet",
            "-A",
            app,
            "worker",
            "--pool",
            pool,
            "--concurrency",
            "1",
        ),
        *("--queues", queues, "--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    ]
    variables = {**os.environ, "DATABASE_URL": database_url(), **environment}
    with log_file.open("w+b") if log_file else tempfile.TemporaryFile() as log:
        process = children.spawn(command, environment=variables, output=log)
        try:
            yield process
        except BaseException:
            log.seek(0)
            print(log.read().decode()[-5000:])
            raise
        finally:
            children.stop(process, stop_signal=signal.SIGTERM, seconds=10)


def wait_until(condition: Callable[[], Any], *, seconds: float = 30.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.05)
