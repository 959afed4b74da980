"""The WSGI application that granian serves: `granian --interface wsgi gameproject.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

from gameproject.lib import env

env.require("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gameproject.settings")
os.environ.setdefault("DATABASE_STATEMENT_TIMEOUT_SECONDS", "5")

application = get_wsgi_application()
