"""What people, keys and commands do to strategies, games, keys and realms, told to whoever keeps a record of it.

`strategies` does not know who that is: `CHANGE_RECORDERS` names functions by dotted path. They are called in the
transaction of the change and what they raise goes through: no change without its record.
"""

import functools
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

import msgspec
from django.conf import settings
from django.core.signals import setting_changed
from django.db import models
from django.utils.module_loading import import_string

EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "demo.made": "What the demo realm lacked was made.",
        "game.changed": "A game was changed.",
        "game.created": "A game was created.",
        "game.deleted": "A game and its tasks were deleted.",
        "key.changed": "An API key's name, expiry or limits were changed.",
        "key.created": "An API key was made.",
        "key.revoked": "An API key was revoked.",
        "realm.changed": "A realm was changed.",
        "realm.created": "A realm was made.",
        "score.reversed": "A score was taken back.",
        "strategy.archived": "A strategy was archived: it no longer scores.",
        "strategy.cloned": "A version was copied to a strategy of its own.",
        "strategy.created": "A strategy was created, with its first draft.",
        "strategy.edited": "A draft was changed, or the next one begun.",
        "strategy.imported": "A strategy was made, or its draft changed, by a document.",
        "strategy.published": "A draft was published: it scores.",
        "strategy.rolled_back": "An earlier version was put in production again.",
        "task.changed": "A task was changed.",
        "task.created": "A task was created.",
        "task.deleted": "A task was deleted.",
        "tasks.created": "Several tasks were created by one request.",
    }
)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing done. `before` and `after` say what differs; `subject` names what it was done to, by kind and id."""

    event: str
    message: str
    realm_id: uuid.UUID | None
    module: str
    subject: str
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    details: Mapping[str, object] = MappingProxyType({})


Recorder = Callable[[Change], object]
_gathered: ContextVar[list[Change] | None] = ContextVar("gathered", default=None)


@functools.cache
def recorders() -> tuple[Recorder, ...]:
    return tuple(import_string(path) for path in settings.CHANGE_RECORDERS)


def announce(change: Change) -> None:
    """Tell every recorder, in the running transaction; call it last, for it may wait for a lock that all share."""
    gathered = _gathered.get()
    if gathered is not None:
        gathered.append(change)
        return
    for record in recorders():
        record(change)


def announce_about(
    event: str,
    message: str,
    row: models.Model,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    *,
    module: str,
) -> None:
    """Announce what was done to a row, in the chain of its realm; a realm is of its own."""
    change = Change(
        event=event,
        message=message,
        realm_id=getattr(row, "realm_id", row.pk),
        module=module,
        subject=subject_of(row),
        before=before,
        after=after,
    )
    announce(change)


@contextmanager
def as_one(change: Change) -> Iterator[None]:
    """Announce all that the body changes as one change that counts them; nothing, if it changes nothing."""
    gathered: list[Change] = []
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    if gathered:
        n_changes = dict(Counter(each.event for each in gathered))
        announce(msgspec.structs.replace(change, details={**change.details, "n_changes": n_changes}))


def differing(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Leave out of both what is the same in both."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def subject_of(row: models.Model) -> str:
    """Name a row as the records do: `strategy:<uuid>`."""
    return f"{row._meta.model_name}:{row.pk}"  # noqa: SLF001  # Django's documented way


def _forget_recorders(*, setting: str, **_: object) -> None:
    if setting == "CHANGE_RECORDERS":
        recorders.cache_clear()


setting_changed.connect(_forget_recorders)
