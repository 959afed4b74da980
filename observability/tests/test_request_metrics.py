"""Requests are counted by the template of their path, and what people ask for makes no label."""

from collections import Counter

import pytest
from django.test import Client

from observability import metrics_text
from observability.tests.test_metrics import samples
from strategies.tests.conftest import World, constant_program

NAME = "scoring_http_requests_total"


def counted() -> Counter[tuple[str, ...]]:
    return Counter({key: int(n) for key, n in samples(metrics_text.of_processes(), NAME).items()})


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/api/v1/scores", ("GET", "/api/v1/scores", "4xx")),
        (
            "GET",
            "/api/v1/scores/0197f0a0-0000-7000-8000-000000000000",
            ("GET", "/api/v1/scores/{score}", "4xx"),
        ),
        ("GET", "/api/v1/what/people/ask", ("GET", "none", "4xx")),
        ("BREW", "/api/v1/scores", ("OTHER", "/api/v1/scores", "4xx")),
        ("GET", "/admin/login/", ("GET", "/admin/", "2xx")),
    ],
)
@pytest.mark.django_db
def test_a_request_is_counted_once_by_its_route(method: str, path: str, labels: tuple[str, ...]) -> None:
    before = counted()

    Client().generic(method, path)

    assert counted() - before == Counter({labels: 1})


@pytest.mark.django_db
def test_a_score_is_counted_and_timed(world: World) -> None:
    world.task("t1", world.strategy("Points", constant_program(1)))
    before = counted()

    world.score("ana")

    route = "/api/v1/games/{game}/tasks/{task}/points"
    assert counted() - before == Counter({("POST", route, "2xx"): 1})
    name = "scoring_http_request_duration_seconds_count"
    assert samples(metrics_text.of_processes(), name)[(route,)] >= 1


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/favicon.ico"])
def test_probes_scrapes_and_files_are_not_counted(path: str) -> None:
    before = counted()

    Client().get(path)

    assert counted() == before
