"""The application as ASGI, for `bench.servers` alone."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gameproject.settings")

application = get_asgi_application()
