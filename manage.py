#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists what it can do."""

import os
import sys

from django.core.management import execute_from_command_line

from gameproject.lib import request_context

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gameproject.settings")
    os.environ.pop(
        "PROMETHEUS_MULTIPROC_DIR", None
    )  # a command's figures are nobody's, and cost every scrape
    request_context.begin(command=" ".join(sys.argv[1:2]))
    execute_from_command_line(sys.argv)
