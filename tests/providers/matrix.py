"""What becomes of every parameter of the documents: `python -m tests.providers.matrix` renders it.

The table is `docs/providers/matrix.csv`; `test_matrix.py` proves it cell by cell.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs" / "providers"
TABLE = DOCS / "matrix.csv"
PAGE = DOCS / "matrix.md"

PRODUCTS = ("infobip click-to-call", "infobip voice message", "infobip IVR", "sandbox")


class Cell(StrEnum):
    """What a product does with a parameter, and what that means."""

    NATIVE = "native"
    BY_US = "by us"
    REFUSED = "refused"
    COMFORT = "comfort"
    NOT_YET = "not yet"
    NOT_APPLICABLE = "–"


MEANINGS = {
    Cell.NATIVE: "written into the order; the provider does it",
    Cell.BY_US: "done by this system, whatever the provider can",
    Cell.REFUSED: "saving an endpoint with it is refused, and so is a call that asks for it",
    Cell.COMFORT: "kept, not sent, and named on the endpoint's page as not honoured",
    Cell.NOT_YET: "cannot be asked for yet",
    Cell.NOT_APPLICABLE: "does not apply: there is no second leg, no message or no flow",
}


# Names of ours that do not look like one.
_ONE_WORD = {
    *("anonymization", "bridge", "extension", "name", "parameters"),
    *("record", "ringback", "timeout", "whitelist"),
}

INTRODUCTION = """\
# What becomes of each parameter

Every parameter of the documents that this system implements, and what each product of a provider
does with it.
Written from [matrix.csv](matrix.csv), which also names the tests that show what is done by us;
`python -m tests.providers.matrix` writes it anew, and tests prove each cell.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter. `ours` is our option, or our word for it; `shown_by` the test of `by us`."""

    system: str
    parameter: str
    ours: str
    cells: dict[str, Cell]
    shown_by: str
    remark: str


def rows() -> list[Row]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Row(
                system=line["system"],
                parameter=line["parameter"],
                ours=line["ours"],
                cells={product: Cell(line[product]) for product in PRODUCTS},
                shown_by=line["shown by"],
                remark=line["remark"],
            )
            for line in csv.DictReader(file)
        ]


def page() -> str:
    """The table as `docs/providers/matrix.md` shows it."""
    parts = [
        INTRODUCTION,
        "| Word | Meaning |\n|---|---|",
        *(f"| {cell} | {meaning} |" for cell, meaning in MEANINGS.items()),
    ]
    for system, found in groupby(rows(), key=lambda row: row.system):
        parts += [f"\n## {system}\n", _line("parameter", "ours", *PRODUCTS, ""), "|---" * 7 + "|"]
        parts += [
            _line(f"`{row.parameter}`", _ours(row.ours), *row.cells.values(), row.remark)
            for row in found
        ]
    return "\n".join(parts) + "\n"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ours(word: str) -> str:
    return f"`{word}`" if "_" in word or word in _ONE_WORD else word or "–"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
