"""How much is logged: a handler that counts."""

import logging
from typing import Final

from prometheus_client import Counter

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
RECORDS: Final = Counter("scoring_log_records_total", "Log records, from `debug` to `critical`.", ["level"])
_COUNTERS: Final = {level: RECORDS.labels(level) for level in LEVELS}


class LogRecordCounter(logging.Handler):
    """Counts what passes the level of the root logger."""

    def emit(self, record: logging.LogRecord) -> None:
        _COUNTERS[level_of(record)].inc()


def level_of(record: logging.LogRecord) -> str:
    """Return the standard level at or below a record's own."""
    return LEVELS[min(max(record.levelno // 10, 1), len(LEVELS)) - 1]
