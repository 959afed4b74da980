"""Examples for the API's description: a request and its answer for each operation, as they really were.

They stand in `examples.json` by operation id, `{request?, status, answer}`, one line each; long lists are cut.
A new endpoint needs an entry there (strategies/tests/test_openapi.py says so): send the request, keep the answer.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from gameproject.lib.errors import JsonDict
from gameproject.lib.openapi import ERRORS

FILE: Final = Path(__file__).with_suffix(".json")
REQUEST_ID: Final = "8f14e45f-ceea-4e67-9b5c-5d2f0c6f7a11"

# One error of each status, as it looks.
ERROR_EXAMPLES: Final[dict[str, JsonDict]] = {
    "400": {
        "code": "BODY_INVALID",
        "message": "The body has problems; each is listed.",
        "params": {},
        "problems": [
            {
                "code": "KEY_MISSING",
                "message": "The key 'externalUserId' is required.",
                "pointer": "/externalUserId",
            }
        ],
    },
    "401": {
        "code": "UNAUTHENTICATED",
        "message": "Send a valid API key in the header X-API-Key.",
        "params": {},
    },
    "403": {
        "code": "SCOPE_MISSING",
        "message": "This key lacks the scope 'author'.",
        "params": {"scope": "author"},
    },
    "404": {
        "code": "GAME_NOT_FOUND",
        "message": "There is no such game.",
        "params": {"game": "city-wlak"},
    },
    "409": {
        "code": "TASK_CLOSED",
        "message": "The task is closed.",
        "params": {"status": "closed"},
    },
    "413": {
        "code": "BODY_TOO_LARGE",
        "message": "The body is over the limit of 1048576 bytes.",
        "params": {"limitBytes": 1048576},
    },
    "415": {
        "code": "UNSUPPORTED_MEDIA_TYPE",
        "message": "Send JSON: the header Content-Type must be application/json.",
        "params": {},
    },
    "422": {
        "code": "DSL_ASSIGN_POINTS_NOT_NUMBER",
        "message": "The strategy failed on this event: assign_points needs a number.",
        "params": {"nodeId": "n1", "path": "default/value"},
    },
    "429": {
        "code": "THROTTLED",
        "message": "Over this player's limit of 20 a second (100 at once). Wait for as long as Retry-After says.",
        "params": {"scope": "player", "perSecond": 20, "burst": 100},
    },
    "503": {
        "code": "DSL_TIMEOUT",
        "message": "The event was not scored within 0.5 s. Send it again with the same Idempotency-Key.",
        "params": {},
    },
}
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


def add_examples(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """Put examples into every operation that lacks them (a postprocessing hook of drf-spectacular)."""
    for methods in result["paths"].values():
        for operation in methods.values():
            _add_to_operation(operation, examples().get(operation["operationId"], {}))
    return result


def _add_to_operation(operation: dict[str, Any], example: dict[str, Any]) -> None:
    if "request" in example:
        _set_default(operation["requestBody"], example["request"])
    for status, response in operation["responses"].items():
        if status in ERROR_EXAMPLES:
            response["description"] = ERRORS[int(status)]
            _set_default(response, {"error": ERROR_EXAMPLES[status], "requestId": REQUEST_ID})
        elif status == str(example.get("status")):
            _set_default(response, example["answer"])
        if status in {"429", "503"}:
            response["headers"] = RETRY_AFTER


def _set_default(place: dict[str, Any], value: object) -> None:
    media = place["content"]["application/json"]
    if "example" not in media and "examples" not in media:
        media["example"] = value
