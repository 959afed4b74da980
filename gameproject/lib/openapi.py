"""The API's description, from the same structs that read bodies and write answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from gameproject.lib.errors import JsonDict

F = TypeVar("F", bound=Callable[..., Any])
REF: Final = "#/components/schemas/{name}"

_structs: set[type] = set()
_with_optional_body: set[str] = set()


class ErrorBody(msgspec.Struct, kw_only=True):
    """What went wrong. `code` is stable; `problems` lists every single fault where there can be several."""

    code: str
    message: str
    params: dict[str, object]
    problems: list[dict[str, object]] | msgspec.UnsetType = msgspec.UNSET


class ErrorAnswer(msgspec.Struct, rename="camel", kw_only=True):
    error: ErrorBody
    request_id: str | None


ERRORS: Final = {
    400: "Not JSON, wrong types, missing or unknown keys, bad values; `problems` lists all.",
    401: "No key, or one that is unknown, expired or revoked.",
    403: "The key lacks the scope.",
    404: "Not there, or another realm's.",
    409: "The state of things does not allow it.",
    413: "The body or the event data is too large.",
    415: "Not JSON.",
    422: "A program that does not validate, or a run that failed.",
    429: "Over the limit that `params` names: `scope` (key or player), `perSecond` and `burst`. `Retry-After` says "
    "when the next request passes. Each web process counts by itself.",
    503: "A dependency is away or a deadline has passed; safe to send again with the same key.",
}


def endpoint(
    *,
    name: str,
    summary: str,
    tag: str,
    scope: str,
    answers: Mapping[int, type],
    errors: Sequence[int],
    body: type | None = None,
    body_is_optional: bool = False,
    parameters: Sequence[OpenApiParameter] = (),
    examples: Sequence[OpenApiExample] = (),
) -> Callable[[F], F]:
    """Describe a view's method; 401, 403, 429 and 503 can always happen and need not be named."""
    if body_is_optional:
        _with_optional_body.add(name)
    responses: dict[Any, Any] = {
        (status, "application/json"): {**reference(struct)} for status, struct in answers.items()
    }
    for status in sorted({401, 403, 429, 503, *errors}):
        responses[(status, "application/json")] = reference(ErrorAnswer)
    return extend_schema(
        operation_id=name,
        summary=summary,
        description=f"Scope: `{scope}`.",
        tags=[tag],
        request={"application/json": reference(body)} if body else None,
        responses=responses,
        parameters=list(parameters),
        examples=list(examples),
    )


def reference(struct: type) -> JsonDict:
    _structs.add(struct)
    return {"$ref": REF.format(name=struct.__name__)}


def add_components(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """Put the schemas of all structs into the description (a postprocessing hook of drf-spectacular)."""
    structs = sorted(_structs, key=lambda struct: struct.__name__)
    _schemas, components = msgspec.json.schema_components(structs, schema_hook=_any_json, ref_template=REF)
    result.setdefault("components", {}).setdefault("schemas", {}).update(components)
    return result


def say_which_bodies_are_required(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """Mark bodies as required; drf-spectacular does so for serializers only (a postprocessing hook)."""
    for methods in result["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = operation["operationId"] not in _with_optional_body
    return result


def _any_json(_type: type) -> JsonDict:
    """Describe `object`: whatever JSON can say."""
    return {"description": "Any JSON."}


def only_the_api(endpoints: list[Any], **_kwargs: object) -> list[Any]:
    """Leave the description of itself out of the description (a preprocessing hook of drf-spectacular)."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]
