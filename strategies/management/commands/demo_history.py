"""Give the demo realm a past, for pages and figures that one day cannot fill."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gameproject.lib.errors import DomainError
from strategies.demo.catalogue import REALM
from strategies.demo.history import Filled, fill_history
from strategies.demo.progress import Bar
from strategies.models import Realm


class Command(BaseCommand):
    help = "Fill the last days of the demo realm with scores. Safe to repeat: a day that is there stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=_positive, default=30, help="how many, today included (30)")
        parser.add_argument("--events", type=_positive, default=20_000, help="about how many (20000)")
        parser.add_argument("--seed", type=int, default=1, help="another one gives another past")
        parser.add_argument("--realm", default=REALM, help="only the demo's is let in")

    def handle(self, *_: Any, **options: Any) -> None:
        realm = Realm.objects.filter(slug=options["realm"]).first()
        if realm is None:
            raise CommandError(
                f"There is no realm {options['realm']!r}. `manage.py demo_data` makes the demo's."
            )
        bar = Bar("history", sys.stderr)
        began_at = time.monotonic()

        def progress(share: float, filled: Filled) -> None:
            rate = filled.n_scores / (time.monotonic() - began_at)
            bar.show(share, f"{filled.n_scores} scores, {rate:.0f} a second")

        try:
            filled = fill_history(
                realm=realm,
                n_days=options["days"],
                n_events=options["events"],
                seed=options["seed"],
                progress=progress,
            )
        except DomainError as refusal:
            raise CommandError(refusal.message) from None
        finally:
            bar.clear()
        self.stdout.write(_summary(filled, time.monotonic() - began_at))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _summary(filled: Filled, seconds: float) -> str:
    rate = filled.n_scores / seconds
    lines = [f"{filled.n_scores} scores on {filled.n_days} days, in {seconds:.1f} s ({rate:.0f} a second)."]
    if filled.n_days_there:
        lines.append(f"{filled.n_days_there} days were filled already and stay as they are.")
    if filled.n_later:
        lines.append(f"{filled.n_later} events were left out: their players have later scores already.")
    if filled.n_failed:
        lines.append(f"{filled.n_failed} events failed.")
    return "\n".join(lines)
