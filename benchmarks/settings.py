"""The demo's settings with the yardstick added; the database is the benchmark's own."""

from demo_site.settings import *  # noqa: F403
from demo_site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.thin"]
ROOT_URLCONF = "benchmarks.urls"
LOGGING: dict[str, object] = {}
