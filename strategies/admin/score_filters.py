"""What the list of scores may be cut by, and what its search box finds."""

import uuid
from collections.abc import Sequence
from typing import Final, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from gameproject.lib.admin import KeysetFilters
from strategies import selectors
from strategies.models import Game, Player, Realm, Score, Strategy, Task
from strategies.models.scores import Outcome

M = TypeVar("M", bound=Model)
# A name may be used in many realms and games; a list by more of them than this is no use to anybody.
MAX_NAMESAKES: Final = 100
# Of a player, whose scores no index holds in order of time: see `by_index`.
MAX_OF_PLAYER: Final = 5000


class NamedField(forms.CharField):
    """Rows by external id, slug or UUID: becomes a list of ids. No such row is an error, not an empty list."""

    def __init__(self, model: type[Model], by: str) -> None:
        label = model._meta.verbose_name  # noqa: SLF001  # Django's documented way
        super().__init__(required=False, max_length=200, label=str(label).capitalize())
        self.model, self.by = model, by

    def clean(self, value: object) -> list[uuid.UUID]:
        name = super().clean(value)
        if not name:
            return []
        found = ids_named(self.model, self.by, name)
        if not found:
            raise ValidationError(f"There is no such {self.label.lower() if self.label else 'row'}.")
        return found


def ids_named(model: type[Model], by: str, name: str) -> list[uuid.UUID]:
    rows = model._default_manager.all()  # noqa: SLF001  # Django's documented way
    named = rows.filter(pk=name) if is_uuid(name) else rows.none()
    return list(
        (named if named.exists() else rows.filter(**{by: name})).values_list("pk", flat=True)[:MAX_NAMESAKES]
    )


def is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


class ScoreFilters(KeysetFilters):
    realm = forms.ModelChoiceField(
        Realm.objects.order_by("slug"), to_field_name="slug", required=False, empty_label="any"
    )
    game = NamedField(Game, "external_id")
    task = NamedField(Task, "external_id")
    player = NamedField(Player, "external_id")
    strategy = NamedField(Strategy, "slug")
    version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    outcome = forms.ChoiceField(choices=[("", "any"), *Outcome.choices], required=False)
    case = forms.CharField(required=False, max_length=200)
    is_test = forms.ChoiceField(
        label="Test events", choices=[("", "with them"), ("no", "without"), ("yes", "only")], required=False
    )
    field_order = ("realm", "game", "task", "player", "strategy", "version", "outcome", "case", "is_test")

    def by_index(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Cut by player, task, game, realm.

        A player's scores are read by their own index and put in order then, up to a bound: left to choose,
        PostgreSQL walks all scores from the newest on, for a player who may have none among them.
        """
        chosen = self.cleaned_data
        if chosen["player"]:
            rows = _of_players(rows, chosen["player"])
        if chosen["task"]:
            rows = rows.filter(task__in=chosen["task"])
        if chosen["game"]:
            rows = rows.filter(game__in=chosen["game"])
        return rows.filter(realm=chosen["realm"]) if chosen["realm"] else rows

    def by_looking(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.cleaned_data
        if chosen["strategy"]:
            rows = rows.filter(strategy__in=chosen["strategy"])
        if chosen["version"]:
            rows = rows.filter(strategy_version__number=chosen["version"])
        if chosen["outcome"]:
            rows = rows.filter(outcome=chosen["outcome"])
        if chosen["case"]:
            rows = rows.filter(case_name=chosen["case"])
        return rows.filter(is_test=chosen["is_test"] == "yes") if chosen["is_test"] else rows


def find_scores(rows: QuerySet[Score], term: str) -> QuerySet[Score]:
    """Find by score id, then request id, idempotency key, player: exactly, for a search inside two million is none."""
    if "\0" in term:
        return rows.none()
    realms = list(Realm.objects.values_list("pk", flat=True))
    ways = [
        rows.filter(pk=term) if is_uuid(term) else rows.none(),
        rows.filter(request_id=term),
        rows.filter(realm__in=realms, idempotency_key=term),
    ]
    for found in ways:
        if found.exists():
            return found
    return _of_players(rows, list(Player.objects.filter(realm__in=realms, external_id=term)))


def _of_players(rows: QuerySet[M], players: Sequence[Player | uuid.UUID]) -> QuerySet[M]:
    newest = selectors.newest_scores(players, MAX_OF_PLAYER)
    return rows.filter(pk__in=newest.values("pk")[:MAX_OF_PLAYER])
