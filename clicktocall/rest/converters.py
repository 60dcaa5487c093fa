"""What may stand in an address: nothing else ever reaches a view or the database."""

from django.urls import register_converter
from django.urls.converters import StringConverter


class HexId(StringConverter):
    """The id of an endpoint, a call, a bulk."""

    regex = "[0-9a-f]{32}"


class RowNumber:
    """The number of a row; no longer than a database takes."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(HexId, "ctc_id")
register_converter(RowNumber, "ctc_row")
