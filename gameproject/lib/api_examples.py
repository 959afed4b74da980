"""Examples for the API's description: a request and its answer for each operation, as they really were.

Every app keeps its own: in `api/examples.json` by operation id, `{request?, status, answer}`, one line each, long lists
cut; in `api/error_examples.json` an error of each code that no app below it has. A new endpoint needs an entry
(gameproject/tests/test_openapi.py says so): send the request, keep the answer.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.apps import apps

from gameproject.lib import openapi
from gameproject.lib.errors import JsonDict

ANY_OF_THE_LANGUAGE: Final = "DSL_*"
REQUEST_ID: Final = "8f14e45f-ceea-4e67-9b5c-5d2f0c6f7a11"

RETRY_AFTER: Final[JsonDict] = {
    "Retry-After": {
        "description": "Seconds after which to send the request again.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Return the examples by operation id."""
    return _of_all_apps("examples.json")


@cache
def error_examples() -> dict[str, JsonDict]:
    """Return an error of each code, as it really was."""
    return _of_all_apps("error_examples.json")


def _of_all_apps(name: str) -> dict[str, dict[str, Any]]:
    files = [Path(app.path) / "api" / name for app in apps.get_app_configs()]
    found = [json.loads(file.read_text()) for file in files if file.exists()]
    return {key: example for each in found for key, example in each.items()}


def add_examples(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """Put examples into every operation that lacks them (a postprocessing hook of drf-spectacular)."""
    for methods in result["paths"].values():
        for operation in methods.values():
            _add_to_operation(operation, examples().get(operation["operationId"], {}))
    result["components"]["examples"] = {
        code: {"value": {"error": error, "requestId": REQUEST_ID}}
        for code, error in sorted(error_examples().items())
    }
    return result


def _add_to_operation(operation: dict[str, Any], example: dict[str, Any]) -> None:
    if "request" in example:
        _set_default(operation["requestBody"], example["request"])
    codes = openapi.codes_of(operation["operationId"])
    for status, response in operation["responses"].items():
        if int(status) in codes:
            response["content"]["application/json"]["examples"] = {
                code: {"$ref": f"#/components/examples/{code}"} for code in _shown(codes[int(status)])
            }
        elif status == str(example.get("status")):
            _set_default(response, example["answer"])
        if status in {"429", "503"}:
            response["headers"] = RETRY_AFTER


def _shown(codes: Sequence[str]) -> list[str]:
    return [code if code != ANY_OF_THE_LANGUAGE else "DSL_ARITH_DIV_BY_ZERO" for code in codes]


def _set_default(place: dict[str, Any], value: object) -> None:
    media = place["content"]["application/json"]
    if "example" not in media and "examples" not in media:
        media["example"] = value
