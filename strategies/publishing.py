"""The life of a strategy: created as a draft, edited, published, archived.

Each function is one transaction. A trigger raises the realm's `config_epoch` with every change that scoring
must see, so a request that begins after one of these has returned is scored by the new state.
"""

import uuid

from django.db import transaction
from django.utils.text import slugify

from gameproject.lib import clock
from gameproject.lib.errors import BadRequest, Conflict, JsonDict, Unprocessable
from strategies import dsl, programs, selectors
from strategies.models import Alias, Game, Realm, Strategy, StrategyVersion, Task
from strategies.models.strategies import PRODUCTION

MAX_SLUG = 80


@transaction.atomic
def create_strategy(
    *, realm: Realm, name: str, description: str, kind: dsl.Kind, parent: Strategy | None, program: object
) -> StrategyVersion:
    """Create a strategy with its first draft. Raises Unprocessable with every problem of the program."""
    validation = validated(realm=realm, kind=kind, parent=parent, program=program)
    strategy = Strategy.objects.create(
        realm=realm,
        slug=_free_slug(realm, name),
        name=name,
        description=description,
        type=kind.value,
        parent=parent,
    )
    return _create_version(strategy, validation, program)


@transaction.atomic
def edit_strategy(
    *,
    strategy: Strategy,
    program: object,
    name: str | None = None,
    description: str | None = None,
    parent: Strategy | None = None,
) -> StrategyVersion:
    """Change the draft in place, or begin the next one where the last version is published."""
    strategy = _locked(strategy.pk)
    _require_not_archived(strategy)
    if parent is not None and parent.pk != strategy.parent_id:
        _require_no_cycle(strategy, parent)
        strategy.parent = parent
    kind = dsl.Kind(strategy.type)
    realm = strategy.realm
    if realm is None:
        raise Conflict("A built-in strategy cannot be changed. Clone it.", code="STRATEGY_BUILT_IN")
    validation = validated(realm=realm, kind=kind, parent=strategy.parent, program=program)
    strategy.name = strategy.name if name is None else name
    strategy.description = strategy.description if description is None else description
    strategy.save(update_fields=["name", "description", "parent"])
    draft = selectors.draft_of(strategy)
    if draft is None:
        return _create_version(strategy, validation, program)
    _describe(draft, validation, program)
    draft.save()
    return draft


@transaction.atomic
def publish_strategy(*, strategy: Strategy) -> StrategyVersion:
    """Publish the draft: pin its parent, make it immutable, and move `production` to it.

    Raises Conflict (no draft, archived) and Unprocessable (it does not validate against its parent of today).
    """
    strategy = _locked(strategy.pk)
    _require_not_archived(strategy)
    version = selectors.draft_of(strategy)
    if version is None:
        raise Conflict("There is no draft to publish.", code="NO_DRAFT")
    if strategy.parent is not None:
        version.parent_version = selectors.production_alias(strategy.parent).version
    validation = validated(
        realm=strategy.realm,
        kind=dsl.Kind(strategy.type),
        parent=strategy.parent,
        program=version.program,
    )
    _describe(version, validation, version.program)
    version.published_at = clock.now()
    version.save()
    Alias.objects.update_or_create(strategy=strategy, name=PRODUCTION, defaults={"version": version})
    return version


@transaction.atomic
def archive_strategy(*, strategy: Strategy, force: bool = False) -> Strategy:
    """Stop a strategy from scoring, at once. Raises Conflict, naming its users, unless `force` is given."""
    strategy = _locked(strategy.pk)
    users = used_by(strategy)
    if any(users.values()) and not force:
        raise Conflict(
            "Games or tasks use this strategy; their events would be refused. Send force: true to archive it.",
            code="STRATEGY_IN_USE",
            params=users,
        )
    if strategy.archived_at is None:
        strategy.archived_at = clock.now()
        strategy.save(update_fields=["archived_at"])
    return strategy


def used_by(strategy: Strategy, *, limit: int = 50) -> dict[str, object]:
    """Name the games, tasks and child strategies that rest on a strategy, the first `limit` of each."""
    games = Game.objects.filter(strategy=strategy).order_by("external_id")
    tasks = Task.objects.filter(strategy=strategy).order_by("external_id")
    return {
        "games": list(games.values_list("external_id", flat=True)[:limit]),
        "tasks": list(tasks.values_list("external_id", flat=True)[:limit]),
    }


def validate(
    *, realm: Realm | None, kind: dsl.Kind, parent: Strategy | None, program: object
) -> dsl.Validation:
    """Validate a program as it would be published now, with its parent's production version."""
    if kind is dsl.Kind.FULL and parent is not None:
        raise BadRequest("A strategy of type DSL_FULL has no parent.", code="PARENT_NOT_ALLOWED")
    if kind is dsl.Kind.EXTEND and parent is None:
        raise BadRequest("A strategy of type DSL_EXTEND needs parentStrategyId.", code="PARENT_MISSING")
    return dsl.validate(
        program,
        kind=kind,
        parent=programs.load(selectors.production_alias(parent).version_id).program if parent else None,
        masked_keys=realm.masked_data_keys if realm else (),
    )


def validated(
    *, realm: Realm | None, kind: dsl.Kind, parent: Strategy | None, program: object
) -> dsl.Validation:
    """Validate, and raise Unprocessable where there are errors."""
    validation = validate(realm=realm, kind=kind, parent=parent, program=program)
    if not validation.valid:
        raise Unprocessable(
            "The program has problems; each is listed.",
            code="PROGRAM_INVALID",
            problems=problems_json(validation),
        )
    return validation


def problems_json(validation: dsl.Validation) -> list[JsonDict]:
    return [problem.as_json() for problem in validation.problems]


def cost_json(cost: dsl.Cost | None) -> JsonDict:
    return {} if cost is None else cost.as_json()


def _locked(strategy_id: uuid.UUID) -> Strategy:
    # NO KEY: rows that refer to the strategy must not wait for an author.
    return (
        Strategy.objects.select_for_update(no_key=True, of=("self",))
        .select_related("realm")
        .get(pk=strategy_id)
    )


def _require_not_archived(strategy: Strategy) -> None:
    if strategy.archived_at is not None:
        raise Conflict(
            "The strategy is archived.", code="STRATEGY_ARCHIVED", params={"strategy": strategy.slug}
        )


def _require_no_cycle(strategy: Strategy, parent: Strategy) -> None:
    ancestor: Strategy | None = parent
    while ancestor is not None:
        if ancestor.pk == strategy.pk:
            raise BadRequest("A strategy cannot extend itself, not even through others.", code="PARENT_CYCLE")
        ancestor = ancestor.parent


def _create_version(strategy: Strategy, validation: dsl.Validation, program: object) -> StrategyVersion:
    last = strategy.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = StrategyVersion(strategy=strategy, number=last + 1)
    _describe(version, validation, program)
    version.save()
    return version


def _describe(version: StrategyVersion, validation: dsl.Validation, program: object) -> None:
    version.program = program
    version.digest = validation.digest or ""
    version.cost = cost_json(validation.cost)
    version.problems = problems_json(validation)


def _free_slug(realm: Realm, name: str) -> str:
    base = slugify(name)[:MAX_SLUG] or "strategy"
    taken = set(Strategy.objects.filter(realm=realm, slug__startswith=base).values_list("slug", flat=True))
    slug, n = base, 1
    while slug in taken:
        n += 1
        slug = f"{base}-{n}"
    return slug
