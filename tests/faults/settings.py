"""The settings of the tests, with what a fault test has set up."""

from __future__ import annotations

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import CLICKTOCALL as PLAIN

CLICKTOCALL = {**PLAIN, **json.loads(os.environ["CLICKTOCALL_FAULTS"])}
