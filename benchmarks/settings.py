"""The demo's settings with the yardstick added; the database is the benchmark's own."""

import os

from demo_site.settings import *  # noqa: F403
from demo_site.settings import CLICKTOCALL as DEMO_CLICKTOCALL
from demo_site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.thin"]
ROOT_URLCONF = "benchmarks.urls"
LOGGING: dict[str, object] = {}

_SLOW = {
    "BASE_URL": f"http://127.0.0.1:{os.environ.get('SLOW_PORT', '9')}",
    "API_KEY": "the-key-of-the-benchmark",
    "CALLBACK_SECRETS": ["the-callback-secret-of-the-benchmark"],
}
CLICKTOCALL = {
    **DEMO_CLICKTOCALL,
    "PROVIDERS": {
        **DEMO_CLICKTOCALL["PROVIDERS"],
        "slow": {"BACKEND": "clicktocall.providers.sandbox.SandboxProvider", "OPTIONS": _SLOW},
        "slow_batched": {
            "BACKEND": "clicktocall.providers.infobip.InfobipProvider",
            "OPTIONS": _SLOW,
        },
    },
}
