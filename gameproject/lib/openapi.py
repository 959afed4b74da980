"""The API's description, from the same structs that read bodies and write answers."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from gameproject.lib.errors import JsonDict

F = TypeVar("F", bound=Callable[..., Any])
REF: Final = "#/components/schemas/{name}"

_structs: set[type] = set()
_with_optional_body: set[str] = set()
_codes_by_status: dict[str, dict[int, list[str]]] = {}


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
    errors: Mapping[int, Sequence[str]] = MappingProxyType({}),
    details: str = "",
    body: type | None = None,
    body_is_optional: bool = False,
    max_body_mebibytes: int = 1,
    parameters: Sequence[OpenApiParameter] = (),
    examples: Sequence[OpenApiExample] = (),
) -> Callable[[F], F]:
    """Describe a view's method. `errors` names by status the codes that are its own; `_codes` adds the others."""
    if body_is_optional:
        _with_optional_body.add(name)
    responses: dict[Any, Any] = {
        (status, "application/json"): {**reference(struct)} for status, struct in answers.items()
    }
    reads_query = any(parameter.location == OpenApiParameter.QUERY for parameter in parameters)
    codes_by_status = _codes(errors, reads_body=body is not None, reads_query=reads_query)
    _codes_by_status[name] = codes_by_status
    for status, codes in codes_by_status.items():
        responses[(status, "application/json")] = OpenApiResponse(
            reference(ErrorAnswer), f"{ERRORS[status]} {', '.join(f'`{code}`' for code in codes)}"
        )
    limit = f" Body: at most {max_body_mebibytes} MiB." if body else ""
    describe = extend_schema(
        operation_id=name,
        summary=summary,
        description=f"Scope: `{scope}`.{limit} {details}".strip(),
        tags=[tag],
        request={"application/json": reference(body)} if body else None,
        responses=responses,
        parameters=list(parameters),
        examples=list(examples),
    )

    def decorate(method: F) -> F:
        described: F = describe(method)
        described.operation = name  # type: ignore[attr-defined]  # the tests compare answers with the description
        return described

    return decorate


def _codes(own: Mapping[int, Sequence[str]], *, reads_body: bool, reads_query: bool) -> dict[int, list[str]]:
    """Return all codes that an operation may answer with, the common ones first."""
    common = {
        401: ["UNAUTHENTICATED"],
        403: ["SCOPE_MISSING"],
        429: ["THROTTLED"],
        503: ["DATABASE_UNAVAILABLE"],
    }
    if reads_body:
        common |= {
            400: ["BODY_INVALID", "NOT_JSON"],
            413: ["BODY_TOO_LARGE"],
            415: ["UNSUPPORTED_MEDIA_TYPE"],
        }
    if reads_query:
        common[400] = [*common.get(400, []), "QUERY_INVALID"]
    return {status: [*common.get(status, []), *own.get(status, [])] for status in sorted({*common, *own})}


def codes_of(operation: str) -> Mapping[int, Sequence[str]]:
    """Return by status the codes that an operation may answer with. `DSL_*` stands for all of the language's."""
    return _codes_by_status[operation]


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
