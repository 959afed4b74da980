"""The least that Django can do: a JSON view without middleware. What scoring over HTTP is compared with."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="of-the-bench",
    ALLOWED_HOSTS=["127.0.0.1"],
    MIDDLEWARE=[],
    DEBUG=False,
    USE_I18N=False,
)


@csrf_exempt
def bare(_: HttpRequest) -> JsonResponse:
    return JsonResponse({"points": 1})


urlpatterns = [path("bare", bare), path("healthz", bare)]
application = get_wsgi_application()
