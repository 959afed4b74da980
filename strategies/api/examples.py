"""Examples for the API's description: a request and its answer for each operation, as they really were.

They stand in `examples.json` by operation id, `{request?, status, answer}`, one line each; long lists are cut.
A new endpoint needs an entry there (strategies/tests/test_openapi.py says so): send the request, keep the answer.
The errors, by code, stand in `error_examples.json`.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from gameproject.lib import openapi
from gameproject.lib.errors import JsonDict

FILE: Final = Path(__file__).with_suffix(".json")
ERRORS_FILE: Final = FILE.with_name("error_examples.json")
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
    read: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return read


@cache
def error_examples() -> dict[str, JsonDict]:
    """Return an error of each code, as it really was."""
    read: dict[str, JsonDict] = json.loads(ERRORS_FILE.read_text())
    return read


def add_examples(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """Put examples into every operation that lacks them (a postprocessing hook of drf-spectacular)."""
    for methods in result["paths"].values():
        for operation in methods.values():
            _add_to_operation(operation, examples().get(operation["operationId"], {}))
    result["components"]["examples"] = {
        code: {"value": {"error": error, "requestId": REQUEST_ID}} for code, error in error_examples().items()
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
