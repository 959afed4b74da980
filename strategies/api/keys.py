"""API keys: list, create, revoke."""

import uuid
from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib import api, clock
from gameproject.lib.body import Body, Line
from gameproject.lib.errors import BadRequest, Forbidden
from gameproject.lib.openapi import endpoint
from strategies import events, keys
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.models import ApiKey
from strategies.models.tenancy import Scope
from strategies.throttling import DEFAULT, Limit

TAG = "Keys"

ScopeName = Literal["score", "read", "author", "operate"]
Rate = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Burst = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class KeyBody(Body):
    """Rates are a second's, 0 for no limit. No key can give more than it has.

    What is not sent is the default, or the asking key's own where that is less.
    """

    name: Line
    scopes: Annotated[list[ScopeName], msgspec.Meta(min_length=1)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    key_rate: Rate | None = None
    key_burst: Burst | None = None
    player_rate: Rate | None = None
    player_burst: Burst | None = None


class KeyAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """A key without its secret. Rates are a second's, 0 for no limit."""

    key_id: uuid.UUID
    prefix: str
    name: str
    scopes: list[str]
    key_rate: int
    key_burst: int
    player_rate: int
    player_burst: int
    expires_at: str | None
    revoked_at: str | None
    created_at: str


class NewKeyAnswer(KeyAnswer, rename="camel", kw_only=True):
    """`key` is what to send as X-API-Key. It is shown here and never again."""

    key: str


class KeyPage(msgspec.Struct, rename="camel"):
    items: list[KeyAnswer]
    next_cursor: str | None


class KeysView(ApiView):
    """Listed with `operate` too, not with `read`: an application need not know the others' keys."""

    scopes: ClassVar[dict[str, str]] = {"GET": Scope.OPERATE, "POST": Scope.OPERATE}

    @endpoint(
        name="listKeys",
        summary="List the realm's keys, newest first; without their secrets",
        tag=TAG,
        scope="operate",
        answers={200: KeyPage},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        return api.page(request, ApiKey.objects.filter(realm_id=self.principal.realm_id), _key_answer)

    @endpoint(
        name="createKey",
        summary="Create a key; its secret is shown only in this answer",
        tag=TAG,
        scope="operate",
        body=KeyBody,
        answers={201: NewKeyAnswer},
        errors={400: ["VALUE_INVALID"], 403: ["LIMIT_OVER_OWN"]},
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.read(KeyBody)
        expires_at = events.moment(body.expires_at, pointer="/expiresAt") if body.expires_at else None
        if expires_at is not None and expires_at <= clock.now():
            raise BadRequest(
                "expiresAt must lie ahead.",
                code="BODY_INVALID",
                problems=[{"code": "VALUE_INVALID", "message": "In the past.", "pointer": "/expiresAt"}],
            )
        scopes: list[str] = sorted(set(body.scopes))
        _require_own_scopes(scopes, self.principal.scopes)
        own = self.principal.limits
        row, key = keys.create_api_key(
            realm=self.realm,
            name=body.name,
            scopes=scopes,
            expires_at=expires_at,
            key_rate=_granted("keyRate", body.key_rate, DEFAULT.key.per_second, own.key.per_second),
            key_burst=_granted("keyBurst", body.key_burst, DEFAULT.key.burst, _burst(own.key)),
            player_rate=_granted(
                "playerRate", body.player_rate, DEFAULT.player.per_second, own.player.per_second
            ),
            player_burst=_granted("playerBurst", body.player_burst, DEFAULT.player.burst, _burst(own.player)),
        )
        shown = msgspec.structs.asdict(_key_answer(row))
        return json_response(NewKeyAnswer(**shown, key=key), status=201)


class KeyView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"DELETE": Scope.OPERATE}

    @endpoint(
        name="revokeKey",
        summary="Revoke a key; the next event that is sent with it is refused",
        tag=TAG,
        scope="operate",
        answers={200: KeyAnswer},
        errors={404: ["KEY_NOT_FOUND"]},
    )
    def delete(self, request: Request, prefix: str) -> HttpResponse:
        row = keys.revoke_api_key(realm_id=self.principal.realm_id, prefix=prefix)
        return json_response(_key_answer(row))


def _key_answer(row: ApiKey) -> KeyAnswer:
    limits = keys.limits_of(row)
    return KeyAnswer(
        key_id=row.pk,
        prefix=row.prefix,
        name=row.name,
        scopes=row.scopes,
        key_rate=limits.key.per_second,
        key_burst=limits.key.burst,
        player_rate=limits.player.per_second,
        player_burst=limits.player.burst,
        expires_at=clock.iso(row.expires_at) if row.expires_at else None,
        revoked_at=clock.iso(row.revoked_at) if row.revoked_at else None,
        created_at=clock.iso(row.created_at),
    )


def _require_own_scopes(scopes: list[str], own: frozenset[str]) -> None:
    missing = [scope for scope in scopes if scope not in own]
    if missing:
        raise Forbidden(
            "A key cannot grant scopes that it lacks itself.", params={"scope": missing[0], "scopes": missing}
        )


def _burst(own: Limit) -> int:
    return own.burst if own.per_second else 0


def _granted(name: str, asked: int | None, default: int, own: int) -> int | None:
    """Return what to store: None is the default; 0, as a rate, no limit. Raises Forbidden for more than `own`."""
    if asked is None:
        return None if _is_within(default, own) else own
    if not _is_within(asked, own):
        raise Forbidden(
            f"A key cannot grant more than it has: {name} is {own} for this one.",
            code="LIMIT_OVER_OWN",
            params={"name": name, "limit": own},
        )
    return asked


def _is_within(value: int, own: int) -> bool:
    return own == 0 or 0 < value <= own
