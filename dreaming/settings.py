"""One settings file. Every setting that a deployment may change is an environment variable
(`X_FILE` names a file that holds the value of `X`); README.md lists them, and a test holds that list true."""

import sys
from pathlib import Path

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from dreaming import databases, embedded

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = embedded.data_dir()

env = environ.FileAwareEnv()

DEBUG = env.bool("DAYLIGHT_DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="").strip() or embedded.local_secret_key()
ALLOWED_HOSTS = env.list("DAYLIGHT_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("DAYLIGHT_ORIGINS", default=[])
HTTPS = env.bool("DAYLIGHT_HTTPS", default=False)

INSTALLED_APPS = [
    "audit.apps.AuditConfig",  # before Django's own, whose command changepassword it replaces
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_celery_beat",
    "django_htmx",
    "ninja",
    "simple_history",
    "sessions.apps.AgentSessionsConfig",
    "memory.apps.MemoryConfig",
    "dreaming.apps.DreamingConfig",
    "reviews.apps.ReviewsConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "dreaming.middleware.AgentsRefusalMiddleware",
    "dreaming.middleware.NulMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dreaming.middleware.NoStoreMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dreaming.middleware.StartPasswordMiddleware",
    "dreaming.middleware.HtmxLoginMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "dreaming.urls"
WSGI_APPLICATION = "dreaming.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                ),
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reviews.context.navigation",
            ],
            "builtins": ["django.contrib.humanize.templatetags.humanize"],
        },
    }
]

DATABASES = {"default": databases.connection(env, command=sys.argv[1] if len(sys.argv) > 1 else "")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The cache holds only counters of failed log-ins. It lives in PostgreSQL, so that nobody is locked out
# (or let in) because the broker is away.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"},
}

REDIS_URL = env.str("REDIS_URL", default="").strip() or embedded.redis_url()
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 6 * 3600, "socket_connect_timeout": 3}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "take-up-dreams": {"task": "dreaming.tasks.take_up_dreams", "schedule": 60.0},
    "checkpoint": {"task": "audit.tasks.checkpoint", "schedule": 60.0},
    "release-held-decisions": {"task": "reviews.tasks.release_held", "schedule": 10.0},
    "expire-proposals": {"task": "reviews.ageing_tasks.expire_proposals", "schedule": crontab(minute=17)},
    "send-digests": {"task": "reviews.ageing_tasks.send_digests", "schedule": crontab(minute="*/15", hour="6-23")},
    "gate-agents": {"task": "reviews.ageing_tasks.gate_agents", "schedule": crontab(minute=47)},
    "index-sessions": {"task": "sessions.tasks.hand_out_index", "schedule": 15.0, "options": {"expire_seconds": 15}},
    "close-idle-sessions": {"task": "sessions.tasks.close_idle_sessions", "schedule": 600.0},
    "fold-session-counts": {"task": "sessions.tasks.fold_session_counts", "schedule": 600.0},
    "erase-old-sessions": {"task": "reviews.erasure_tasks.erase_old_sessions", "schedule": crontab(hour=3, minute=40)},
    "assemble-traces": {"task": "sessions.tasks.assemble_traces", "schedule": 10.0, "options": {"expire_seconds": 10}},
    "forget-traces": {"task": "sessions.tasks.forget_traces", "schedule": crontab(hour=3, minute=29)},
    "pull-followed": {"task": "sessions.tasks.pull_followed", "schedule": crontab(minute=37)},
    "expire-test-items": {"task": "reviews.tasks.expire_test_items", "schedule": 3600.0},
    "follow-mirrors": {"task": "dreaming.tasks.follow_mirrors", "schedule": 60.0, "options": {"expire_seconds": 60}},
    "digest-missing": {"task": "dreaming.tasks.digest_missing", "schedule": 300.0, "options": {"expire_seconds": 300}},
}
# Keys sign the record's checkpoints, and the file keeps these: both where the database's administrators cannot write.
DAYLIGHT_SIGNING_KEYS = env.str("DAYLIGHT_SIGNING_KEYS", default=str(DATA_DIR / "signing"))
DAYLIGHT_CHECKPOINTS = env.str("DAYLIGHT_CHECKPOINTS", default=str(DATA_DIR / "checkpoints.jsonl"))
CELERY_TIMEZONE = "UTC"

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_FORMS = {"change_password": "dreaming.account_forms.OwnPasswordForm"}
ACCOUNT_ADAPTER = "dreaming.accounts.ClosedSignupAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
# Without a proxy in front there is no header to trust: the peer's own address counts.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("DAYLIGHT_PROXIES", default=0)
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Of the four threads of a web process, so many may write sessions at once: the others go on serving readers.
DAYLIGHT_INGEST_SLOTS = env.int("DAYLIGHT_INGEST_SLOTS", default=2)
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("DAYLIGHT_MAX_REQUEST_BYTES", default=64 * 1024 * 1024)

# Reminders: a mail server such as smtp+tls://user:password@mail.example.org:587, and where links in them lead.
vars().update(env.email_url_config(env.str("DAYLIGHT_SMTP_URL", default="").strip() or "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DAYLIGHT_MAIL_FROM", default="daylight@localhost")
DAYLIGHT_BASE_URL = env.str(
    "DAYLIGHT_BASE_URL",
    default=(CSRF_TRUSTED_ORIGINS or [f"http://127.0.0.1:{env.str('DAYLIGHT_PORT', default='8000')}"])[0],
).rstrip("/")
DAYLIGHT_WEBHOOK_PRIVATE = env.bool("DAYLIGHT_WEBHOOK_PRIVATE", default=False)

# The model, for the engines that use one. Prices are USD per million tokens, and the caps are for one pass.
ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", default="").strip()
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", default="https://api.anthropic.com")
DAYLIGHT_MODEL = env.str("DAYLIGHT_MODEL", default="claude-sonnet-5-5")
# Without prices for another model there is no cap in money: the engines that use one are refused.
DAYLIGHT_MODEL_PRICES = env.dict(
    "DAYLIGHT_MODEL_PRICES",
    cast={"value": float},
    default={"input": 2.0, "output": 10.0, "cache_read": 0.2, "cache_write": 2.5}
    if DAYLIGHT_MODEL == "claude-sonnet-5-5"
    else {},
)
DAYLIGHT_MODEL_EFFORT = env.str("DAYLIGHT_MODEL_EFFORT", default="medium")
DAYLIGHT_MODEL_TIMEOUT = env.float("DAYLIGHT_MODEL_TIMEOUT", default=180.0)
DAYLIGHT_DREAM_MAX_COST = env.float("DAYLIGHT_DREAM_MAX_COST", default=5.0)
DAYLIGHT_DREAM_MAX_TOKENS = env.int("DAYLIGHT_DREAM_MAX_TOKENS", default=3_000_000)
DAYLIGHT_NOTES_PER_PASS = env.int("DAYLIGHT_NOTES_PER_PASS", default=100)
DAYLIGHT_REMOTE_WAIT = env.float("DAYLIGHT_REMOTE_WAIT", default=4 * 3600.0)
DAYLIGHT_POLL_SECONDS = env.float("DAYLIGHT_POLL_SECONDS", default=5.0)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {
        "faults": {
            "()": "django.utils.log.CallbackFilter",
            # Refusals are answers, and 503 is what /healthz says while it starts.
            "callback": lambda record: (
                getattr(record, "status_code", 500) >= 500 and record.__dict__.get("status_code") != 503
            ),
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["faults"]}},
    "root": {"handlers": ["stderr"], "level": env.str("DAYLIGHT_LOG_LEVEL", default="WARNING")},
}

if DAYLIGHT_MODEL_PRICES and set(DAYLIGHT_MODEL_PRICES) != {"input", "output", "cache_read", "cache_write"}:
    raise ImproperlyConfigured("DAYLIGHT_MODEL_PRICES is such as input=2,output=10,cache_read=0.2,cache_write=2.5")
if HTTPS and not CSRF_TRUSTED_ORIGINS:
    raise ImproperlyConfigured("DAYLIGHT_HTTPS=1 needs DAYLIGHT_ORIGINS, such as https://daylight.example.org")
