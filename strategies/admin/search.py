"""What the search box finds here: everything that has a name."""

import uuid
from collections.abc import Iterator
from typing import Final

from django.db.models import Model
from django.http import HttpRequest

from gameproject.lib.admin.search import Hit, finder, may_see
from strategies.admin.links import page_of
from strategies.admin.score_filters import is_uuid
from strategies.models import ApiKey, Game, Player, Realm, Score, Strategy, Task

MAX_HITS: Final = 10  # of each kind
MAX_PARENTS: Final = 1000  # realms, games: the newest, where there are more
# How each kind is named: an index serves every one of them, with the realm before it where it has one.
WAYS: Final[tuple[tuple[type[Model], str], ...]] = (
    (Player, "external_id"),
    (Task, "external_id"),
    (Game, "external_id"),
    (Strategy, "slug"),
    (ApiKey, "prefix"),
    (Realm, "slug"),
)


@finder
def find(request: HttpRequest, term: str) -> Iterator[Hit]:
    """Yield what bears the name and may be seen by this person."""
    if may_see(request, Score):
        yield from _scores(term)
    for model, name in WAYS:
        if may_see(request, model):
            yield from (Hit(_kind(model), str(row), page_of(row)) for row in _named(model, name, term))


def _scores(term: str) -> Iterator[Hit]:
    scores = Score.objects.all()
    one = (scores.filter(pk=term).first() if is_uuid(term) else None) or scores.filter(
        realm__in=_realms(), idempotency_key=term
    ).first()
    if one is not None:
        yield Hit("score", str(one.pk), page_of(one))


def _named(model: type[Model], name: str, term: str) -> list[Model]:
    rows = model._default_manager.filter(**{name: term})  # noqa: SLF001  # Django's documented way
    if model is Task:  # its index begins with the game
        rows = rows.filter(game__in=Game.objects.order_by("-pk").values("pk")[:MAX_PARENTS])
    elif name == "external_id":
        rows = rows.filter(realm__in=_realms())
    return list(rows[:MAX_HITS])


def _realms() -> list[uuid.UUID]:
    return list(Realm.objects.values_list("pk", flat=True)[:MAX_PARENTS])


def _kind(model: type[Model]) -> str:
    return str(model._meta.verbose_name)  # noqa: SLF001  # Django's documented way
