"""What a run of the demo traffic tells at its end. Pure: figures in, text out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from statistics import quantiles
from typing import Final

from strategies.demo.sender import NO_ANSWER, Sent

MEANINGS: Final[Mapping[str, str]] = {
    "201": "something new: a score, or its reversal",
    "200": "a read, or a batch (each of its events has an answer of its own, below)",
    "200 replayed": "a retry: the stored score again, nothing was scored twice",
    "400 NOT_JSON": "the body breaks off",
    "400 BODY_INVALID": "keys are missing, unknown or of a wrong type; `problems` lists all",
    "404 TASK_NOT_FOUND": "the task is not in the game",
    "409 TASK_CLOSED": "the task takes no events any more",
    "409 IDEMPOTENCY_KEY_REUSED": "the key belongs to another event",
    "413 DATA_TOO_LARGE": "over 16 KiB of event data",
    "422 DSL_ARITH_DIV_BY_ZERO": "the strategy divides by the event's 0 minutes; nothing is scored",
    "422 DSL_INPUT_TYPE": "the strategy wants a number and got a text; nothing is scored",
    "422 DSL_INPUT_MISSING": "the strategy wants data that the event lacks; nothing is scored",
    NO_ANSWER: "the connection was lost, or 20 s passed",
}


def summary(sent: Sent, *, rate: float) -> str:
    """Say what was sent, what came back and what that means, and what was not to be expected."""
    return "\n".join([*_figures(sent, rate), *_table(sent.answers), *_in_batches(sent), *_verdict(sent)])


def _figures(sent: Sent, rate: float) -> Iterator[str]:
    per_second = sent.n_events / sent.seconds if sent.seconds else 0
    yield (
        f"{sent.n_requests} requests with {sent.n_events} events in {sent.seconds:.1f} s: "
        f"{per_second:.1f} events a second ({rate:g} were asked for, "
        "as the mean of a day, which takes a minute here)."
    )
    if len(sent.times) > 1:
        percentiles = quantiles(sent.times, n=100)
        yield f"Half of the answers within {_ms(percentiles[49])}, 99 of 100 within {_ms(percentiles[98])}."
    if sent.late_seconds > 0.5:
        yield f"The service did not keep up: requests went out up to {sent.late_seconds:.1f} s late."
    yield "Sent: " + ", ".join(f"{n} × {kind}" for kind, n in sent.kinds.most_common()) + "."


def _table(answers: Counter[str]) -> Iterator[str]:
    for answer, n in sorted(answers.items()):
        yield f"  {n:6} × {answer:<27} {MEANINGS.get(answer, '')}".rstrip()


def _in_batches(sent: Sent) -> Iterator[str]:
    if sent.in_batches:
        yield "In the batches, event by event:"
        yield from _table(sent.in_batches)


def _verdict(sent: Sent) -> Iterator[str]:
    if not sent.unexpected:
        yield "Every answer was the one to expect."
    for what, n in sorted(sent.unexpected.items()):
        yield f"NOT EXPECTED: {n} × {what}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
