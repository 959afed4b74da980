"""`make run` greets with a realm that works, and keeps it."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from strategies.demo import GAME, TASKS
from strategies.models import ApiKey, Game
from strategies.tests.conftest import World


def demo_data(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command("demo_data", "--json", *arguments)
    return json.loads(capsys.readouterr().out)


def test_every_demo_task_scores(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    demo = demo_data(capsys)
    world.key = demo["apiKey"]

    for task in TASKS:
        answer = world.post(f"/games/{demo['gameId']}/tasks/{task}/points", {"externalUserId": "ana"})
        assert answer.status_code == 201, (task, answer.content)
    by_ids = world.post(f"/games/{demo['gameId']}/tasks/{demo['taskId']}/points", {"externalUserId": "ana"})
    assert by_ids.status_code == 201


def test_again_it_keeps_what_is_known_and_makes_nothing_twice(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first = demo_data(capsys)
    known = tmp_path / "run.json"
    known.write_text(json.dumps(first))

    again = demo_data(capsys, "--known", str(known))

    assert again == first
    assert Game.objects.filter(external_id=GAME).count() == 1
    assert ApiKey.objects.filter(realm__slug="demo").count() == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"apiKey": 5}', '{"apiKey": "x", "adminPassword": "y"}'])
def test_what_no_longer_works_is_made_anew(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str
) -> None:
    demo_data(capsys)
    known = tmp_path / "run.json"
    known.write_text(content)

    again = demo_data(capsys, "--known", str(known))

    world.key = again["apiKey"]
    assert world.get("/games").status_code == 200
    assert get_user_model().objects.get().check_password(again["adminPassword"])
