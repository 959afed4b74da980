"""The broker as a request may use it: for a tenth of a second at most, and not at all while it is away.

After a failure everything is refused at once; a daemon thread, never a request, asks once a second whether the
broker is back. These are a producer's timeouts: a worker that waits for its queue needs longer ones.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 0.1
PROBE_EVERY_SECONDS: Final = 1.0


class BrokerAway(Exception):  # an answer, not a fault: whoever asks knows what to do without a broker
    """Nothing was sent."""


class AnswerMissing(Exception):
    """The command was sent, and nobody knows whether it was carried out."""


class Broker:
    """Commands to Redis with a breaker. Safe for threads; each uses a connection of its own from the pool.

    (redis-py's connections have no types: `Any`.)
    """

    def __init__(self, url: str, *, probe_every_seconds: float = PROBE_EVERY_SECONDS) -> None:
        self._pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._probe_every_seconds = probe_every_seconds
        self._lock = threading.Lock()
        self._is_away = False

    @property
    def is_away(self) -> bool:
        return self._is_away

    def call(self, *command: object) -> object:
        """Send a command and return the answer. Raises BrokerAway, AnswerMissing and redis.ResponseError."""
        if self._is_away:
            raise BrokerAway
        with self._connection() as connection:
            try:
                connection.send_command(*command)
                answer: object = connection.read_response()
            except redis.ResponseError:
                raise
            except (redis.RedisError, OSError) as error:
                connection.disconnect()
                self._open(error)
                raise AnswerMissing from error
        return answer

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Any]:
        try:
            connection = self._pool.get_connection()
        except (redis.RedisError, OSError) as error:
            self._open(error)
            raise BrokerAway from error
        try:
            yield connection
        finally:
            self._pool.release(connection)

    def _open(self, error: Exception) -> None:
        with self._lock:
            if self._is_away:
                return
            self._is_away = True
        logger.warning("broker away: %s", error)
        threading.Thread(target=self._probe, name="broker-probe", daemon=True).start()

    def _probe(self) -> None:
        while not self._answers():
            time.sleep(self._probe_every_seconds)
        with self._lock:
            self._is_away = False
        logger.warning("broker back")

    def _answers(self) -> bool:
        self._pool.disconnect()  # what hung may hang for ever
        try:
            with self._connection_for_probe() as connection:
                connection.send_command("PING")
                return bool(connection.read_response() == b"PONG")
        except (redis.RedisError, OSError):
            return False

    @contextlib.contextmanager
    def _connection_for_probe(self) -> Iterator[Any]:
        connection: Any = self._pool.get_connection()
        try:
            yield connection
        finally:
            connection.disconnect()
            self._pool.release(connection)
