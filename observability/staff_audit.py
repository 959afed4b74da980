"""Log-ins and log-outs, told by Django's own signals."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from structlog.contextvars import bound_contextvars

from observability import audit, refusals


def listen() -> None:
    """Called once, when Django is set up."""
    user_logged_in.connect(_logged_in)
    user_logged_out.connect(_logged_out)
    user_login_failed.connect(refusals.count_failed_login)


def _logged_in(*, user: AbstractBaseUser, **_: Any) -> None:
    _record("login.succeeded", "logged in", user)


def _logged_out(*, user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:
        _record("logout", "logged out", user)


def _record(event: str, did: str, user: AbstractBaseUser) -> None:
    name = user.get_username()
    # The session's middleware looked before the log-in: it saw nobody.
    with bound_contextvars(staff_user=name):
        audit.record(
            event=event,
            message=f"{name} {did}.",
            realm_id=None,
            module=__name__,
            subject=f"user:{user.pk}",
        )
