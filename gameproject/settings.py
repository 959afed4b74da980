"""Settings: one file, read from the environment; `.env.example` and docs/configuration.md list them all."""

from pathlib import Path

import django_stubs_ext

from gameproject.lib import env

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# ── Process ──────────────────────────────────────────────────────────────────────────────────────
DEBUG = env.boolean("DEBUG", default=False)
# Empty stops every process that serves (Django refuses to use an empty key), but not `manage.py dsl_cases`.
SECRET_KEY = env.secret("SECRET_KEY")
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
    "observability.middleware.RequestRecordMiddleware",
    "gameproject.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "gameproject.middleware.ContentSecurityPolicyMiddleware",
    "gameproject.middleware.WhiteNoiseMiddleware",
    "gameproject.middleware.SessionMiddleware",
    "gameproject.middleware.CommonMiddleware",
    "gameproject.middleware.CsrfViewMiddleware",
    "gameproject.middleware.AuthenticationMiddleware",
    "observability.staff_users.StaffUserMiddleware",
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
DATABASE_BEHIND_POOLER = env.boolean("DATABASE_BEHIND_POOLER", default=False)
DATABASES: dict[str, dict[str, object]] = {
    "default": {
        **env.database(
            "DATABASE_URL",
            password=env.secret("DATABASE_PASSWORD"),
            connect_timeout=env.integer("DATABASE_CONNECT_TIMEOUT", 2),
            **env.statement_timeouts(DATABASE_STATEMENT_TIMEOUT_SECONDS),
        ),
        # Connections persist and are not probed: a new one costs ten times a score (docs/architecture.md).
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
        "DISABLE_SERVER_SIDE_CURSORS": DATABASE_BEHIND_POOLER,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Of `django_db_query_duration_seconds`: most statements take less than django-prometheus' first one.
PROMETHEUS_LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

# An answer that is not there by then is a 503. Where PostgreSQL is silent, requests end sooner
# (gameproject/lib/postgresql).
REQUEST_DEADLINE_SECONDS = env.number("REQUEST_DEADLINE_SECONDS", 15)

# ── Redis, Celery ────────────────────────────────────────────────────────────────────────────────
REDIS_URL = env.url("REDIS_URL", password=env.secret("REDIS_PASSWORD"))
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ROUTES = {
    "observability.tasks.store_executions": {"queue": "traces"},
    "observability.tasks.store_api_requests": {"queue": "requests"},
}
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A killed worker's messages come back after a minute, not after the default hour; each worker looks every 10 s, not 100.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 60,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}
CELERY_WORKER_CONSUMER = "gameproject.lib.celery_consumer:Consumer"
# Never, in effect: Celery would connect to PostgreSQL anew for every task (`keep_connection` in gameproject/celery.py).
CELERY_DB_REUSE_MAX = 1_000_000_000

# ── Scoring ──────────────────────────────────────────────────────────────────────────────────────
STRATEGY_OBSERVERS = env.words("STRATEGY_OBSERVERS", "observability.observer.DslExecutionObserver")
CHANGE_RECORDERS = env.words("CHANGE_RECORDERS", "observability.audit.record_change")
SCORING_FAST_PATH = env.boolean("SCORING_FAST_PATH", default=True)
SCORING_DEADLINE_SECONDS = env.number("SCORING_DEADLINE_SECONDS", 0.5)
SCORING_BATCH_DEADLINE_SECONDS = env.number("SCORING_BATCH_DEADLINE_SECONDS", 10.0)
THROTTLING_ENABLED = env.boolean("THROTTLING_ENABLED", default=True)

# ── Traces of runs (docs/operating.md) ───────────────────────────────────────────────────────────
DSL_EXECUTION_LOG_ENABLED = env.boolean("DSL_EXECUTION_LOG_ENABLED", default=True)
DSL_EXECUTION_LOG_SAMPLE_RATE = env.number("DSL_EXECUTION_LOG_SAMPLE_RATE", 0.05)
DSL_EXECUTION_LOG_TRACE_LIMIT = env.integer("DSL_EXECUTION_LOG_TRACE_LIMIT", 200)
DSL_EXECUTION_LOG_QUEUE_MAXSIZE = env.integer("DSL_EXECUTION_LOG_QUEUE_MAXSIZE", 1000)

# ── Request records (docs/operating.md) ──────────────────────────────────────────────────────────
API_REQUESTS_SAMPLE_RATE = env.number("API_REQUESTS_SAMPLE_RATE", 1.0)
API_REQUESTS_QUEUE_MAXSIZE = env.integer("API_REQUESTS_QUEUE_MAXSIZE", 1000)

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
    "EXCEPTION_HANDLER": "observability.refusals.handle_exception",
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
        "gameproject.lib.api_examples.add_examples",
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
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
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
LOG_FORMAT = env.text("LOG_FORMAT", "console" if DEBUG else "json")
# Django and granian come with handlers of their own; their records are to take the one way.
_PASSED_ON: dict[str, object] = {"handlers": [], "level": "NOTSET", "propagate": True}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"structured": {"()": "observability.logs.formatter", "rendered_as": LOG_FORMAT}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "structured"},
        "counter": {"class": "observability.log_records.LogRecordCounter"},
    },
    "root": {"handlers": ["console", "counter"], "level": LOG_LEVEL},
    "loggers": {
        "django": _PASSED_ON,
        "django.server": _PASSED_ON,
        "_granian": _PASSED_ON,
        "granian.access": _PASSED_ON,
        "django.request": {"level": "ERROR"},  # a 4xx is the client's news, not ours
        "celery.worker.strategy": {"level": "WARNING"},  # that a task came; that it is done says enough
    },
}

# ── Metrics (docs/metrics.md) ────────────────────────────────────────────────────────────────────
METRICS_ENABLED = env.boolean("METRICS_ENABLED", default=True)
# Neither of them: nobody may read them.
METRICS_TOKEN = env.secret("METRICS_TOKEN")
METRICS_ALLOWED_NETWORKS = env.words("METRICS_ALLOWED_NETWORKS")
# The folder in which processes share their figures; prometheus_client reads the variable itself.
PROMETHEUS_MULTIPROC_DIR = env.text("PROMETHEUS_MULTIPROC_DIR")
# Where a worker or beat answers for itself, if it shares no folder with the web processes; 0: nowhere.
METRICS_PORT = env.integer("METRICS_PORT", 0)
METRICS_ADDRESS = env.text("METRICS_ADDRESS", "127.0.0.1")

# ── Sentry ───────────────────────────────────────────────────────────────────────────────────────
SENTRY_DSN = env.text("SENTRY_DSN")
SENTRY_ENVIRONMENT = env.text("SENTRY_ENVIRONMENT", "production")
SENTRY_TRACES_SAMPLE_RATE = env.number("SENTRY_TRACES_SAMPLE_RATE", 0.1)
SENTRY_PROFILES_SAMPLE_RATE = env.number("SENTRY_PROFILES_SAMPLE_RATE", 0.0)
if SENTRY_DSN:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("gameproject.middleware.RequestIdMiddleware") + 1,
        "observability.sentry_requests.TransactionMiddleware",
    )
