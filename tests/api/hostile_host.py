"""Settings of a host whose own API is documented quite differently from ours."""

from typing import Any

from tests.settings import *  # noqa: F403

LANGUAGE_CODE = "de"

REST_FRAMEWORK = {
    "COERCE_DECIMAL_TO_STRING": False,
    "DATETIME_FORMAT": "%d.%m.%Y",
    "DATE_FORMAT": "%d.%m.%Y",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "NON_FIELD_ERRORS_KEY": "__all__",
    "SCHEMA_COERCE_PATH_PK": False,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "AUTHENTICATION_WHITELIST": [],
    "CAMELIZE_NAMES": True,
    "COMPONENT_SPLIT_REQUEST": False,
    "OAS_VERSION": "3.0.3",
    "PARSER_WHITELIST": [],
    "POSTPROCESSING_HOOKS": ["tests.api.hostile_host.interfere"],
    "PREPROCESSING_HOOKS": ["tests.api.hostile_host.interfere"],
    "RENDERER_WHITELIST": [],
    "SCHEMA_PATH_PREFIX_INSERT": "/host",
    "SERVERS": [{"url": "https://host.example"}],
    "SORT_OPERATION_PARAMETERS": False,
    "TITLE": "The host",
    "VERSION": "9.9.9",
}


def interfere(**_: Any) -> Any:
    raise AssertionError("A hook of the host was called.")
