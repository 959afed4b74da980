"""The demo realm, made where it is missing: games, strategies, a key for everything, an admin user."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db import transaction

from gameproject.lib import clock
from gameproject.lib.errors import Unauthenticated
from strategies import dsl, keys, publishing, targets
from strategies.changes import Change, as_one, subject_of
from strategies.demo.catalogue import GAMES, REALM, DemoGame, Life, lives
from strategies.models import Game, Realm, Strategy, Task
from strategies.models.games import TaskStatus
from strategies.models.tenancy import Scope

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Demo:
    api_key: str
    admin_user: str
    admin_password: str
    game_id: str
    task_id: str


@transaction.atomic
def ensure_demo(*, known_key: str = "", known_password: str = "") -> Demo:
    """Make whatever of the demo realm is missing; keep a known key and password that still work."""
    realm, _created = Realm.objects.get_or_create(slug=REALM, defaults={"name": "Demo"})
    made = Change(
        event="demo.made",
        message="Made what the demo realm lacked.",
        realm_id=realm.pk,
        module=__name__,
        subject=subject_of(realm),
    )
    with as_one(made):
        return _ensure(realm, known_key, known_password)


def _ensure(realm: Realm, known_key: str, known_password: str) -> Demo:
    strategies = {slug: _ensure_example(realm, shipped) for slug, shipped in dsl.example_programs().items()}
    strategies |= {slug: _ensure_life(realm, life) for slug, life in lives().items()}
    games = [_ensure_game(realm, demo_game, strategies) for demo_game in GAMES]
    first_task = Task.objects.get(game=games[0], external_id=next(iter(GAMES[0].tasks)))
    return Demo(
        api_key=_working_key(realm, known_key),
        admin_user=ADMIN,
        admin_password=_working_password(known_password),
        game_id=str(games[0].pk),
        task_id=str(first_task.pk),
    )


def _ensure_game(realm: Realm, wanted: DemoGame, strategies: Mapping[str, Strategy]) -> Game:
    game, _created = Game.objects.get_or_create(
        realm=realm,
        external_id=wanted.external_id,
        defaults={
            "platform": "demo",
            "strategy": strategies.get(wanted.strategy) or _builtin(wanted.strategy),
            "time_zone": wanted.time_zone,
            "variables": dict(wanted.variables),
        },
    )
    there = set(game.tasks.values_list("external_id", flat=True))
    for external_id, slug in wanted.tasks.items():
        if external_id not in there:
            Task.objects.create(
                realm=realm,
                game=game,
                external_id=external_id,
                strategy=None if slug is None else strategies.get(slug) or _builtin(slug),
                status=TaskStatus.CLOSED if external_id in wanted.closed else TaskStatus.OPEN,
            )
    return game


def _ensure_life(realm: Realm, life: Life) -> Strategy:
    """Live a strategy's life once: publish each version, then draft, roll back or archive as it says."""
    found = Strategy.objects.filter(realm=realm, name=life.name).first()
    if found is not None:
        return found
    first, *later = [*life.versions, *([life.draft] if life.draft else [])]
    strategy = publishing.create_strategy(
        realm=realm,
        name=life.name,
        description=life.description,
        kind=dsl.Kind.FULL,
        parent=None,
        program=first,
    ).strategy
    if life.versions:
        publishing.publish_strategy(strategy=strategy)
    for number, program in enumerate(later, start=2):
        publishing.edit_strategy(strategy=strategy, program=program)
        if number <= len(life.versions):
            publishing.publish_strategy(strategy=strategy)
    if life.rolled_back_to:
        publishing.roll_back_strategy(strategy=strategy, number=life.rolled_back_to)
    if life.is_archived:
        publishing.archive_strategy(strategy=strategy)
    return strategy


def _builtin(slug: str) -> Strategy:
    return Strategy.objects.get(realm=None, slug=slug)


def _ensure_example(realm: Realm, shipped: dsl.LibraryProgram) -> Strategy:
    found = Strategy.objects.filter(realm=realm, name=shipped.name).first()
    if found is not None:
        return found
    draft = publishing.create_strategy(
        realm=realm,
        name=shipped.name,
        description=shipped.description,
        kind=shipped.kind,
        parent=_builtin(shipped.parent) if shipped.parent else None,
        program=shipped.source,
    )
    return publishing.publish_strategy(strategy=draft.strategy).strategy


def _working_key(realm: Realm, known: str) -> str:
    try:
        if targets.look_up_principal(known).realm_id == realm.pk:
            return known
    except Unauthenticated:
        pass
    stamp = clock.now().strftime("%Y-%m-%d %H:%M")
    _row, key = keys.create_api_key(
        realm=realm, name=f"demo {stamp}", scopes=Scope.values, key_rate=0, player_rate=0
    )
    return key


def _working_password(known: str) -> str:
    users = get_user_model().objects
    user = users.filter(username=ADMIN).first()
    if user is not None and known and user.check_password(known):
        return known
    password = secrets.token_urlsafe(12)
    if user is None:
        users.create_superuser(ADMIN, password=password)
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    return password
