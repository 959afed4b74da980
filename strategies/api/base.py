"""The base of the API's views: a key, a scope for each method, JSON bodies as structs."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gameproject.lib import handover, request_context
from gameproject.lib.body import Body, read_body
from strategies import targets, throttling
from strategies.models import Realm
from strategies.models.tenancy import Scope

B = TypeVar("B", bound=Body)
KEY_HEADER = "HTTP_X_API_KEY"
PRINCIPAL = "scoring.principal"  # where the WSGI environment keeps it


class ApiView(APIView):
    """Authenticates by X-API-Key; `scopes` names what each method needs, read for GET if nothing else is said.

    REST framework's own steps (authentication, permission, throttle and negotiation classes) have nothing to
    do here: there is one kind of key and one kind of body.
    """

    scopes: ClassVar[dict[str, str]] = {}
    principal: targets.Principal

    def initial(self, request: Request, *_: Any, **__: Any) -> None:
        method = request.method or ""
        if method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        self.principal = targets.look_up_principal(api_key(request.META))
        request_context.bind(api_key=self.principal.prefix, realm=self.principal.realm)
        throttling.admit_request(self.principal)
        targets.require_scope(self.principal, self.scopes.get(method, Scope.READ))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do REST framework's steps but for those that have nothing to do here: a twentieth of a score's CPU."""
        self.args, self.kwargs, self.headers = args, kwargs, {}
        self.request = Request(request)
        try:
            self.initial(self.request, *args, **kwargs)
            handler = getattr(self, (request.method or "").lower(), self.http_method_not_allowed)
            response = handler(self.request, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  # as REST framework does: what is none of the API's is raised again
            response = self.handle_exception(error)
        if isinstance(response, Response):
            self.finalize_response(self.request, response, *args, **kwargs)
        assert isinstance(response, HttpResponse)  # noqa: S101  # which every view returns
        return response

    @property
    def realm(self) -> Realm:
        return Realm.objects.get(pk=self.principal.realm_id)

    def read(self, body_type: type[B], *, max_bytes: int | None = None) -> B:
        # Past the framework's parsers
        return read_body(self.request._request, body_type, max_bytes=max_bytes)  # noqa: SLF001


class ScoringView(ApiView):
    """A view whose POST scores: authenticated from the caches that the scoring transaction itself checks."""

    scopes: ClassVar[dict[str, str]] = {"POST": Scope.SCORE}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method != "POST":
            super().initial(request, *args, **kwargs)
            return
        try:
            handover.raise_again(request.META)
            admit_scoring(request.META)  # before a byte of the body is read
        finally:
            if PRINCIPAL in request.META:  # whoever counts denials asks for it
                self.principal = request.META[PRINCIPAL]


def admit_scoring(environ: dict[str, Any]) -> None:
    """Require a key that may score, and note whose it is. Raises Unauthenticated and Forbidden."""
    principal = environ[PRINCIPAL] = targets.identify(api_key(environ))
    request_context.bind(api_key=principal.prefix, realm=principal.realm)
    targets.require_scope(principal, Scope.SCORE)


def api_key(meta: Mapping[str, Any]) -> str:
    key: str = meta.get(KEY_HEADER, "")
    return key


def request_id(request: Request) -> str:
    made: str = request._request.request_id  # type: ignore[attr-defined]  # noqa: SLF001  # the middleware's
    return made


def json_response(answer: msgspec.Struct, *, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), status=status, content_type="application/json")
