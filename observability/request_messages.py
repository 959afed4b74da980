"""Request records as they travel: many in a message, with a version of the format.

A message has an id of its own, and a row's id follows from that and the row's place: a message that is read twice, or
sent twice because nobody answered, gives the same rows.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from gameproject.lib.ids import lowest_uuid7, uuid7
from observability import celery_messages

FORMAT: Final = 1
QUEUE: Final = "requests"
TASK: Final = "observability.tasks.store_api_requests"
MAX_RECORDS: Final = 200
QUARTER_SECONDS: Final = 900


class Record(msgspec.Struct, array_like=True, frozen=True):
    """A request. Fields may be added at the end, with a default."""

    at: float
    method: str
    route: str
    kind: str
    status: int
    milliseconds: float
    key_prefix: str
    request_id: str
    weight: float


class Lost(NamedTuple):
    """Of which quarter of an hour (seconds since 1970), whose, and why records are missing."""

    quarter: int
    key_prefix: str
    reason: str


class LostRecords(msgspec.Struct, array_like=True, frozen=True):
    quarter: int
    key_prefix: str
    reason: str
    n: float


class Message(msgspec.Struct, rename="camel", frozen=True):
    format: int
    message_id: uuid.UUID
    records: Sequence[Record]
    lost: Sequence[LostRecords] = ()

    def envelope(self) -> bytes:
        return celery_messages.envelope(self, task=TASK, queue=QUEUE, request_id=str(self.message_id))


def write(records: Sequence[Record], lost: Mapping[Lost, float]) -> Message:
    """Make a message of records, and of what earlier ones could not bring."""
    return Message(FORMAT, uuid7(), records, [LostRecords(*of, n) for of, n in lost.items()])


def told_by(message: Message) -> dict[Lost, float]:
    return {Lost(told.quarter, told.key_prefix, told.reason): told.n for told in message.lost}


def lost_with(message: Message, reason: str) -> dict[Lost, float]:
    """Count the records of a message that did not get through, by time and key."""
    lost: defaultdict[Lost, float] = defaultdict(float)
    for record in message.records:
        lost[Lost(quarter_of(record.at), record.key_prefix, reason)] += record.weight
    return lost


def as_lost(message: Message, reason: str) -> Message:
    """Leave of a message only what is lost with it."""
    lost = told_by(message) | lost_with(message, reason)
    return Message(FORMAT, message.message_id, [], [LostRecords(*of, n) for of, n in lost.items()])


def quarter_of(at: float) -> int:
    """Return the quarter of an hour of a time. The days of all time zones begin with one."""
    return int(at // QUARTER_SECONDS) * QUARTER_SECONDS


def row_id(message_id: uuid.UUID, place: int, at: datetime) -> uuid.UUID:
    """Return the UUIDv7 of a row: the time of the row, then the randomness of its message, and its place there."""
    return uuid.UUID(int=lowest_uuid7(at).int | (message_id.int + place) % 2**80)
