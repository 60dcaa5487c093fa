"""Documents as they come over the wire, JSON or XML, read into one and the same tree.

A tree is text, None, a truth value, a list, or a dictionary. Numbers stay text until somebody
asks for one: Infobip writes them both ways, and a price must not pass through a float.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from defusedxml.ElementTree import ParseError, fromstring

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Tree: TypeAlias = "str | bool | list[Tree] | dict[str, Tree] | None"

DEEPEST = 16
_BEFORE_A_DOCUMENT = b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"
_NOTHING = frozenset({"", "null", "None"})


class NotUnderstood(ValueError):
    """What came cannot be read; the message says which part of it."""


def read_document(body: bytes, content_type: str) -> Tree:
    """The document in a body. What it looks like counts, not what it is declared to be.

    Raises:
        NotUnderstood: it is neither JSON nor XML, holds a DTD, or is nested too deeply.
    """
    beginning = body[:256].lstrip(_BEFORE_A_DOCUMENT)[:1]
    if beginning == b"<":
        return _read_xml(body)
    if beginning in (b"{", b"["):
        return read_json(body)
    raise NotUnderstood(
        f"The body ({content_type[:60]!a}) is neither JSON nor XML; "
        "have it sent as application/json or application/xml."
    )


def read_json(text: bytes | str) -> Tree:
    """The tree in a JSON text.

    Raises:
        NotUnderstood: it is not JSON, or is nested too deeply.
    """
    try:
        # Numbers are kept as they are spelled.
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=_no_such_number)
    except UnicodeDecodeError:
        raise NotUnderstood("The JSON is not UTF-8.") from None
    except RecursionError:
        raise NotUnderstood("The JSON is nested too deeply.") from None
    except ValueError as error:
        raise NotUnderstood(f"The JSON is broken: {str(error)[:200]}") from None
    _check_depth(found)
    tree: Tree = found
    return tree


def _no_such_number(spelling: str) -> NoReturn:
    raise ValueError(f"{spelling} is no JSON number")


def _check_depth(tree: Any) -> None:
    level = [tree]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise NotUnderstood(f"The document is nested more than {DEEPEST} deep.")


def _read_xml(body: bytes) -> Tree:
    try:
        root = fromstring(body, forbid_dtd=True)
    except ParseError as error:
        raise NotUnderstood(f"The XML is broken: {str(error)[:200]}") from None
    except (ValueError, LookupError) as error:  # a DTD is a ValueError, an odd encoding either
        raise NotUnderstood(f"The XML is not accepted: {str(error)[:200]}") from None
    return _content(root, DEEPEST)


def _content(element: Element, depth: int) -> Tree:
    """An element's text, or its children by name; what repeats becomes a list."""
    if not depth:
        raise NotUnderstood(f"The document is nested more than {DEEPEST} deep.")
    if len(element) == 0:
        return (element.text or "").strip() or None
    children: dict[str, Tree] = {}
    for child in element:
        name, content = child.tag.rpartition("}")[2], _content(child, depth - 1)
        if name not in children:
            children[name] = content
            continue
        known = children[name]
        if isinstance(known, list):
            known.append(content)
        else:
            children[name] = [known, content]
    return children


def part(tree: Tree, name: str) -> Tree:
    """What stands under a name; None where nothing does. Of a repeated element the first."""
    found = tree.get(name) if isinstance(tree, dict) else None
    if isinstance(found, list):
        return found[0] if found else None
    return found


def repeated(tree: Tree, name: str) -> list[Tree]:
    """Everything that stands under a name."""
    found = tree.get(name) if isinstance(tree, dict) else None
    if isinstance(found, list):
        return found
    return [] if found is None else [found]


def text(tree: Tree, name: str, longest: int = 500) -> str:
    """The text under a name as any database can keep it, "" for none; "null" is none."""
    found = part(tree, name)
    if not isinstance(found, str):
        return ""
    return "" if found in _NOTHING else printable(found, longest)


def printable(spelled: str, longest: int = 500) -> str:
    """The text without control characters and lone surrogates."""
    shown = "".join(char if char.isprintable() else " " for char in spelled[:longest])
    return shown.strip()
