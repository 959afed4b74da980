"""A worker's connection to the broker."""

import functools
from typing import Any

from celery.worker import consumer

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0


class Consumer(consumer.Consumer):
    """Celery's, but it comes back within two seconds after the broker does.

    Celery waits 2, 4, 6 and up to 30 seconds between its tries, and offers no setting for that.
    """

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = functools.partial(
            conn.ensure_connection,
            interval_start=FIRST_PAUSE_SECONDS,
            interval_step=FIRST_PAUSE_SECONDS,
            interval_max=LONGEST_PAUSE_SECONDS,
        )
        return super().ensure_connected(conn)
