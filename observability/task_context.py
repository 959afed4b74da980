"""Who acts and in which request, carried along to the tasks that a request or a task sends.

What is bound travels in the headers of a message, each under its own name, as `celery_messages` writes them by hand; the
worker forgets what the task before has bound, then binds what came. Celery's signals are edges of a process.
"""

import time
from typing import Any

from celery import Task
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun

from gameproject.lib import request_context

CARRIED = tuple(key for key in request_context.KEYS if key not in {"task", "command"})


def listen() -> None:
    """Called once, when Django is set up."""
    before_task_publish.connect(_send_along)
    task_prerun.connect(_begin)
    task_postrun.connect(_end)
    setup_logging.connect(_keep_our_logging)


def _send_along(*, headers: dict[str, Any], **_: object) -> None:
    bound = request_context.bound()
    headers.update({key: bound[key] for key in CARRIED if key in bound}, sent_at=time.time())


def _begin(*, task: Task[..., Any], **_: object) -> None:
    carried = {key: str(value) for key in CARRIED if (value := task.request.get(key))}
    request_context.begin(**carried, task=task.name)


def _end(**_: object) -> None:
    request_context.begin()


def _keep_our_logging(**_: object) -> None:
    """Having a receiver keeps Celery from putting its own handlers in place of ours."""
