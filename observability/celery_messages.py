"""Celery's own envelope, made by hand.

It is what Celery 5.7 would publish for `task.delay(payload)` over Redis (message protocol 2). Made here, it can be put
into the queue by one script that looks at the queue's length in the same step; and it costs 30 µs, not the millisecond
of `apply_async`. A test lets a real worker read it.
"""

import uuid
from typing import Any, Final

import msgspec


class UnknownFormat(Exception):  # an expected refusal
    """A message of a release that this one does not know."""


def envelope(payload: object, *, task: str, queue: str, request_id: str) -> bytes:
    """Wrap a task's only argument as a message of a queue."""
    body = msgspec.json.encode([[payload], {}, _NO_CALLBACKS]).decode()
    task_id = str(uuid.uuid4())
    return msgspec.json.encode(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                **_HEADERS,
                "task": task,
                "id": task_id,
                "root_id": task_id,
                "request_id": request_id,
            },
            "properties": {
                "correlation_id": task_id,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "delivery_mode": 2,
                "delivery_tag": task_id,
                "priority": 0,
                "reply_to": "",
            },
        }
    )


_NO_CALLBACKS: Final[dict[str, None]] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
_HEADERS: Final[dict[str, Any]] = {
    "lang": "py",
    "argsrepr": "-",
    "kwargsrepr": "-",
    "origin": "scoring",
    "retries": 0,
    "timelimit": [None, None],
    "ignore_result": True,
    **dict.fromkeys(("eta", "expires", "group", "group_index", "parent_id", "shadow")),
}
