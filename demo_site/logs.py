"""How the demo logs: to standard error, one line for one event."""

import logging


class OneLineFormatter(logging.Formatter):
    """Escapes line breaks, so a traceback or a hostile text stays one event."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")
