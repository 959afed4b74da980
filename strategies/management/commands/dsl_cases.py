"""Run a file of language cases through validator, interpreter and compiler."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from strategies.dsl.cases import CaseFileError, differences, read_cases


class Command(BaseCommand):
    """Print every difference, and `N passed, M failed` as the last line; exit 1 if there is one.

    Needs no database: the language is pure.
    """

    help = "Run a file of language cases through validator, interpreter and compiler."
    requires_system_checks = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("file", type=Path, help="a JSON list of cases")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the cases."""
        try:
            cases = read_cases(options["file"])
        except CaseFileError as error:
            raise CommandError(str(error)) from error
        n_failed = 0
        for case in cases:
            found = list(differences(case))
            n_failed += bool(found)
            for difference in found:
                self.stdout.write(f"{case}: {difference}")
        self.stdout.write(f"{len(cases) - n_failed} passed, {n_failed} failed")
        if n_failed:
            raise SystemExit(1)
