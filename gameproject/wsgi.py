"""The WSGI application that granian serves: `granian --interface wsgi gameproject.wsgi:application`."""

import gc
import os
from wsgiref.types import WSGIApplication

from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

from gameproject.lib import env

env.require("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gameproject.settings")
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_SECONDS", "5")

application: WSGIApplication = get_wsgi_application()

from django.conf import settings  # noqa: E402  # needs the environment

from gameproject.fast_path import FastPath  # noqa: E402  # needs the models
from observability import processes  # noqa: E402

if settings.SCORING_FAST_PATH:
    application = FastPath(application)

# A tenth of a score's CPU: there are no caches to close, no queries are kept, every request sets its URLconf, and
# DeadlineMiddleware looks after the connection.
request_started.disconnect(reset_queries)
request_started.disconnect(close_old_connections)
request_finished.disconnect(close_old_connections)
request_finished.disconnect(close_caches)
request_finished.disconnect(reset_urlconf)

processes.start_web()

# Python looks for cycles of garbage every 700 new objects, and now and then through all that was ever loaded: a fifth of
# a batch's CPU. What is loaded by now stays and is not looked through again; scoring leaves no cycles (tests see to it).
gc.collect()
gc.freeze()
gc.set_threshold(5_000, 20, 20)
