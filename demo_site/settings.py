"""Settings of the demo site, from the environment and the state folder.

| Variable         | Meaning                                               | Default              |
|------------------|-------------------------------------------------------|----------------------|
| `PORT`           | port of the web server                                | the last one, 8000   |
| `SANDBOX_PORT`   | port of the simulated provider                        | `PORT` + 1           |
| `PROVIDER`       | which provider is simulated: `sandbox` or `infobip`   | the last one, sandbox|
| `DATABASE_URL`   | such as `postgres://user:password@host/name`          | SQLite in the folder |
| `PUBLIC_URL`     | where visitors and providers reach the app            | on 127.0.0.1         |
| `ALLOWED_HOSTS`  | further host names, separated by commas               | none                 |
| `SECRET_KEY`     | Django's secret key                                   | generated and kept   |
| `TRUST_PROXY`    | 1: believe `X-Forwarded-Proto` of the proxy in front  | 0                    |
| `DEBUG`          | 1: Django's debug pages                               | 0                    |
| `LOG_LEVEL`      | least level that is logged                            | `INFO`               |
| `DEMO_STATE_DIR` | folder for database, secrets and collected files      | `.demo`              |

A `PUBLIC_URL` with https turns on everything a production site wants: redirect, HSTS, secure
cookies.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from demo_site.providers import DEMO_PROVIDERS, SANDBOX, UnknownProvider, demo_provider
from demo_site.state import load_running, load_secrets, state_folder

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = state_folder(os.environ, BASE_DIR)

env = environ.Env()
_secrets = load_secrets(STATE_DIR)
_running = load_running(STATE_DIR)

# Where it runs
PORT = env.int("PORT", default=_running.port if _running else 8000)
if _running and _running.port != PORT:
    _running = None
SANDBOX_PORT = env.int("SANDBOX_PORT", default=_running.sandbox_port if _running else PORT + 1)
try:
    PROVIDER = demo_provider(
        env.str("PROVIDER", default="") or (_running.provider if _running else SANDBOX.name)
    )
except UnknownProvider as error:
    raise ImproperlyConfigured(str(error)) from None
PUBLIC_URL = env.str("PUBLIC_URL", default="") or f"http://127.0.0.1:{PORT}"
if not urlsplit(PUBLIC_URL).path.strip("/"):
    PUBLIC_URL = f"{PUBLIC_URL.rstrip('/')}/clicktocall/"
BASE_URL = "{0.scheme}://{0.netloc}".format(urlsplit(PUBLIC_URL))
_https = PUBLIC_URL.startswith("https://")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _secrets.secret_key
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env.list("ALLOWED_HOSTS", default=[])]

# What it is made of
INSTALLED_APPS = [
    "demo_site",
    "clicktocall",
    "phonenumber_field",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "demo_site.urls"
WSGI_APPLICATION = "demo_site.wsgi.application"
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
        },
    },
]

# The app
CLICKTOCALL = {
    "PUBLIC_URL": PUBLIC_URL,
    # The one that runs comes first; of the others the history must open all the same.
    "PROVIDERS": {
        provider.name: provider.alias(_secrets, SANDBOX_PORT if provider is PROVIDER else None)
        for provider in sorted(DEMO_PROVIDERS.values(), key=lambda each: each is not PROVIDER)
    },
}
PHONENUMBER_DB_FORMAT = "E164"
PHONENUMBER_DEFAULT_FORMAT = "INTERNATIONAL"

# Database: one file by default, tuned for a few processes that write at the same time
SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
_database_url = env.str("DATABASE_URL", default="") or f"sqlite:///{STATE_DIR}/db.sqlite3"
if _database_url.partition(":")[0] not in ("sqlite", "postgres", "postgresql", "psql", "pgsql"):
    raise ImproperlyConfigured(
        "DATABASE_URL is neither of PostgreSQL (postgres://user:password@host/name) "
        "nor of SQLite (sqlite:////path/to/file)."
    )
_database: dict[str, Any] = env.db_url_config(_database_url)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database |= {"OPTIONS": SQLITE_OPTIONS, "CONN_MAX_AGE": None}
else:
    _database |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Static files: hashed names for pages, plain names for embed snippets, which must stay valid
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "widget_static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

# Security
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
CSRF_TRUSTED_ORIGINS = [BASE_URL] if _https else []
if env.bool("TRUST_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"

# Language and time
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# Logging
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "demo_site.logs.OneLineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO").upper()},
    # Django's own handlers would say everything a second time.
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
    },
}
