"""The life of a strategy: created as a draft, edited, published, rolled back, cloned, archived.

Each function is one transaction, and the lock on the strategy's row puts its authors in order. A trigger raises
the realm's `config_epoch` with every change that scoring must see, so a request that begins after one of these
has returned is scored by the new state.

An archived strategy no longer scores, but what extends it does: a published version is pinned to one version of
its parent, which stays. Children therefore do not stand in the way of archiving; their next version must find
another parent.
"""

import uuid

import msgspec
from django.db import transaction

from gameproject.lib import canonical, clock
from gameproject.lib.errors import BadRequest, Conflict, JsonDict, Unprocessable
from strategies import dsl, programs, selectors, slugs, variables
from strategies.changes import announce_about
from strategies.models import Alias, Game, Realm, Strategy, StrategyVersion, Task
from strategies.models.strategies import PRODUCTION

MAX_NAME = 200


@transaction.atomic
def create_strategy(
    *,
    realm: Realm,
    name: str,
    description: str,
    kind: dsl.Kind,
    parent: Strategy | None,
    program: object,
    slug: str = "",
    strategy_id: uuid.UUID | None = None,
    event: str = "strategy.created",
) -> StrategyVersion:
    """Create a strategy with its first draft, under a slug made of `slug` or else the name.

    Raises Unprocessable with every problem of the program, and Conflict for a `strategy_id` that is there: whoever
    chooses the id may ask twice and gets one strategy. `event` is what those who keep records are told.
    """
    validation = validated(realm=realm, kind=kind, parent=parent, program=program)
    strategy = Strategy(realm=realm, name=name, description=description, type=kind.value, parent=parent)
    if strategy_id is not None:
        strategy.pk = strategy_id
    version = _create_version(slugs.insert(strategy, realm, slugs.wanted(slug or name)), validation, program)
    announce_about(
        event, f"Created {strategy.slug}.", strategy, after=_described(strategy, version), module=__name__
    )
    return version


@transaction.atomic
def clone_strategy(
    *,
    realm: Realm,
    version: StrategyVersion,
    name: str | None = None,
    strategy_id: uuid.UUID | None = None,
) -> StrategyVersion:
    """Copy a version, of a built-in strategy too, to a strategy of its own: a draft of the same program."""
    source = version.strategy
    return create_strategy(
        realm=realm,
        name=name or f"{source.name[: MAX_NAME - 7]} (copy)",
        description=source.description,
        kind=dsl.Kind(source.type),
        parent=source.parent,
        program=version.program,
        strategy_id=strategy_id,
        event="strategy.cloned",
    )


@transaction.atomic
def edit_strategy(
    *,
    strategy: Strategy,
    program: object,
    name: str | None = None,
    description: str | None = None,
    parent: Strategy | None = None,
    expected_digest: str | None = None,
    event: str = "strategy.edited",
) -> StrategyVersion:
    """Change the draft in place, or begin the next one where the last version is published.

    Raises Conflict where the latest version is not of the `expected_digest`: another author was faster.
    """
    strategy = _locked(strategy.pk)
    _require_not_archived(strategy)
    latest = selectors.latest_version(strategy)
    _require_unchanged(latest, expected_digest)
    before = _described(strategy, latest)
    kind = dsl.Kind(strategy.type)
    realm = strategy.realm
    if realm is None:
        raise selectors.built_in()
    parent = parent or strategy.parent
    if parent is not None and parent.pk != strategy.parent_id:
        _require_no_cycle(strategy, parent)
    validation = validated(realm=realm, kind=kind, parent=parent, program=program)
    _describe_strategy(
        strategy,
        name=strategy.name if name is None else name,
        description=strategy.description if description is None else description,
        parent=parent,
    )
    draft = _write_draft(strategy, validation, program)
    after = _described(strategy, draft)
    announce_about(
        event, f"Edited {strategy.slug}, version {draft.number}.", strategy, before, after, module=__name__
    )
    return draft


@transaction.atomic
def publish_strategy(*, strategy: Strategy, expected_digest: str | None = None) -> StrategyVersion:
    """Publish the draft: pin its parent, make it immutable, and move `production` to it.

    Kept with it are its warnings, and a warning for each variable that a game or task overrides with a value that
    no longer fits. Raises Conflict (no draft, archived, not of the `expected_digest`) and Unprocessable (it does not
    validate against its parent of today).
    """
    strategy = _locked(strategy.pk)
    _require_not_archived(strategy)
    version = selectors.draft_of(strategy)
    if version is None:
        raise Conflict("There is no draft to publish.", code="NO_DRAFT")
    _require_unchanged(version, expected_digest)
    # Looked up once: validated against one version of the parent and pinned to a newer one, it might not run.
    version.parent_version = _production_version(strategy.parent)
    validation = _require_valid(_validate_version(strategy, version))
    _describe(version, validation, version.program)
    assert validation.program is not None  # noqa: S101  # it is valid
    version.problems += [
        misfit.as_problem()
        for misfit in variables.misfits(validation.program, strategy=strategy, realm_id=strategy.realm_id)
    ]
    version.published_at = clock.now()
    version.save()
    message = f"Published version {version.number} of {strategy.slug}."
    _move_production(strategy, version, "strategy.published", message)
    return version


@transaction.atomic
def roll_back_strategy(*, strategy: Strategy, number: int) -> StrategyVersion:
    """Move `production` to a version that was published before, at once. A draft stays as it is.

    Raises NotFound (no such version), Conflict (archived, a draft, in production already) and Unprocessable (it
    names event data that has been masked since).
    """
    strategy = _locked(strategy.pk)
    _require_not_archived(strategy)
    version = selectors.version_by_number(strategy, number)
    if version.published_at is None:
        raise Conflict(
            "A draft cannot be rolled back to. Publish it.",
            code="VERSION_NOT_PUBLISHED",
            params={"version": number},
        )
    if selectors.production_alias(strategy).version_id == version.pk:
        raise Conflict(
            "The version is in production already.", code="VERSION_IN_PRODUCTION", params={"version": number}
        )
    _require_valid(_validate_version(strategy, version))
    message = f"Rolled {strategy.slug} back to version {version.number}."
    _move_production(strategy, version, "strategy.rolled_back", message)
    return version


@transaction.atomic
def archive_strategy(*, strategy: Strategy, force: bool = False) -> Strategy:
    """Stop a strategy from scoring, at once. Raises Conflict, naming its users, unless `force` is given."""
    strategy = _locked(strategy.pk)
    if strategy.archived_at is not None:
        return strategy
    n_games, n_tasks = strategy.games.count(), strategy.tasks.count()
    if (n_games or n_tasks) and not force:
        raise Conflict(
            f"{variables.counted(n_games, n_tasks)} would refuse events. Send force: true to archive the strategy.",
            code="STRATEGY_IN_USE",
            params=used_by(strategy),
        )
    strategy.archived_at = clock.now()
    strategy.save(update_fields=["archived_at"])
    after = {"archived_at": strategy.archived_at}
    message = f"Archived {strategy.slug}."
    announce_about("strategy.archived", message, strategy, {"archived_at": None}, after, module=__name__)
    return strategy


def used_by(strategy: Strategy, *, limit: int = 50) -> dict[str, object]:
    """Name the games and tasks that would no longer score without a strategy, the first `limit` of each."""
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
    return _validate_against(_production_version(parent), realm, kind, program)


def validated(
    *, realm: Realm | None, kind: dsl.Kind, parent: Strategy | None, program: object
) -> dsl.Validation:
    """Validate, and raise Unprocessable where there are errors."""
    return _require_valid(validate(realm=realm, kind=kind, parent=parent, program=program))


def revalidate(version: StrategyVersion) -> dsl.Validation:
    """Validate a published version against what holds now, as rolling back to it would."""
    return _validate_version(version.strategy, version)


def program_of(version: StrategyVersion) -> dsl.Program:
    """Link a version's program, a draft's with its parent of today. Raises Unprocessable and Conflict for a draft."""
    if version.published_at is not None:
        return programs.load(version.pk).program
    strategy = version.strategy
    validation = validated(
        realm=strategy.realm,
        kind=dsl.Kind(strategy.type),
        parent=strategy.parent,
        program=version.program,
    )
    assert validation.program is not None  # noqa: S101  # `validated` raises where there is none
    return validation.program


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


def _require_unchanged(version: StrategyVersion, expected_digest: str | None) -> None:
    if expected_digest not in (None, version.digest):
        raise Conflict(
            "The strategy was changed since you opened it.",
            code="STRATEGY_CHANGED",
            params={"version": version.number, "digest": version.digest},
        )


def _require_no_cycle(strategy: Strategy, parent: Strategy) -> None:
    ancestor: Strategy | None = parent
    seen: set[uuid.UUID] = set()
    # Two authors at the same moment could close a circle; published versions, being pinned, never do.
    while ancestor is not None and ancestor.pk not in seen:
        if ancestor.pk == strategy.pk:
            raise BadRequest("A strategy cannot extend itself, not even through others.", code="PARENT_CYCLE")
        seen.add(ancestor.pk)
        ancestor = ancestor.parent


def _production_version(parent: Strategy | None) -> StrategyVersion | None:
    return None if parent is None else selectors.production_alias(parent).version


def _validate_version(strategy: Strategy, version: StrategyVersion) -> dsl.Validation:
    return _validate_against(version.parent_version, strategy.realm, dsl.Kind(strategy.type), version.program)


def _validate_against(
    parent: StrategyVersion | None, realm: Realm | None, kind: dsl.Kind, program: object
) -> dsl.Validation:
    return dsl.validate(
        program,
        kind=kind,
        parent=programs.load(parent.pk).program if parent else None,
        masked_keys=realm.masked_data_keys if realm else (),
    )


def _require_valid(validation: dsl.Validation) -> dsl.Validation:
    if not validation.valid:
        raise Unprocessable(
            "The program has problems; each is listed.",
            code="PROGRAM_INVALID",
            problems=problems_json(validation),
        )
    return validation


def _move_production(strategy: Strategy, version: StrategyVersion, event: str, message: str) -> None:
    alias = Alias.objects.filter(strategy=strategy, name=PRODUCTION).select_related("version").first()
    before = None if alias is None else _pointed_at(alias.version)
    Alias.objects.update_or_create(strategy=strategy, name=PRODUCTION, defaults={"version": version})
    announce_about(event, message, strategy, before, _pointed_at(version), module=__name__)


def _pointed_at(version: StrategyVersion) -> JsonDict:
    return {"alias": PRODUCTION, "version": version.number, "digest": version.digest}


def _described(strategy: Strategy, version: StrategyVersion) -> JsonDict:
    return {
        "slug": strategy.slug,
        "name": strategy.name,
        "description": strategy.description,
        "type": strategy.type,
        "parent": strategy.parent.slug if strategy.parent else None,
        "version": version.number,
        "digest": version.digest,
    }


def _describe_strategy(strategy: Strategy, **values: object) -> None:
    """Save what differs. An update empties the realm's caches, which a mere draft should not."""
    changed = [name for name, value in values.items() if getattr(strategy, name) != value]
    for name in changed:
        setattr(strategy, name, values[name])
    if changed:
        strategy.save(update_fields=changed)


def _write_draft(strategy: Strategy, validation: dsl.Validation, program: object) -> StrategyVersion:
    draft = selectors.draft_of(strategy)
    if draft is None:
        return _create_version(strategy, validation, program)
    _describe(draft, validation, program)
    draft.save()
    return draft


def _create_version(strategy: Strategy, validation: dsl.Validation, program: object) -> StrategyVersion:
    last = strategy.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = StrategyVersion(strategy=strategy, number=last + 1)
    _describe(version, validation, program)
    version.save()
    return version


def _describe(version: StrategyVersion, validation: dsl.Validation, program: object) -> None:
    # As PostgreSQL gives it back, which knows no negative zero: the digest must be of what is stored.
    version.program = msgspec.json.decode(canonical.stored_json(program))
    version.digest = dsl.digest(version.program)
    version.cost = cost_json(validation.cost)
    version.problems = problems_json(validation)
