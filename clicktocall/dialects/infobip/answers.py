"""The answer to a send: what became of each message, and errors in words.

An answer of 200 may hold a rejected message, so each is judged by its own status.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from clicktocall.dialects.infobip.documents import (
    NotUnderstood,
    Tree,
    part,
    printable,
    read_document,
    repeated,
    text,
)
from clicktocall.dialects.infobip.values import whole
from clicktocall.dialects.infobip.vocabulary import DUPLICATE_MESSAGE_ID, Group, status_of

LONGEST_WORDS = 500
MOST_FIELDS = 20
_ACCEPTED = frozenset({Group.OK, Group.PENDING, Group.DELIVERED})
_REJECTED = frozenset({Group.UNDELIVERABLE, Group.EXPIRED, Group.REJECTED})


@dataclass(frozen=True, slots=True)
class Accepted:
    """Infobip holds the message. `before` says that it already did: the id was sent twice."""

    message_id: str
    to: str
    words: str
    before: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A certain no: nothing is dialled. `name` is Infobip's name of the status."""

    message_id: str
    to: str
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """A status that says neither; the message may be dialled."""

    message_id: str
    to: str
    words: str


MessageAnswer = Accepted | Rejected | Unclear


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """The answer to a request, one entry for each destination."""

    bulk_id: str
    messages: tuple[MessageAnswer, ...]

    def of(self, message_id: str) -> MessageAnswer | None:
        """What became of the message with this id; None when the answer does not say, or says both.

        An answer with a single entry that names no message is of the single message asked for.
        """
        told = [answer for answer in self.messages if answer.message_id == message_id]
        if len({type(answer) for answer in told}) > 1:
            return None  # it contradicts itself
        if told:
            return told[0]
        if len(self.messages) == 1 and not self.messages[0].message_id:
            return self.messages[0]
        return None


@dataclass(frozen=True, slots=True)
class ServiceError:
    """`requestError.serviceException`: its code, its text, and what is wrong field by field."""

    code: str
    text: str
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """One line: the code, the text, and every field with what is wrong with it."""
        said = [": ".join(part for part in (self.code, self.text) if part)]
        said += [f"{name}: {', '.join(problems)}" for name, problems in self.fields.items()]
        return "; ".join(part for part in said if part)[:LONGEST_WORDS]


def read_answer(body: bytes, content_type: str) -> SendAnswer:
    """The answer to a send, JSON or XML.

    Raises:
        NotUnderstood: it names no message.
    """
    tree = read_document(body, content_type)
    messages = repeated(tree, "messages")
    if len(messages) == 1 and repeated(messages[0], "message"):  # XML's list of `message`
        messages = repeated(messages[0], "message")
    entries = tuple(_entry(message) for message in messages if isinstance(message, dict))
    if not entries:
        raise NotUnderstood('The answer has no "messages".')
    return SendAnswer(text(tree, "bulkId", 128), entries)


def read_error(body: bytes, content_type: str) -> ServiceError | None:
    """The error in an answer without success; None where there is none that can be read."""
    try:
        tree = read_document(body, content_type)
    except NotUnderstood:
        return None
    exception = part(part(tree, "requestError"), "serviceException")
    if exception is None:
        return None
    return ServiceError(
        text(exception, "messageId", 64),
        text(exception, "text", 300),
        _fields(part(exception, "validationErrors")),
    )


def _entry(message: Tree) -> MessageAnswer:
    told = part(message, "status")
    name, group = text(told, "name", 128), whole(told, "groupId")
    message_id, to = text(message, "messageId", 128), text(message, "to", 64)
    words = _words(told, name)
    if name == DUPLICATE_MESSAGE_ID:
        return Accepted(message_id, to, words, before=True)
    if group is None:  # an answer in short: the name tells its group
        status = status_of(name, None)
        group = status.group if status else None
    if group in _ACCEPTED:
        return Accepted(message_id, to, words)
    if group in _REJECTED:
        return Rejected(message_id, to, name, words)
    return Unclear(message_id, to, words)


def _words(told: Tree, name: str) -> str:
    description = text(told, "description", 300)
    shown = name or text(told, "groupName", 64)
    return f"{shown}: {description}" if shown and description else shown or description


def _fields(tree: Tree) -> dict[str, tuple[str, ...]]:
    if not isinstance(tree, dict):
        return {}
    return {
        printable(name, 64): tuple(
            printable(problem, 200) for problem in repeated(tree, name) if isinstance(problem, str)
        )
        for name in list(tree)[:MOST_FIELDS]
    }
