"""A small world to score in, and ways to look into it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import Resolver404

from gameproject.lib.api_examples import ANY_OF_THE_LANGUAGE
from gameproject.lib.openapi import codes_of
from gameproject.tests.database import without_triggers
from gameproject.tests.production_client import ProductionClient
from strategies import dsl, keys, programs, publishing, targets, throttling
from strategies.contention import contended
from strategies.models import Game, Realm, Score, Strategy, Task
from strategies.models.tenancy import Scope

FIRST_TIME_BONUS = {
    "type": "program",
    "rules": [
        {
            "type": "rule",
            "when": {
                "type": "compare",
                "op": "==",
                "left": {"type": "field", "path": "user.points_total"},
                "right": {"type": "literal", "value": 0},
            },
            "then": [
                {
                    "type": "assign_points",
                    "value": {"type": "literal", "value": 100},
                    "case_name": "FirstTime",
                }
            ],
        }
    ],
    "default": {"type": "assign_points", "value": {"type": "literal", "value": 1}, "case_name": "Again"},
}


def constant_program(points: float, case: str = "Done") -> dict[str, object]:
    """A program that always gives the same points."""
    award = {"type": "assign_points", "value": {"type": "literal", "value": points}, "case_name": case}
    return {"type": "program", "rules": [], "default": award}


def data_program(key: str = "minutes") -> dict[str, object]:
    """A program that gives as many points as the event data says."""
    award = {
        "type": "assign_points",
        "value": {"type": "field", "path": f"data.{key}"},
        "case_name": "Counted",
    }
    return {"type": "program", "rules": [], "default": award}


@dataclass
class World:
    """A realm with a key for everything, a game, and ways to use them over HTTP."""

    realm: Realm
    key: str
    game: Game
    client: Client
    compares_with_description: bool = True

    def task(self, external_id: str, strategy: Strategy | None = None, **fields: Any) -> Task:
        return Task.objects.create(
            realm=self.realm, game=self.game, external_id=external_id, strategy=strategy, **fields
        )

    def strategy(self, name: str, program: object, *, parent: Strategy | None = None) -> Strategy:
        """Create and publish."""
        kind = dsl.Kind.EXTEND if parent else dsl.Kind.FULL
        draft = publishing.create_strategy(
            realm=self.realm, name=name, description="", kind=kind, parent=parent, program=program
        )
        return publishing.publish_strategy(strategy=draft.strategy).strategy

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        meta = {"HTTP_X_API_KEY": self.key} | {
            "HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()
        }
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self.client.generic(method, f"/api/v1{path}", data, "application/json", **meta)  # type: ignore[arg-type]  # WSGI variables
        if self.compares_with_description:
            require_described(answer, method)
        return answer

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self.request("POST", path, body, **headers)

    def score(self, user: str = "ana", task: str = "t1", key: str | None = None, **body: object) -> Any:
        headers = {"idempotency_key": key} if key else {}
        path = f"/games/{self.game.external_id}/tasks/{task}/points"
        return self.post(path, {"externalUserId": user, **body}, **headers)


def require_described(answer: Any, method: str) -> None:
    """Compare an error with the codes that the API's description names for the operation."""
    if answer.status_code < 400 or answer.status_code == 500:
        return
    try:
        view = answer.resolver_match.func.view_class
        operation = getattr(view, method.lower()).operation
    except (Resolver404, AttributeError):  # a path or a method that is none
        return
    code = answer.json()["error"]["code"]
    described = codes_of(operation).get(answer.status_code, [])
    if not (code.startswith("DSL_") and ANY_OF_THE_LANGUAGE in described):
        assert code in described, f"{operation} does not name {code} among its errors {answer.status_code}"


def make_world(slug: str = "acme") -> World:
    realm = Realm.objects.create(slug=slug, name=slug)
    _row, key = keys.create_api_key(realm=realm, name="tests", scopes=Scope.values, key_rate=0, player_rate=0)
    game = Game.objects.create(
        realm=realm,
        external_id="g1",
        platform="test",
        strategy=Strategy.objects.get(realm=None, slug="default"),
    )
    return World(realm, key, game, ProductionClient(raise_request_exception=False))


@pytest.fixture(autouse=True)
def fresh_caches() -> None:
    """A test's rows get their ids anew, but process caches would outlive them."""
    targets.forget_all()
    throttling.forget_all()
    contended.clear()
    programs.load.cache_clear()


@pytest.fixture
def world(transactional_db: None) -> World:
    """Rows are committed: scoring has a transaction of its own."""
    return make_world()


@pytest.fixture
def other_world(world: World) -> World:
    return make_world("other")


@pytest.fixture
def tamper() -> Callable[..., None]:
    """Change a stored score as only the table's owner could, with the triggers off."""

    def change(score_id: str, **values: object) -> None:
        with without_triggers():
            Score.objects.filter(pk=score_id).update(**values)

    return change
