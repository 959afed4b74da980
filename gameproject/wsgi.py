"""The WSGI application that granian serves: `granian --interface wsgi gameproject.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gameproject.settings")

application = get_wsgi_application()
