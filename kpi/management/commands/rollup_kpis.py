"""Roll up days again, or for the first time."""

import sys
import time
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gameproject.lib import clock
from kpi import rolling_up
from strategies.demo.progress import Bar


class Command(BaseCommand):
    help = "Roll up the KPIs of all realms for some days. Safe to repeat, and beside beat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        today = clock.now().date()
        parser.add_argument(
            "--from", dest="first", type=date.fromisoformat, default=today, help="a day (today)"
        )
        parser.add_argument("--to", dest="last", type=date.fromisoformat, default=today, help="a day (today)")

    def handle(self, *_: Any, first: date, last: date, **__: Any) -> None:
        if last < first:
            raise CommandError(f"--to {last} lies before --from {first}.")
        bar = Bar("rollup", sys.stderr)
        began_at = time.monotonic()
        try:
            n_parts = rolling_up.roll_up_days(
                first, last, progress=lambda share, day: bar.show(share, str(day))
            )
        finally:
            bar.clear()
        self.stdout.write(f"{n_parts} rollups in {time.monotonic() - began_at:.1f} s.")
