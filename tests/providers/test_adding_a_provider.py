"""The adapter and the tests printed in `docs/providers/adding.md` are complete, and they pass."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "providers" / "adding.md"
_ADAPTER, _, _TESTS = re.findall(
    r"^```python\n(.*?)^```$", _PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)

acme_calls = ModuleType("acme_calls")
sys.modules["acme_calls"] = acme_calls
exec(compile(_ADAPTER, f"{_PAGE} (adapter)", "exec"), acme_calls.__dict__)
# The tests become those of this file: pytest finds their classes here.
exec(compile(_TESTS, f"{_PAGE} (tests)", "exec"), globals())


def test_the_adapter_is_short() -> None:
    assert len(_ADAPTER.splitlines()) < 150
