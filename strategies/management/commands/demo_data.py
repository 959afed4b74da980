"""Make the demo realm, or what of it is missing. `make run` calls it at every start."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from strategies.demo.realm import ensure_demo


class Command(BaseCommand):
    help = "Make the demo realm with its game, tasks, strategies, key and admin user. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        parser.add_argument(
            "--known", type=Path, help="a run.json whose key and password are kept while they work"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        known = _read(options["known"])
        demo = ensure_demo(known_key=known.get("apiKey", ""), known_password=known.get("adminPassword", ""))
        result = {
            "apiKey": demo.api_key,
            "adminUser": demo.admin_user,
            "adminPassword": demo.admin_password,
            "gameId": demo.game_id,
            "taskId": demo.task_id,
        }
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            self.stdout.write("\n".join(f"{name}: {value}" for name, value in result.items()))


def _read(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    try:
        values = json.loads(path.read_text())
    except ValueError:
        return {}
    return (
        {key: value for key, value in values.items() if isinstance(value, str)}
        if isinstance(values, dict)
        else {}
    )
