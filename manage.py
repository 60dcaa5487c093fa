#!/usr/bin/env python
"""Django's command line for the demo site."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed for this Python; use that of .venv, made by `make run`."
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
