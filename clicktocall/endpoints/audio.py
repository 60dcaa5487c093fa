"""Whether a recorded message can be fetched by providers, asked when its address is saved.

Infobip's conditions, the only ones that are written down: HEAD and GET are answered, on a usual
port, with sound of a kind it plays, smaller than 4 MB. A provider that cannot fetch the file says
so much later, when somebody is already on the line.

A foreign server may take seconds to answer, and no transaction waits for it. A door therefore
tries to save without having asked; a new address ends that try with `NotHeardYet`, the transaction
is given up, the server is asked, and the door begins anew with what was heard (`hearing_first`). So
the server is asked only by who may save, and only of settings that are right otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from time import monotonic
from typing import TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError
from django.db import connections, router
from django.utils.translation import gettext as _

from clicktocall.conf import settings
from clicktocall.models import Endpoint
from clicktocall.outbound import (
    AddressRefused,
    AnswerTooLarge,
    Arriving,
    Limits,
    OutboundClient,
    OutboundError,
    Unreachable,
    check_public_url,
    is_allowed_privately,
)

FIELD = "message_audio_url"
SIZE_LIMIT = 4_000_000  # bytes; the file must stay below
LONGEST_CHECK = 8.0  # seconds, for both requests together
_LONGEST_HEAD = 3.0  # seconds; leaves enough to fetch a file

_USUAL_PORTS = (None, 80, 443)

# kind of file -> what servers call it, today and before it was registered
_TYPES_OF = {
    "aac": ("audio/aac", "audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts"),
    "aiff": ("audio/aiff", "audio/x-aiff"),
    "m4a, mp4": ("audio/mp4", "audio/m4a", "audio/x-m4a", "audio/mp4a-latm"),
    "mp2, mp3": (
        "audio/mpeg",
        "audio/mp2",
        "audio/mp3",
        "audio/mpeg3",
        "audio/x-mp2",
        "audio/x-mp3",
        "audio/x-mpeg",
        "audio/x-mpeg-3",
    ),
    "ogg": ("audio/ogg", "audio/vorbis", "application/ogg", "application/x-ogg"),
    "wav": ("audio/wav", "audio/wave", "audio/vnd.wave", "audio/x-wav", "audio/x-pn-wav"),
    "wma": ("audio/x-ms-wma",),
}
_TYPES = frozenset(name for names in _TYPES_OF.values() for name in names)
_ENDINGS = frozenset({"aac", "aif", "aiff", "m4a", "mp2", "mp3", "mp4", "oga", "ogg", "wav", "wma"})
# What servers call a file they know nothing of; then its ending counts.
_ANY_FILE = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_PRINTABLE_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)

# An address that was asked about -> what keeps a provider from playing the file.
Heard: TypeAlias = Mapping[str, list[str]]
Saved = TypeVar("Saved")

# What a problem is about, so that HEAD and GET do not both complain of the same thing.
_Problems = dict[str, str]


class NotHeardYet(Exception):
    """An endpoint cannot be saved before somebody has asked about its new `url`."""

    def __init__(self, url: str) -> None:
        super().__init__("A recorded message is to be asked about outside the transaction.")
        self.url = url


def hearing_first(save: Callable[[Heard], Saved]) -> Saved:
    """Save, having asked about a new recorded message while no transaction is open.

    Args:
        save: hands what it is given to `check_recorded_message` or `save_endpoint`, in a
            transaction of its own. It is called once, or once more after the server was asked.

    Returns:
        What `save` returns.
    """
    try:
        return save({})
    except NotHeardYet as wanted:
        url = wanted.url
    return save({url: audio_problems(url)})


def check_recorded_message(endpoint: Endpoint, heard: Heard | None = None) -> None:
    """Judge the recorded message of an endpoint that is about to be saved, if it is a new one.

    Args:
        heard: what a door was told by `hearing_first`. Without it the server is asked here and
            now, but not inside a transaction, where others would wait for it.

    Raises:
        ValidationError: `message_audio_url`, with a sentence for each problem.
        NotHeardYet: a door has not asked about this address yet.
    """
    url = endpoint.message_audio_url
    if not url or not settings.CHECK_AUDIO or url == _stored(endpoint):
        return
    if heard is None:
        problems = [] if _in_transaction() else audio_problems(url)
    elif url in heard:
        problems = heard[url]
    else:
        raise NotHeardYet(url)
    _refuse(problems)


def check_audio(url: str) -> None:
    """Fetch a recorded message as a provider would; takes `LONGEST_CHECK` seconds at most.

    Does nothing where `CHECK_AUDIO` is off. Asks the network and not the database, so it is to be
    called outside of transactions.

    Raises:
        ValidationError: `message_audio_url`, with a sentence for each problem.
    """
    _refuse(audio_problems(url) if settings.CHECK_AUDIO else [])


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ValidationError({FIELD: problems})


def _stored(endpoint: Endpoint) -> str | None:
    return Endpoint.objects.filter(pk=endpoint.pk).values_list(FIELD, flat=True).first()


def _in_transaction() -> bool:
    return connections[router.db_for_write(Endpoint)].in_atomic_block


def audio_problems(url: str) -> list[str]:
    """What keeps a provider from playing the file, each with what to do; empty if nothing does."""
    until = monotonic() + LONGEST_CHECK
    try:
        check_public_url(url)
        if urlsplit(url).port not in _USUAL_PORTS and not is_allowed_privately(url):
            return [_("Providers fetch files on the usual ports only: leave the port out.")]
        of_head = _asked("HEAD", url, _LONGEST_HEAD)
        of_get = _asked("GET", url, until - monotonic())
    except AddressRefused as error:
        return [str(error)]
    except Unreachable as error:
        return [
            _(
                "%(reason)s Mend that, or, if this site cannot reach the internet, have its "
                "operator set CHECK_AUDIO to False."
            )
            % {"reason": error}
        ]
    # What HEAD has found stands; GET adds what is new.
    return [*of_head.values(), *(of_get[about] for about in of_get if about not in of_head)]


def _asked(method: str, url: str, seconds: float) -> _Problems:
    limits = Limits(connect=seconds, silence=seconds, total=seconds, largest=SIZE_LIMIT - 1)
    try:
        with OutboundClient(limits).stream(method, url) as arriving:
            problems = _of_status(method, arriving.status)
            if not problems:
                problems = _of_type(method, url, arriving) | _of_size(method, arriving)
            return problems
    except (AddressRefused, Unreachable):
        raise
    except AnswerTooLarge:
        return _too_large()
    except OutboundError as error:
        return {
            "answer": _(
                "Asked with %(method)s: %(reason)s Put the file where it is sent at once and whole."
            )
            % {"method": method, "reason": error}
        }


def _of_status(method: str, status: int) -> _Problems:
    if status == 200:
        return {}
    if 300 <= status < 400:
        text = _(
            "Asked with %(method)s, the server points elsewhere (%(status)s). Write the address "
            "where the file itself is."
        )
    elif status in (401, 403, 407):
        text = _(
            "Asked with %(method)s, the server denies access (%(status)s). Let everybody fetch "
            "the file, without a password."
        )
    elif method == "HEAD" and status in (400, 404, 405, 501):
        text = _(
            "Asked with %(method)s, the server answers %(status)s. Check the address, and let "
            "the server answer HEAD as well as GET: providers ask with both."
        )
    else:
        text = _(
            "Asked with %(method)s, the server answers %(status)s instead of 200. Check the "
            "address in a browser."
        )
    return {f"status {status}": text % {"method": method, "status": status}}


def _of_type(method: str, url: str, arriving: Arriving) -> _Problems:
    told = arriving.headers.get("content-type", "").partition(";")[0].strip().lower()
    if told in _TYPES:
        return {}
    endings = ", ".join(sorted(_ENDINGS))
    if told in _ANY_FILE:
        if _ending(url) in _ENDINGS:
            return {}
        text = _(
            "Asked with %(method)s, the server does not say what kind of file it is, and neither "
            "does its name. Let the name end in one of: %(endings)s."
        )
        return {"type": text % {"method": method, "endings": endings}}
    text = _(
        "Asked with %(method)s, the server calls the file “%(type)s”. Give the address of a sound "
        "file (%(endings)s), and let the server name its type, such as audio/mpeg."
    )
    shown = told if _PRINTABLE_TYPE.fullmatch(told) else "…"
    return {"type": text % {"method": method, "type": shown, "endings": endings}}


def _of_size(method: str, arriving: Arriving) -> _Problems:
    """By the declared length; without one, a GET is read to its end."""
    size = arriving.length
    if size is None and method == "GET":
        size = sum(map(len, arriving.pieces()))
    if size is None:
        return {}  # of a HEAD; the GET will tell
    if size >= SIZE_LIMIT:
        return _too_large()
    if size:
        return {}
    text = _(
        "Asked with %(method)s, the server says that the file is empty. Put the recording there."
    )
    return {"size": text % {"method": method}}


def _too_large() -> _Problems:
    return {
        "size": _("The file is too large: make it smaller than 4 MB (%(bytes)s bytes).")
        % {"bytes": f"{SIZE_LIMIT:,}"}
    }


def _ending(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).suffix.lower().removeprefix(".")
