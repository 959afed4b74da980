"""Traffic as the demo makes it: the same for the same seed, and answered as it expects to be."""

import json
import re
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from gameproject.tests.conftest import Web, web
from strategies.demo import ensure_demo
from strategies.demo.crowd import Crowd
from strategies.demo.report import MEANINGS, summary
from strategies.demo.requests import Request
from strategies.demo.sender import Sent
from strategies.demo.traffic import MIX, RETRY_AFTER, Traffic, due_seconds
from strategies.models import Score

__all__ = ["web"]


def requests(n: int, *, seed: int = 1, run: str = "r") -> list[Request]:
    return list(islice(Traffic(seed=seed, run=run, n_players=500), n))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a deadline would pass, and a 503 is no fault then."""
    for name in ("SCORING_DEADLINE_SECONDS", "SCORING_BATCH_DEADLINE_SECONDS", "REQUEST_DEADLINE_SECONDS"):
        monkeypatch.setenv(name, "25")


# ── The generator ────────────────────────────────────────────────────────────────────────────────
def test_the_same_seed_gives_the_same_traffic_and_another_run_other_keys() -> None:
    assert requests(400) == requests(400)
    assert requests(400) != requests(400, seed=2)
    assert not {each.key for each in requests(400)} & {each.key for each in requests(400, run="s")} - {None}


def test_there_is_something_of_everything() -> None:
    sent = requests(4000)
    kinds = Counter(each.kind for each in sent)
    assert len(kinds) == len(MIX) + 1  # the retry after a timeout
    assert kinds["event"] > 0.7 * len(sent)
    answers = {answer for each in sent for answer in each.expected}
    assert answers <= set(MEANINGS)


def test_a_retry_is_the_same_request_with_the_same_key_some_time_later() -> None:
    sent = requests(3000)
    first: dict[str | None, tuple[int, Request]] = {}
    n_retries = 0
    for number, each in enumerate(sent):
        if each.kind.startswith("retry"):
            began, original = first[each.key]
            assert (each.path, each.body) == (original.path, original.body)
            assert number - began >= RETRY_AFTER
            n_retries += 1
        elif each.key and each.kind != "key of another event":
            assert each.key not in first
            first[each.key] = number, each
    assert n_retries > 50


def test_few_players_are_busy_and_their_sessions_go_on() -> None:
    bodies = [json.loads(each.body) for each in requests(5000) if each.kind == "event"]
    players = Counter(body["externalUserId"] for body in bodies)
    busiest = sum(n for _, n in players.most_common(len(players) // 10))
    assert busiest > 0.3 * len(bodies)
    sessions = Counter(body["sessionKey"] for body in bodies)
    assert len(sessions) > 300
    assert max(sessions.values()) > 5


def test_names_are_unique_and_as_different_as_those_of_people() -> None:
    names = [person.name for person in Crowd(1, 5000).people]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) == 200
    assert any(not name.isascii() for name in names)
    assert not any(re.search(r"[/\x00-\x1f\x7f-\x9f]", name) for name in names)


def test_the_rate_is_the_one_that_was_asked_for_and_swings() -> None:
    due = list(islice(due_seconds(iter(requests(12_000)), rate=100), 11_000))
    n_events = Counter[int]()
    for seconds, request in due:
        n_events[int(seconds // 15)] += request.n_events
    whole_day = [n_events[quarter] for quarter in range(4)]
    assert sum(whole_day) / 60 == pytest.approx(100, rel=0.1)
    assert whole_day[0] > 1.3 * whole_day[2]


# ── The report ───────────────────────────────────────────────────────────────────────────────────
def test_the_summary_explains_the_answers_and_names_what_was_not_expected() -> None:
    sent = Sent(n_requests=3, n_events=3, seconds=1.5, times=[0.01, 0.02, 0.03])
    sent.kinds.update({"event": 3})
    sent.answers.update({"201": 2, "500 INTERNAL_ERROR": 1})
    sent.unexpected.update({"event: 500 INTERNAL_ERROR": 1})

    told = summary(sent, rate=2)

    assert "3 requests with 3 events in 1.5 s: 2.0 events a second" in told
    assert "2 × 201                         something new" in told
    assert "NOT EXPECTED: 1 × event: 500 INTERNAL_ERROR" in told
    assert "to expect" not in told


# ── The command ──────────────────────────────────────────────────────────────────────────────────
def run_json(folder: Path, url: str, key: str) -> str:
    path = folder / "run.json"
    path.write_text(json.dumps({"url": url, "apiKey": key}))
    return str(path)


def test_a_served_instance_answers_all_of_it_as_expected(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_json(tmp_path, f"http://127.0.0.1:{web.port}", ensure_demo().api_key)

    call_command("demo_traffic", "--run", run, "--rate", "60", "--seconds", "8", "--seed", "3")

    told = capsys.readouterr()
    assert "Every answer was the one to expect." in told.out
    assert re.search(r"\d+ × 200 replayed +a retry", told.out)
    assert re.search(r"\d+ × 422 DSL_", told.out)
    assert told.err == ""  # no bar where there is no terminal
    n_events = int(re.search(r"with (\d+) events", told.out)[1])  # type: ignore[index]  # it is there
    assert 250 < n_events < 900
    assert Score.objects.filter(is_test=True).exists()
    assert Score.objects.filter(outcome="reversal").exists()
    assert Score.objects.values("game").distinct().count() == 3


def test_an_answer_that_is_not_expected_fails_the_command(
    web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_json(tmp_path, f"http://127.0.0.1:{web.port}", "no.key")

    with pytest.raises(CommandError, match="not to be expected"):
        call_command("demo_traffic", "--run", run, "--rate", "20", "--seconds", "1")

    assert "× event: 401 UNAUTHENTICATED" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "{", "{}", '{"url": "http://127.0.0.1:9", "apiKey": "x"}'])
def test_without_a_service_it_says_how_to_start_one(tmp_path: Path, content: str | None) -> None:
    run = tmp_path / "run.json"
    if content is not None:
        run.write_text(content)

    with pytest.raises(CommandError, match=r"not running .* make run"):
        call_command("demo_traffic", "--run", str(run))
