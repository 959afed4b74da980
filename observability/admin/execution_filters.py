"""What the list of executions may be cut by, and what its search box finds."""

from typing import Any, Final, TypeVar
from uuid import UUID

from django import forms
from django.db.models import Model, Q, QuerySet

from gameproject.lib.admin import KeysetFilters
from observability import executions
from observability.models import StrategyExecutionLog
from observability.sampling import Kind
from strategies.admin.score_filters import NamedField, ids_named, is_uuid
from strategies.execution import STATUSES
from strategies.models import Game, Realm, Strategy, StrategyVersion, Task

M = TypeVar("M", bound=Model)
ANY: Final = ("", "any")


class ExecutionFilters(KeysetFilters):
    realm = forms.ModelChoiceField(
        Realm.objects.order_by("slug"), to_field_name="slug", required=False, empty_label="any"
    )
    strategy = NamedField(Strategy, "slug")
    version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    game = NamedField(Game, "external_id")
    task = NamedField(Task, "external_id")
    player = forms.CharField(required=False, max_length=200)
    kind = forms.ChoiceField(
        label="Kept as", choices=[ANY, *((kind.value, kind.value) for kind in Kind)], required=False
    )
    status = forms.ChoiceField(choices=[ANY, *((status, status) for status in STATUSES)], required=False)
    code = forms.CharField(required=False, max_length=64)
    case = forms.CharField(required=False, max_length=200)
    alias = forms.CharField(required=False, max_length=32)
    slow = forms.FloatField(label="At least (ms)", required=False, min_value=0, max_value=1e9)
    field_order = (
        *("realm", "strategy", "version", "game", "task", "player"),
        *("kind", "status", "code", "case", "alias", "slow"),
    )

    def by_index(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Cut by what has an index; failed runs have partitions of their own."""
        chosen = self.cleaned_data
        if chosen["player"]:
            rows = rows.filter(external_user_id=chosen["player"])
        for name in ("task", "game", "strategy"):
            rows = rows.filter(_one_of(f"{name}_id", chosen[name])) if chosen[name] else rows
        if chosen["realm"]:
            rows = rows.filter(realm=chosen["realm"])
        if chosen["kind"]:
            rows = rows.filter(is_error=chosen["kind"] == Kind.ERROR)
        if chosen["kind"] == Kind.SLOW:
            rows = rows.filter(kind=Kind.SLOW)
        if chosen["status"]:
            rows = rows.filter(is_error=chosen["status"] != "ok")
        return rows.filter(is_error=True) if chosen["code"] else rows

    def by_looking(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.cleaned_data
        said = {
            "strategy_version__in": self._versions(),
            "kind": chosen["kind"] if chosen["kind"] == Kind.SAMPLED else None,
            "status": chosen["status"] if chosen["status"] != "ok" else None,
            "code": chosen["code"],
            "case_name": chosen["case"],
            "alias": chosen["alias"],
            "duration_seconds__gte": chosen["slow"] and chosen["slow"] / 1000,
        }
        wanted = {name: value for name, value in said.items() if value}
        return rows.filter(**wanted) if wanted else rows

    def _versions(self) -> list[Any] | None:
        chosen = self.cleaned_data
        if not chosen["version"]:
            return None
        versions = StrategyVersion.objects.filter(number=chosen["version"])
        if chosen["strategy"]:
            versions = versions.filter(strategy__in=chosen["strategy"])
        return list(versions.values_list("pk", flat=True)) or [None]


def _one_of(name: str, ids: list[Any]) -> Q:
    """Ask for one id by equality: its index then gives the order as well."""
    return Q(**{name: ids[0]}) if len(ids) == 1 else Q(**{f"{name}__in": ids})


def find_executions(rows: QuerySet[StrategyExecutionLog], term: str) -> QuerySet[StrategyExecutionLog]:
    """Find by execution or score id, then request id, player, task, game: exactly."""
    if "\0" in term:
        return rows.none()
    ways = [
        executions.by_id(UUID(term)) if is_uuid(term) else rows.none(),
        rows.filter(request_id=term),
        rows.filter(external_user_id=term),
        rows.filter(_one_of("task_id", ids_named(Task, "external_id", term))),
    ]
    for found in ways:
        if found.exists():
            return found
    return rows.filter(_one_of("game_id", ids_named(Game, "external_id", term)))
