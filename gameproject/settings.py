"""Settings: one file, read from the environment; `.env.example` and docs/configuration.md list them all."""

from pathlib import Path

import django_stubs_ext

from gameproject.lib import env

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# ── Process ──────────────────────────────────────────────────────────────────────────────────────
DEBUG = env.boolean("DEBUG", default=False)
# Empty stops every process that serves (Django refuses to use an empty key), but not `manage.py dsl_cases`.
SECRET_KEY = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "gameproject.urls"
WSGI_APPLICATION = "gameproject.wsgi.application"
VERSION = "0.1.0"

# ── Applications ─────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "kpi",
    "observability",
    "strategies",
    "gameproject.apps.ScoringAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
# Those of `gameproject.middleware` step aside on API paths: together they cost a request 0.3 ms.
MIDDLEWARE = [
    "gameproject.middleware.DeadlineMiddleware",
    "gameproject.middleware.RequestIdMiddleware",
    "gameproject.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "gameproject.middleware.ContentSecurityPolicyMiddleware",
    "gameproject.middleware.WhiteNoiseMiddleware",
    "gameproject.middleware.SessionMiddleware",
    "gameproject.middleware.CommonMiddleware",
    "gameproject.middleware.CsrfViewMiddleware",
    "gameproject.middleware.AuthenticationMiddleware",
    "gameproject.middleware.MessageMiddleware",
    "gameproject.middleware.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"lists": "gameproject.lib.admin.tags"},
        },
    },
]

# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────
# The server ends a statement, a wait for a lock or a transaction at rest after so long; 0: never. gameproject/wsgi.py
# sets it for the web processes: migrations and rollups may take their time. Scoring sets its own, shorter one.
DATABASE_STATEMENT_TIMEOUT_SECONDS = env.number("DATABASE_STATEMENT_TIMEOUT_SECONDS", 0)
DATABASES: dict[str, dict[str, object]] = {
    "default": {
        **env.database(
            "DATABASE_URL",
            connect_timeout=env.integer("DATABASE_CONNECT_TIMEOUT", 2),
            **env.statement_timeouts(DATABASE_STATEMENT_TIMEOUT_SECONDS),
        ),
        # Connections persist and are not probed: a new one costs ten times a score (docs/architecture.md).
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
        "DISABLE_SERVER_SIDE_CURSORS": env.boolean("DATABASE_BEHIND_POOLER", default=False),
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# An answer that is not there by then is a 503. Where PostgreSQL is silent, requests end sooner
# (gameproject/lib/postgresql).
REQUEST_DEADLINE_SECONDS = env.number("REQUEST_DEADLINE_SECONDS", 15)

# ── Redis, Celery ────────────────────────────────────────────────────────────────────────────────
REDIS_URL = env.text("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ROUTES = {"observability.tasks.store_executions": {"queue": "traces"}}
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A killed worker's messages come back after this many seconds, not after the default hour.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 60}

# ── Scoring ──────────────────────────────────────────────────────────────────────────────────────
STRATEGY_OBSERVERS = env.words("STRATEGY_OBSERVERS", "observability.observer.DslExecutionObserver")
SCORING_DEADLINE_SECONDS = env.number("SCORING_DEADLINE_SECONDS", 0.5)
SCORING_BATCH_DEADLINE_SECONDS = env.number("SCORING_BATCH_DEADLINE_SECONDS", 10.0)
THROTTLING_ENABLED = env.boolean("THROTTLING_ENABLED", default=True)

# ── Traces of runs (docs/operating.md) ───────────────────────────────────────────────────────────
DSL_EXECUTION_LOG_ENABLED = env.boolean("DSL_EXECUTION_LOG_ENABLED", default=True)
DSL_EXECUTION_LOG_SAMPLE_RATE = env.number("DSL_EXECUTION_LOG_SAMPLE_RATE", 0.05)
DSL_EXECUTION_LOG_TRACE_LIMIT = env.integer("DSL_EXECUTION_LOG_TRACE_LIMIT", 200)
DSL_EXECUTION_LOG_QUEUE_MAXSIZE = env.integer("DSL_EXECUTION_LOG_QUEUE_MAXSIZE", 1000)

# ── API ──────────────────────────────────────────────────────────────────────────────────────────
API_MAX_BODY_BYTES = env.integer("API_MAX_BODY_BYTES", 1024 * 1024)
API_MAX_BATCH_BODY_BYTES = env.integer("API_MAX_BATCH_BODY_BYTES", 20 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = (
    None  # the API refuses by Content-Length before it reads; the admin is for staff
)
# Which pages' scripts may call the API from a browser: none, unless they are named.
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["accept", "content-type", "idempotency-key", "x-api-key", "x-request-id"]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After"]
APPEND_SLASH = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["gameproject.lib.api.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["gameproject.lib.api.JsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "gameproject.lib.api.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gameproject.lib.api.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Scoring service",
    "DESCRIPTION": "Send events, get points, ask why.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "gameproject.lib.openapi.add_components",
        "gameproject.lib.openapi.say_which_bodies_are_required",
        "strategies.api.examples.add_examples",
    ],
    "PREPROCESSING_HOOKS": ["gameproject.lib.openapi.only_the_api"],
    "AUTHENTICATION_WHITELIST": [],
    "APPEND_COMPONENTS": {
        "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    },
    "SECURITY": [{"apiKey": []}],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# ── Time, language, static files ─────────────────────────────────────────────────────────────────
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
FORMAT_MODULE_PATH = ["gameproject.formats"]
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "gameproject" / "static"]
STATIC_ROOT = env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

# ── Security ─────────────────────────────────────────────────────────────────────────────────────
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Behind TLS, everywhere but on a developer's machine. `make run` and compose on loopback switch it off.
SECURE = env.boolean("SECURE", default=not DEBUG)
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.boolean("BEHIND_PROXY", default=False) else None
)
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31536000) if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
# No inline scripts and no inline style sheets. Style attributes: the admin's select boxes and calendars, Swagger UI;
# data: Swagger UI's icons.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# W002, W003: they look for Django's names in MIDDLEWARE; those of `gameproject.middleware` derive from its classes.
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W003"]

# ── Logs ─────────────────────────────────────────────────────────────────────────────────────────
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"django.request": {"level": "ERROR"}},  # a 4xx is the client's news, not ours
}
