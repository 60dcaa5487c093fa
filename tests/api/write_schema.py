"""Writes the committed contract anew: `python -m tests.api.write_schema`."""

from __future__ import annotations

import os
from pathlib import Path

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from clicktocall.api.contract.document import as_yaml

    COMMITTED.write_text(as_yaml())


if __name__ == "__main__":
    main()
