"""Is it up? Each dependency with a light, and how much waits in the queues."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.conf import settings

from kpi.home.known import Known, read_broker
from observability import dead_letters, health, trace_messages
from observability.health import Check
from observability.request_messages import QUEUE as REQUESTS_QUEUE

MEANING: Final[Mapping[str, str]] = {
    "database": "scores, strategies, keys: without it nothing works",
    "broker": "carries traces, records and tasks: scoring goes on without it",
    "worker": "stores traces and rolls up figures",
    "beat": "says when tasks are due",
}
THROUGH_THE_BROKER: Final = ("worker", "beat")


class State(StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Light:
    name: str
    state: State
    says: str

    @property
    def meaning(self) -> str:
        return MEANING[self.name]


@dataclass(frozen=True, slots=True)
class Queues:
    """Messages that wait: of traces and of request records, with their caps; of traces put aside."""

    n_traces: int
    max_traces: int
    n_records: int
    max_records: int
    n_put_aside: int

    @property
    def is_nearly_full(self) -> bool:
        return self.n_traces > 0.8 * self.max_traces or self.n_records > 0.8 * self.max_records


def lights() -> list[Light]:
    """Ask everything once; the proofs of worker and beat lie in the broker, so without it they are not known."""
    checks = health.all_checks()
    has_broker = next(check.ok for check in checks if check.name == "broker")
    return [_light(check, is_known=has_broker or check.name not in THROUGH_THE_BROKER) for check in checks]


def _light(check: Check, *, is_known: bool) -> Light:
    if check.ok:
        return Light(check.name, State.UP, f"{check.milliseconds:.0f} ms")
    return Light(check.name, State.DOWN if is_known else State.UNKNOWN, check.reason or "")


def queues(shown: list[Light]) -> Known[Queues]:
    """Look into the queues, unless the broker has just not answered: nobody waits for it twice."""
    if any(light.name == "broker" and light.state is not State.UP for light in shown):
        return Known(why_not="the broker did not answer")
    return read_broker(_queues)


def _queues() -> Queues:
    with health.client() as client, client.pipeline(transaction=False) as pipe:
        for name in (trace_messages.QUEUE, REQUESTS_QUEUE, dead_letters.KEY):
            pipe.llen(name)
        n_traces, n_records, n_put_aside = pipe.execute()
    return Queues(
        n_traces=n_traces,
        max_traces=settings.DSL_EXECUTION_LOG_QUEUE_MAXSIZE,
        n_records=n_records,
        max_records=settings.API_REQUESTS_QUEUE_MAXSIZE,
        n_put_aside=n_put_aside,
    )
