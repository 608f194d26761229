"""
Settings, read from the environment (`docs/reference/settings.md` lists every variable).

One file for every deployment: SQLite and the embedded broker by default, PostgreSQL with DATABASE_URL, Redis
with REDIS_URL. A start without its secrets is refused with a message that says what to do.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

import environ
import structlog
from django.core.exceptions import ImproperlyConfigured

from integration.environment import BASE_DIR, VAR_DIR, read_secrets_file, required
from integration.navigation import UNFOLD  # noqa: F401


read_secrets_file()
env = environ.Env()

# Set by `make run` in var/secrets.env: a trial on this machine, with its sandbox on loopback.
EMBEDDED = env.bool("TIELINE_EMBEDDED", default=False)
DEBUG = env.bool("DEBUG", default=False)

SECRET_KEY = required(
    "SECRET_KEY",
    "the key that signs sessions",
    "Generate one: python -c 'import secrets; print(secrets.token_urlsafe(50))'.",
)
FIELD_ENCRYPTION_KEYS = [
    key.strip()
    for key in required(
        "FIELD_ENCRYPTION_KEYS",
        "the comma-separated list of keys that encrypt stored secrets, newest first",
        "Generate one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'.",
    ).split(",")
    if key.strip()
]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
if EMBEDDED:
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, "127.0.0.1", "localhost", "[::1]"]
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is not set. Name the host names that this server answers to, e.g. tieline.example.org."
    )
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
OUTBOUND_ALLOWED_NETWORKS = env.list("OUTBOUND_ALLOWED_NETWORKS", default=[])
if EMBEDDED and "127.0.0.0/8" not in OUTBOUND_ALLOWED_NETWORKS:
    OUTBOUND_ALLOWED_NETWORKS = [*OUTBOUND_ALLOWED_NETWORKS, "127.0.0.0/8"]
TIELINE_CONFIG = env.str("TIELINE_CONFIG", default="")
# Modules of the site that declare flows of its own (docs/how-to/add-a-flow.md).
TIELINE_FLOWS = [name.strip() for name in env.list("TIELINE_FLOWS", default=[]) if name.strip()]
# What links in mails begin with.
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{env.int('PORT', default=8000)}" if EMBEDDED else "")

# --- Applications --------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # The theme stands before the admin that it dresses.
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "simple_history",
    "django_fsm",
    "django_celery_beat",
    "django_structlog",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "foundation",
    "lookups",
    "outbound",
    "vee",
    "assets",
    "integration",
]

MIDDLEWARE = [
    "foundation.middleware.ProblemDetailsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "foundation.headers.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "foundation.sessions.SessionLimitsMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "foundation.sessions.SecondFactorMiddleware",
    "foundation.preferences.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    # Answers who is locked out; stands last.
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "integration.urls"
WSGI_APPLICATION = "integration.wsgi.application"
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
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
            "builtins": ["foundation.templatetags.words"],
        },
    }
]

# --- Database ------------------------------------------------------------------------------------------------

VAR_DIR.mkdir(parents=True, exist_ok=True)
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'tieline.sqlite3'}")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Measured: without IMMEDIATE, two processes lose writes to "database is locked" (`stack.md` 2).
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        # A chunk of readings changes more than the 2 MB of pages that SQLite keeps by itself: what does not fit is
        # written and read again before the commit. Neither of the last two touches what a commit is worth.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; "
        "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;",
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Accounts ------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=720 if EMBEDDED else 30)
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=not EMBEDDED)
OTP_TOTP_ISSUER = "Tieline"
SESSION_COOKIE_HTTPONLY = True
# The rule of the lockout is in `foundation/logins.py`.
LOGIN_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=10)
LOGIN_LOCKOUT_MINUTES = env.int("LOGIN_LOCKOUT_MINUTES", default=15)
AXES_ENABLED = LOGIN_FAILURE_LIMIT > 0
AXES_FAILURE_LIMIT = LOGIN_FAILURE_LIMIT
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_LOCKOUT_MINUTES)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username", "ip_address"]
AXES_HANDLER = "foundation.logins.LoginGuard"
AXES_USERNAME_CALLABLE = "foundation.logins.name_of"
AXES_CLIENT_IP_CALLABLE = "foundation.client_address.client_address"
AXES_LOCKOUT_CALLABLE = "foundation.api.lockouts.lockout_response"
AXES_RESET_ON_SUCCESS = True
# Waiting is enough: whoever goes on trying does not keep the account's owner out for longer.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
# Peers on this machine may speak plain HTTP; from anywhere else Basic needs HTTPS.
TRUST_PLAIN_HTTP = env.bool("TRUST_PLAIN_HTTP", default=False)
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
if env.bool("HTTPS_ONLY", default=not EMBEDDED):
    SECURE_SSL_REDIRECT = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers take these names from this host alone, over HTTPS, for the whole site.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    # Who watches asks the process itself; `integration.metrics` takes a token over plain HTTP from here only.
    SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics/?$"]
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# No inline script at all. The theme's Alpine evaluates expressions: 'unsafe-eval' is its price
# (`docs/explanation/threat-model.md`).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'none'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

# --- Language and time ---------------------------------------------------------------------------------------

# Of the API, of files, messages and mails; people choose their own for the admin (`foundation/preferences.py`).
LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "foundation" / "locale"]
FORMAT_MODULE_PATH = ["foundation.formats"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- Files ---------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "integration" / "assets"]
# Where `make docs` puts the site that `/docs/` serves.
DOCUMENTATION_ROOT = VAR_DIR / "docs"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "files", "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Bodies are limited where they are read; these are the backstops for forms.
API_MAX_BODY_BYTES = env.int("API_MAX_BODY_BYTES", default=50 * 1024 * 1024)
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=1024 * 1024 * 1024)
MEASUREMENT_MONTHS_AHEAD = env.int("MEASUREMENT_MONTHS_AHEAD", default=3)
MEASUREMENT_MONTHS_KEPT = env.int("MEASUREMENT_MONTHS_KEPT", default=0)
DATA_UPLOAD_MAX_MEMORY_SIZE = API_MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

# --- Requests ------------------------------------------------------------------------------------------------

# Per account; 0: as many as it likes. From this machine itself there is no limit.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=0 if EMBEDDED else 6000)
if env.str("REDIS_URL", default=""):
    # Counted together by all processes; without Redis each counts for itself.
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": env.str("REDIS_URL"),
            "KEY_PREFIX": "tieline",
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }

# Who may read /metrics: whoever shows the token, or asks from one of the networks.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS = [
    ipaddress.ip_network(network.strip())
    for network in env.list("METRICS_NETWORKS", default=["127.0.0.0/8", "::1/128"] if EMBEDDED else [])
    if network.strip()
]

# --- API -----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "foundation.api.authentication.RememberingBasicAuthentication",
        "foundation.api.authentication.InProcessAuthentication",
        "rest_framework.authentication.TokenAuthentication",
        "foundation.api.authentication.VerifiedSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["foundation.api.permissions.HasRights"],
    "DEFAULT_THROTTLE_CLASSES": ["foundation.api.throttling.RequestsPerAccount"],
    "DEFAULT_PARSER_CLASSES": ["foundation.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["foundation.api.renderers.ExactJSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "foundation.api.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "foundation.api.problems.exception_handler",
    "COERCE_DECIMAL_TO_STRING": False,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tieline",
    "DESCRIPTION": "Integration hub between a demand-response asset system and a DERMS, and VEE of meter data.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums"],
    "ENUM_NAME_OVERRIDES": {
        "ImdStateEnum": "vee.choices.ImdState",
        "ImdKindEnum": "vee.choices.ImdKind",
        "ComponentKindEnum": "vee.choices.ComponentKind",
        "ToDoStatusEnum": "vee.choices.ToDoStatus",
        "ReadingFileStatusEnum": "vee.choices.ReadingFileStatus",
        "UsageTransactionStatusEnum": "vee.choices.UsageTransactionStatus",
        "MessageStatusEnum": "outbound.choices.MessageStatus",
        "RunStateEnum": "integration.choices.RunState",
        "RunKindEnum": "integration.choices.RunKind",
        "FaultTypeEnum": "integration.choices.FaultType",
        "FileStateEnum": "integration.choices.FileState",
        "SyncStatusEnum": "assets.choices.SyncStatus",
    },
}

# --- Background work -----------------------------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    # Back after a killed worker in seconds rather than an hour (`stack.md` 2).
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "visibility_timeout": 600,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 30,
        "health_check_interval": 25,
    }
else:
    import integration.sqlite_broker  # noqa: F401  (registers the sqlq transport)

    CELERY_BROKER_URL = "sqlq://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"path": str(VAR_DIR / "broker.sqlite3"), "polling_interval": 0.02}
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "integration.beat:SingletonScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5

# --- Mail ----------------------------------------------------------------------------------------------------

# A connection named MAIL comes first; EMAIL_URL is the fallback (smtp://user:password@host:port).
EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    vars().update(env.email_url("EMAIL_URL"))
EMAIL_TIMEOUT = 30

# --- Traces --------------------------------------------------------------------------------------------------

# What else there is to set are OpenTelemetry's own variables, which its exporter reads by itself.
TRACES_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
if TRACES_ENDPOINT:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django_structlog.middlewares.RequestMiddleware") + 1, "foundation.tracing.TracingMiddleware"
    )

# --- Logs ----------------------------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="console" if EMBEDDED else "json")
_SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "main": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _SHARED_PROCESSORS,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(
                    [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
                    if LOG_FORMAT == "json"
                    else [
                        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
                    ]
                ),
            ],
        }
    },
    "filters": {"without_health_requests": {"()": "integration.logs.WithoutHealthRequests"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "main",
            "filters": ["without_health_requests"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.db.backends": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.consumer.connection": {"level": "WARNING"},
        "django_structlog": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED_PROCESSORS,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# Ids that callers send are looked at before they get into a line: `foundation.correlation`.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = False
DJANGO_STRUCTLOG_TRUST_UPSTREAM_CORRELATION_ID = False
