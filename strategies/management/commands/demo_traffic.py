"""Lifelike traffic for the service that `make run` serves."""

import json
import sys
import time
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from strategies.demo.progress import Bar
from strategies.demo.report import summary
from strategies.demo.sender import Sender, Sent
from strategies.demo.traffic import Traffic, due_seconds

RUN = Path(settings.BASE_DIR) / ".local" / "run.json"


class Command(BaseCommand):
    """Needs no database: it is a client. Exit 1 for an answer that was not to be expected."""

    help = "Send lifelike events, good and bad, to the running service, and explain its answers."
    requires_system_checks = []  # noqa: RUF012  # as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rate", type=float, default=20, help="events a second (20)")
        parser.add_argument("--seconds", type=float, default=60, help="how long (60); 0: until Ctrl-C")
        parser.add_argument("--seed", type=int, default=1, help="another one gives other traffic")
        parser.add_argument("--run", type=Path, default=RUN, help="the run.json of `make run`")

    def handle(self, *_: Any, **options: Any) -> None:
        rate, seconds = options["rate"], options["seconds"]
        if rate <= 0 or seconds < 0:
            raise CommandError("The rate must be over 0, and the seconds not under it.")
        url, api_key = _running(options["run"])
        traffic = Traffic(seed=options["seed"], run=f"{time.time_ns() // 1_000_000:x}")
        sender = Sender(url=url, api_key=api_key, due=due_seconds(iter(traffic), rate=rate))
        bar = Bar("demo", sys.stderr)
        sent = sender.run(seconds=seconds, show=lambda so_far: bar.show(*_progress(so_far, seconds)))
        bar.clear()
        self.stdout.write(summary(sent, rate=rate))
        if sent.unexpected:
            raise CommandError("Some answers were not to be expected; .local/log/ may say why.")


def _running(run: Path) -> tuple[str, str]:
    """Return the address and key of a service that answers. Raises CommandError, which says what to do."""
    try:
        facts = json.loads(run.read_text())
        with urllib.request.urlopen(f"{facts['url']}/readyz", timeout=5):  # noqa: S310  # our own loopback address
            return facts["url"], facts["apiKey"]
    except (OSError, ValueError, KeyError) as error:
        raise CommandError(
            f"The service is not running ({error}). Start it in another terminal: make run"
        ) from None


def _progress(sent: Sent, seconds: float) -> tuple[float | None, str]:
    by_class = {
        name: sum(n for answer, n in sent.answers.copy().items() if answer.startswith(name))
        for name in ("2", "4", "5")
    }
    rate = sent.n_events / sent.seconds if sent.seconds else 0
    counts = ", ".join(f"{n} × {name}xx" for name, n in by_class.items())
    return (min(1.0, sent.seconds / seconds) if seconds else None), f"{rate:.0f} events a second, {counts}"
