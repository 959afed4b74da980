"""Who works in the admin, known to logs, Sentry and the audit trail."""

from django.conf import settings
from django.http import HttpRequest

from gameproject.lib import request_context
from gameproject.middleware import OutsideApi


class StaffUserMiddleware(OutsideApi):
    """Bind the name of who is logged in. Stands after Django's own AuthenticationMiddleware."""

    def process_request(self, request: HttpRequest) -> None:
        # Without a session nobody is logged in, and nothing is asked of the database.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            request_context.bind(staff_user=request.user.get_username())
