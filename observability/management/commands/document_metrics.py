"""`manage.py document_metrics`: write the tables of docs/metrics.md anew from the code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from observability.metrics_document import rewrite


class Command(BaseCommand):
    help = "Write the tables of docs/metrics.md anew from the code."

    def handle(self, *_args: Any, **_options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "metrics.md"
        path.write_text(rewrite(path.read_text()))
        self.stdout.write(str(path))
