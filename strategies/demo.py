"""A realm to play with: a game with tasks, the example strategies, a key for everything, an admin user."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db import transaction

from gameproject.lib import clock
from gameproject.lib.errors import Unauthenticated
from strategies import dsl, keys, publishing, targets
from strategies.models import Game, Realm, Strategy, Task
from strategies.models.tenancy import Scope

REALM = "demo"
GAME = "city-walk"
ADMIN = "admin"
# External id of each task, and the strategy that scores it (None: the game's).
TASKS: Mapping[str, str | None] = {
    "find-the-fountain": None,
    "photograph-a-bird": "task_completion",
    "report-a-pothole": "citizen_science",
    "weekend-cleanup": "weekend_bonus",
    "daily-steps": "constant_effort",
}


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
    strategies = {slug: _ensure_example(realm, shipped) for slug, shipped in dsl.example_programs().items()}
    game, _created = Game.objects.get_or_create(
        realm=realm, external_id=GAME, defaults={"platform": "demo", "strategy": _builtin("default")}
    )
    for external_id, slug in TASKS.items():
        strategy = None if slug is None else strategies.get(slug) or _builtin(slug)
        Task.objects.get_or_create(
            game=game, external_id=external_id, defaults={"realm": realm, "strategy": strategy}
        )
    first = Task.objects.get(game=game, external_id=next(iter(TASKS)))
    return Demo(
        api_key=_working_key(realm, known_key),
        admin_user=ADMIN,
        admin_password=_working_password(known_password),
        game_id=str(game.pk),
        task_id=str(first.pk),
    )


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
