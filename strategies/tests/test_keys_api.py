"""Keys over HTTP: the secret is shown once, nothing is granted that the asker lacks, revoking acts at once."""

from datetime import timedelta
from typing import Any

import pytest

from gameproject.lib import clock
from strategies import keys
from strategies.models import ApiKey
from strategies.models.tenancy import Scope
from strategies.tests.conftest import World


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_key_is_made_shown_once_and_works(world: World) -> None:
    expires_at = clock.iso(clock.now() + timedelta(days=30))

    created = world.post("/keys", {"name": "shop", "scopes": ["read", "score"], "expiresAt": expires_at})

    assert created.status_code == 201, created.content
    key = created.json()
    assert (key["scopes"], key["revokedAt"], key["expiresAt"]) == (["read", "score"], None, expires_at)
    assert key["key"].split(".")[0] == key["prefix"]
    assert (key["keyRate"], key["keyBurst"], key["playerRate"], key["playerBurst"]) == (600, 1200, 20, 100)

    listed = world.get("/keys").json()["items"]
    assert [item["name"] for item in listed] == ["shop", "tests"]
    assert "key" not in listed[0]
    assert key["key"].split(".")[1] not in world.get("/keys").content.decode()

    world.task("t1")
    world.key = key["key"]
    assert world.score().status_code == 201
    assert code(world.get("/keys")) == (403, "SCOPE_MISSING")


def test_a_revoked_key_is_refused_from_the_next_event_on(world: World) -> None:
    world.task("t1")
    operator = world.key
    made = world.post("/keys", {"name": "shop", "scopes": ["score", "read"]}).json()
    world.key = made["key"]
    assert world.score().status_code == 201

    world.key = operator
    revoked = world.request("DELETE", f"/keys/{made['prefix']}")
    assert (revoked.status_code, revoked.json()["prefix"]) == (200, made["prefix"])
    again = world.request("DELETE", f"/keys/{made['prefix']}").json()
    assert again["revokedAt"] == revoked.json()["revokedAt"] is not None

    world.key = made["key"]
    assert world.score().status_code == 401
    assert world.get("/games").status_code == 401


@pytest.mark.parametrize("scope", Scope.values)
def test_no_key_grants_a_scope_that_it_lacks(world: World, scope: str) -> None:
    own = {"operate", "read"}
    _row, world.key = keys.create_api_key(realm=world.realm, name="ops", scopes=sorted(own))

    answer = world.post("/keys", {"name": "new", "scopes": ["read", scope]})

    if scope in own:
        assert answer.status_code == 201
    else:
        assert code(answer) == (403, "SCOPE_MISSING")
        assert answer.json()["error"]["params"]["scopes"] == [scope]
        assert ApiKey.objects.count() == 2


def test_no_key_grants_more_than_its_own_limits(world: World) -> None:
    _row, world.key = keys.create_api_key(
        realm=world.realm, name="ops", scopes=["operate"], key_rate=500, key_burst=500, player_rate=30
    )
    body = {"name": "new", "scopes": ["operate"]}

    for more in ({"keyRate": 501}, {"keyRate": 0}, {"keyBurst": 501}, {"playerRate": 31}, {"playerRate": 0}):
        refused = world.post("/keys", body | more)
        assert code(refused) == (403, "LIMIT_OVER_OWN"), more
        assert refused.json()["error"]["params"]["name"] in more

    made = world.post("/keys", body | {"keyRate": 5, "keyBurst": 7}).json()
    assert (made["keyRate"], made["keyBurst"], made["playerRate"], made["playerBurst"]) == (5, 7, 20, 100)
    made = world.post("/keys", body).json()
    assert (made["keyRate"], made["keyBurst"]) == (500, 500), "the asker's, where it is less than the default"


def test_an_unthrottled_key_may_make_another(world: World) -> None:
    made = world.post("/keys", {"name": "bench", "scopes": ["score"], "keyRate": 0, "playerRate": 0}).json()
    assert (made["keyRate"], made["playerRate"]) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "k", "scopes": []},
        {"name": "k", "scopes": ["all"]},
        {"name": "", "scopes": ["read"]},
        {"name": "k\0", "scopes": ["read"]},
        {"name": "k", "scopes": ["read"], "expiresAt": "2020-01-01T00:00:00Z"},
        {"name": "k", "scopes": ["read"], "expiresAt": "2999-01-01T00:00:00"},
        {"name": "k", "scopes": ["read"], "keyRate": -1},
        {"name": "k", "scopes": ["read"], "keyBurst": 0},
        {"name": "k", "scopes": ["read"], "playerRate": 1.5},
        {"name": "k", "scopes": ["read"], "secret": "mine"},
    ],
)
def test_a_bad_key_is_refused(world: World, body: object) -> None:
    assert world.post("/keys", body).status_code == 400
    assert ApiKey.objects.count() == 1


def test_another_realms_keys_are_not_there(world: World, other_world: World) -> None:
    prefix = world.key.split(".")[0]

    for name in (prefix, "0" * 12, "x", "%00", "a" * 300):
        assert code(other_world.request("DELETE", f"/keys/{name}")) == (404, "KEY_NOT_FOUND"), name
    assert world.get("/games").status_code == 200
    assert len(other_world.get("/keys").json()["items"]) == 1


@pytest.mark.parametrize("scope", ["score", "read", "author"])
def test_keys_are_for_operators(world: World, scope: str) -> None:
    prefix = world.key.split(".")[0]
    _row, world.key = keys.create_api_key(realm=world.realm, name="one", scopes=[scope])

    for method, path in [("GET", "/keys"), ("POST", "/keys"), ("DELETE", f"/keys/{prefix}")]:
        assert code(world.request(method, path, {})) == (403, "SCOPE_MISSING")
