"""What Sentry hears of, and what not."""

from typing import Any

import pytest
from celery.exceptions import Reject, Retry
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.http import Http404, UnreadablePostError
from pytest_django import Settings
from rest_framework import exceptions

from gameproject.lib import errors, request_context
from observability import sentry, sentry_rules


def reason(error: BaseException | None, **event: Any) -> str | None:
    hint: Any = {"exc_info": (type(error), error, None)} if error else {}
    return sentry_rules.reason_to_drop(event, hint)  # type: ignore[arg-type]  # an event in parts


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (Http404(), "not found"),
        (errors.NotFound("no"), "expected refusal"),
        (errors.BadRequest("no"), "expected refusal"),
        (errors.Unauthenticated("no"), "expected refusal"),
        (errors.Forbidden("no"), "expected refusal"),
        (errors.Throttled("no"), "expected refusal"),
        (errors.Unavailable("no"), "expected refusal"),
        (exceptions.ValidationError("no"), "expected refusal"),
        (PermissionDenied(), "permission"),
        (DisallowedHost(), "malformed request"),
        (UnreadablePostError(), "client gone"),
        (BrokenPipeError(), "client gone"),
        (ConnectionResetError(), "client gone"),
        (Reject("later"), "task given back"),
        (Retry("later"), "task given back"),
        (KeyboardInterrupt(), "stopped"),
        (SystemExit(), "stopped"),
        (ValueError("ours"), None),
        (OSError("a disk is full"), None),
        (None, None),
    ],
)
def test_what_is_dropped_and_by_which_rule(error: BaseException | None, rule: str | None) -> None:
    assert reason(error) == rule


@pytest.mark.parametrize("endpoint", ["healthz", "readyz", "metrics"])
def test_health_checks_are_dropped_whatever_goes_wrong(endpoint: str) -> None:
    assert reason(ValueError("ours"), tags={"endpoint": endpoint}) == "health check"
    assert reason(ValueError("ours"), tags={"endpoint": "api/v1/games"}) is None


@pytest.mark.parametrize(
    ("path", "rate"),
    [
        ("/api/v1/games/g/tasks/t/points", 0.25),
        ("/admin/", 0.25),
        ("/healthz", 0),
        ("/metrics", 0),
        ("/static/a.css", 0),
    ],
)
def test_how_many_requests_become_transactions(settings: Settings, path: str, rate: float) -> None:
    settings.SENTRY_TRACES_SAMPLE_RATE = 0.25

    assert sentry_rules.rate_of_path(path) == rate


@pytest.mark.parametrize(
    ("task", "rate"), [("observability.tasks.heartbeat", 0), ("observability.tasks.x", 0.25)]
)
def test_how_many_tasks_become_transactions(settings: Settings, task: str, rate: float) -> None:
    settings.SENTRY_TRACES_SAMPLE_RATE = 0.25

    assert (
        sentry_rules.traces_sampler({"transaction_context": {"name": task, "op": "queue.task.celery"}})
        == rate
    )


def test_an_event_says_who_acted_and_holds_no_secret() -> None:
    request_context.begin(request_id="r-1", realm="demo", api_key="0123456789ab")
    secret = "0123456789ab." + "A" * 43
    event: Any = {
        "message": f"no good: {secret}",
        "extra": {"password": "hunter2"},
        "contexts": {"trace": {"dynamic_sampling_context": {"public_key": "kept"}}},
    }

    sent = sentry._before_send(event, {})

    assert sent is not None
    assert sent["tags"] == {"request_id": "r-1", "realm": "demo", "api_key": "0123456789ab"}
    assert sent["user"] == {"id": "0123456789ab"}
    assert secret not in str(sent)
    assert "hunter2" not in str(sent)
    assert sent["contexts"]["trace"]["dynamic_sampling_context"]["public_key"] == "kept"  # type: ignore[index]  # a mapping
    request_context.begin()
