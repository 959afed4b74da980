"""Give the demo realm's past, as `demo_history` made it, its request records, traces and figures."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kpi import demo
from strategies.demo.catalogue import REALM
from strategies.demo.progress import Bar
from strategies.models import Realm


class Command(BaseCommand):
    help = "Make request records and traces of the demo's past and roll its days up. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="how many, today included (30)")

    def handle(self, *_: Any, days: int, **__: Any) -> None:
        realm = Realm.objects.filter(slug=REALM).first()
        if realm is None:
            raise CommandError(f"There is no realm {REALM!r}. `manage.py demo_data` makes it.")
        bar = Bar("figures", sys.stderr)
        try:
            demo.tell_past(realm, n_days=days, progress=lambda share, day: bar.show(share, str(day)))
        finally:
            bar.clear()
        self.stdout.write(f"The traces and figures of {days} days are there: Admin, Executions and KPIs.")
