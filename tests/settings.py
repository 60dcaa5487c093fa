"""Settings of the tests: a plain host project with the app in it.

The database is SQLite in a temporary file (tests use several threads and processes), or the one
that `CLICKTOCALL_TEST_DATABASE_URL` names; `python -m tests.postgres` sets that.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import environ

BASE_DIR = Path(__file__).resolve().parent.parent


def _temporary_folder() -> Path:
    """A folder that goes with the process that made it; the workers it starts share it."""
    shared = os.environ.get("CLICKTOCALL_TEST_FOLDER")
    if shared:
        return Path(shared)
    folder = tempfile.mkdtemp(prefix="clicktocall-tests-")
    os.environ["CLICKTOCALL_TEST_FOLDER"] = folder
    owner = os.getpid()

    @atexit.register
    def remove() -> None:
        if os.getpid() == owner:  # not in the children of a fork
            shutil.rmtree(folder, ignore_errors=True)

    return Path(folder)


TEMPORARY = _temporary_folder()

SECRET_KEY = "only-for-the-tests-of-this-project-and-nothing-else"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

INSTALLED_APPS = [
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
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "tests.urls"
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

SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": TEMPORARY / "unused.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "TEST": {"NAME": TEMPORARY / "test.sqlite3"},
}
_url = os.environ.get("CLICKTOCALL_TEST_DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": environ.Env.db_url_config(_url) if _url else SQLITE
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "widget_static"]

CLICKTOCALL: dict[str, Any] = {
    "PUBLIC_URL": "http://127.0.0.1:8000/clicktocall/",
    "CHECK_AUDIO": False,  # the addresses of recorded messages are examples
    "PROVIDERS": {
        "sandbox": {
            "BACKEND": "clicktocall.providers.sandbox.SandboxProvider",
            "OPTIONS": {
                "BASE_URL": "http://127.0.0.1:9",  # the discard port: nobody answers
                "API_KEY": "api-key-of-the-sandbox-in-tests",
                "CALLBACK_SECRETS": ["callback-secret-in-tests"],
            },
        },
    },
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
