"""The drills of traces: an open load that hides nothing, books that do not close, and one drill, shortened."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ops.drills import trace_books
from ops.drills.open_loop import OpenLoop, requests
from ops.drills.trace_books import Books
from ops.drills.trace_faults import FAULTS
from ops.drills.traces import TraceDrill, observed_service

ANSWERS = {
    "batch": b'{"results": [{"status": 201, "score": {"scoreId": "a"}}, {"status": 422, "error": {}}]}',
    "points": b'{"scoreId": "b"}',
}


@pytest.fixture
def slow_port() -> Iterator[int]:
    """Answer one request after the other, a tenth of a second each."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(0.1)
            self.send_response(201)
            self.end_headers()
            self.wfile.write(ANSWERS[self.path.rpartition("/")[2]])

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_an_open_load_sends_on_while_it_waits_and_counts_the_wait(slow_port: int) -> None:
    answers = OpenLoop(slow_port, "key", requests("game", "slow"), per_second=20, seconds=1).run()

    assert len(answers) == 20, "twice as many as can be answered in the time"
    latest = max(each.seconds for each in answers)
    assert latest > 0.9, "from when it was due: the server needs two seconds for what comes in one"
    assert all(each.score_ids == (("a",) if each.request.is_batch else ("b",)) for each in answers)
    assert len({each.request.request_id for each in answers}) == 20


def books(**changes: int) -> Books:
    counts: dict[str, Any] = {
        "answered": 9,
        "offered": 9,
        "persisted": 5,
        "waiting": 1,
        "unconfirmed": 1,
        **changes,
    }
    return Books(**counts, dropped={"queue_full": 2}, unconfirmed_found=0)


@pytest.mark.parametrize(
    ("changes", "n_errors", "fault"),
    [
        ({}, 0, ""),
        ({"persisted": 4}, 0, "9 offered, 8 accounted for"),
        ({"offered": 10, "persisted": 6}, 0, "9 answered, 10 offered, 0 errors"),
        ({"offered": 10, "persisted": 6}, 1, ""),
        ({"answered": 10}, 3, "10 answered, 9 offered, 3 errors"),
    ],
)
def test_books_that_do_not_close_say_where(changes: dict[str, int], n_errors: int, fault: str) -> None:
    assert list(trace_books._wrong(books(**changes), Counter("abc"), n_errors=n_errors)) == (
        [fault] if fault else []
    )


def test_an_execution_that_is_stored_twice_is_seen() -> None:
    (fault,) = trace_books._wrong(books(), Counter("abca"), n_errors=0)
    assert fault == "1 executions are stored twice, such as a"


def test_a_broker_that_is_killed_loses_no_trace_that_is_not_in_the_books() -> None:
    with observed_service() as service:
        load = TraceDrill(service, 4.0).load("valkey_killed", FAULTS["valkey_killed"])
    assert load.books.wrong == [], load
    assert load.books.dropped["broker_unavailable"] > 0
    assert load.books.persisted > 0
    assert load.n_errors == 0
