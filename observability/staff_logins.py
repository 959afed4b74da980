"""Log-ins to the admin, with a brake on guessing: in the memory of each process, as the API's throttles are.

A user's tries are counted by address, so that nobody can lock out another from elsewhere.
"""

import math
from typing import Any, Final

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError

from observability import refusals
from strategies.throttling import Buckets, Pace

OF_USER: Final = Pace(seconds_each=30, burst=10)  # ten wrong passwords, then one every half minute
OF_ADDRESS: Final = Pace(seconds_each=1, burst=60)  # many users with one password each

tries = Buckets()


class LoginForm(AdminAuthenticationForm):
    """The admin's own, that refuses unread what comes too fast; who gets in begins anew."""

    def clean(self) -> dict[str, Any]:
        address = refusals.address_of(self.request) if self.request else "unknown"
        user = (address, str(self.cleaned_data.get("username", "")).casefold())
        wait = tries.take(user, OF_USER) or tries.take(address, OF_ADDRESS)
        if wait:
            user_login_failed.send(sender=__name__, credentials={}, request=self.request)
            raise ValidationError(
                f"Too many tries to log in. The next one is possible in {math.ceil(wait)} s.",
                code="throttled",
            )
        cleaned = super().clean()
        if self.get_user() is not None:  # without a password nobody was asked
            tries.fill(user)
        return cleaned
