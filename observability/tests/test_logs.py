"""A log line is JSON with its request and without secrets, whoever writes it."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gameproject.lib import request_context
from observability import log_records, logs


class Lines(logging.Handler):
    """Keeps what would have been written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.formatter("json"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.lines[-1])
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    request_context.begin()
    yield handler
    logging.getLogger().removeHandler(handler)
    request_context.begin()


def test_a_line_begins_with_when_how_bad_who_and_what(lines: Lines) -> None:
    logging.getLogger("some.library").warning("took %d s", 3)

    line = lines.last()
    assert list(line) == ["timestamp", "level", "logger", "event"]
    assert str(line["timestamp"]).endswith("Z")
    assert (line["level"], line["logger"], line["event"]) == ("warning", "some.library", "took 3 s")


def test_what_is_bound_is_in_every_line_and_gone_when_the_next_request_begins(lines: Lines) -> None:
    request_context.begin(request_id="r-1", realm="demo")
    request_context.bind(api_key="0123456789ab")
    logging.getLogger("a").error("one")
    first = lines.last()
    request_context.begin(request_id="r-2")
    logging.getLogger("a").error("two")

    assert (first["request_id"], first["realm"], first["api_key"]) == ("r-1", "demo", "0123456789ab")
    assert lines.last()["request_id"] == "r-2"
    assert not {"realm", "api_key"} & lines.last().keys()


def test_what_others_bind_through_structlog_is_the_same_context() -> None:
    request_context.begin(request_id="r-1")
    structlog.contextvars.bind_contextvars(staff_user="ana")

    assert structlog.contextvars.get_contextvars() == {"request_id": "r-1", "staff_user": "ana"}
    assert request_context.bound() == {"request_id": "r-1", "staff_user": "ana"}


def test_structlog_s_own_loggers_take_the_same_way(lines: Lines) -> None:
    structlog.get_logger("ours").warning("stored", n_rows=3)

    assert (lines.last()["event"], lines.last()["n_rows"], lines.last()["logger"]) == ("stored", 3, "ours")


SECRET = "0123456789ab.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    "extra",
    [
        {"password": "hunter2"},
        {"headers": {"Authorization": "hunter2"}},
        {"data": {"email": "hunter2"}},
        {"request": SECRET},
        {"deep": [{"cookie": "hunter2"}]},
    ],
)
def test_secrets_and_event_data_are_blotted_out(lines: Lines, extra: dict[str, object]) -> None:
    logging.getLogger("a").error("refused", extra=extra)

    assert "[redacted]" in lines.lines[-1]
    assert "hunter2" not in lines.lines[-1]
    assert SECRET not in lines.lines[-1]


def test_an_exception_is_fields_without_the_values_of_variables(lines: Lines) -> None:
    password = "hunter2"
    try:
        int(f"no good: {SECRET}")
    except ValueError:
        logging.getLogger("a").exception("failed")

    (exception,) = lines.last()["exception"]
    assert exception["exc_type"] == "ValueError"
    assert exception["frames"][-1]["name"] == "test_an_exception_is_fields_without_the_values_of_variables"
    assert SECRET not in lines.lines[-1]
    assert password not in lines.lines[-1]


def test_what_has_no_json_form_does_not_stop_a_line(lines: Lines) -> None:
    logging.getLogger("a").error("odd \ud800", extra={"thing": object(), "many": {1, 2}})

    assert "object object" in str(lines.last()["thing"])


def test_an_unknown_format_stops_the_start() -> None:
    with pytest.raises(ValueError, match="json or console"):
        logs.formatter("xml")


@pytest.mark.parametrize(("level", "name"), [(5, "debug"), (20, "info"), (35, "warning"), (99, "critical")])
def test_records_are_counted_by_standard_level(level: int, name: str) -> None:
    before = log_records.RECORDS.labels(name)._value.get()

    log_records.LogRecordCounter().emit(logging.LogRecord("a", level, "", 0, "", (), None))

    assert log_records.RECORDS.labels(name)._value.get() == before + 1
