"""What is counted now and told later comes out as if it had been told at once."""

import os
import threading
import time

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gameproject.lib import tallies

BOUNDS = (0.01, 0.1, 1.0)


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the metrics of a test: what is remembered of them lasts as long as the process."""
    monkeypatch.setattr(tallies.Tallied, "instances", [])


def told(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_a_scrape_of_the_process_has_everything() -> None:
    registry = CollectorRegistry()
    counter = tallies.Counter("n", "N.", ["kind"], registry=registry)
    gauge = tallies.Gauge("g", "G.", registry=registry)

    counter.labels("a").inc()
    counter.labels("a").inc(2.5)
    counter.labels("b")
    for _ in range(3):
        gauge.inc()
    gauge.dec()

    for _ in range(2):
        assert (told(registry, "n_total", kind="a"), told(registry, "n_total", kind="b")) == (3.5, 0)
        assert told(registry, "g") == 2


@given(st.lists(st.floats(min_value=0, max_value=10) | st.sampled_from(BOUNDS)))
def test_a_histogram_has_what_prometheus_own_would_have(amounts: list[float]) -> None:
    registries = CollectorRegistry(), CollectorRegistry()
    ours = tallies.Histogram("h", "H.", buckets=BOUNDS, registry=registries[0])
    theirs = prometheus_client.Histogram("h", "H.", buckets=BOUNDS, registry=registries[1])

    for amount in amounts:
        ours.observe(amount)
        theirs.observe(amount)

    for bound in ("0.01", "0.1", "1.0", "+Inf"):
        assert told(registries[0], "h_bucket", le=bound) == told(registries[1], "h_bucket", le=bound)
    assert told(registries[0], "h_count") == len(amounts)
    assert told(registries[0], "h_sum") == pytest.approx(told(registries[1], "h_sum"))


def test_nothing_is_lost_or_told_twice_while_many_count_and_tell() -> None:
    registry = CollectorRegistry()
    counter = tallies.Counter("n", "N.", registry=registry)
    stop = threading.Event()

    def count() -> None:
        for _ in range(20_000):
            counter.inc()

    def tell() -> None:
        while not stop.is_set():
            tallies.tell()

    counting = [threading.Thread(target=count) for _ in range(4)]
    telling = [threading.Thread(target=tell) for _ in range(2)]
    for thread in counting + telling:
        thread.start()
    for thread in counting:
        thread.join()
    stop.set()
    for thread in telling:
        thread.join()

    assert told(registry, "n_total") == 80_000


def test_a_process_that_tells_nobody_keeps_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MAX_UNTOLD", 10)
    counter = tallies.Counter("n", "N.", registry=CollectorRegistry())

    for _ in range(25):
        counter.inc()

    assert len(counter.untold) < 11


def test_a_forked_child_leaves_to_its_parent_what_that_counted() -> None:
    registry = CollectorRegistry()
    counter = tallies.Counter("n", "N.", registry=registry)
    counter.inc()

    pid = os.fork()
    if pid == 0:
        n = 0.0
        try:
            counter.inc(2)
            n = told(registry, "n_total") or 0
        finally:
            os._exit(int(n))
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 2
    assert told(registry, "n_total") == 1


def test_a_thread_tells_once_a_second_and_a_metric_that_fails_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tallies, "TELL_EVERY_SECONDS", 0.01)
    failing = tallies.Counter("failing", "N.", registry=CollectorRegistry())
    counter = tallies.Counter("n", "N.", registry=CollectorRegistry())
    failing.inc(-1)  # prometheus_client refuses it
    counter.inc()

    tallies.start()

    give_up_at = time.monotonic() + 10
    while counter.untold and time.monotonic() < give_up_at:
        time.sleep(0.01)
    assert counter._value.get() == 1
    assert "a metric could not be told" in caplog.text
