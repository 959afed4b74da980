"""A sample of requests as transactions of Sentry. In the chain of middlewares only where SENTRY_DSN is set."""

from collections.abc import Callable

import sentry_sdk
from django.http import HttpRequest, HttpResponse
from sentry_sdk.tracing import TransactionSource

from observability import sentry, sentry_rules


class TransactionMiddleware:
    """Draws first: a request that is not chosen pays a microsecond, not the SDK's price."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not sentry_rules.is_drawn(request.META):
            return self.get_response(request)
        with (
            sentry_sdk.isolation_scope() as scope,
            sentry_sdk.start_transaction(
                op="http.server", name=request.path_info, sampled=True
            ) as transaction,
        ):
            response = self.get_response(request)
            sentry.describe(scope, request)
            route = request.resolver_match.route if request.resolver_match else "none"
            sentry_sdk.set_transaction_name(route, source=TransactionSource.ROUTE)
            transaction.set_http_status(response.status_code)
            return response
