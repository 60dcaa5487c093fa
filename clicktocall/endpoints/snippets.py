"""What an operator pastes into a page to put a button there."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

from django.conf import settings as django_settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from phonenumbers import PhoneNumber, PhoneNumberFormat, format_number

from clicktocall.conf import public_url
from clicktocall.exceptions import InvalidNumber
from clicktocall.models import Endpoint
from clicktocall.numbers import national, parse_number
from clicktocall.orders import ExtensionKind

SCRIPT = "clicktocall/widget.js"


@dataclass(frozen=True, slots=True)
class Snippets:
    """The three ways to embed a button. `pinned` is empty where `why_not_pinned` says why."""

    simple: str
    pinned: str
    why_not_pinned: str
    template_tag: str


def snippets_for(endpoint: Endpoint) -> Snippets:
    """Ready to paste, everything escaped.

    Raises:
        ConfigurationError: when `CLICKTOCALL["PUBLIC_URL"]` is not set.
    """
    element = element_for(endpoint)
    pinned, why_not = _pinned_script()
    return Snippets(
        simple=f"{script_tag(script_url(SCRIPT))}\n{element}",
        pinned=f"{pinned}\n{element}" if pinned else "",
        why_not_pinned=why_not,
        template_tag=f'{{% load clicktocall %}}\n{{% click_to_call "{endpoint.pk}" %}}',
    )


def element_for(endpoint: Endpoint, attributes: dict[str, str] | None = None) -> SafeString:
    """The button: a custom element around a link that works before, and without, its script."""
    given = {"endpoint": endpoint.pk, **(attributes or {})}
    written = "".join(f' {name}="{escape(value)}"' for name, value in given.items() if value)
    return SafeString(f"<click-to-call{written}>{telephone_link(endpoint)}</click-to-call>")


def known_number(endpoint: Endpoint, contact: object) -> dict[str, str]:
    """The attributes that fill in a visitor's number; none for what is no telephone number.

    Args:
        contact: a number in any spelling, its national form in the endpoint's first allowed
            country, or a `PhoneNumber`. A host's data is as it is: nothing here is an error.
    """
    first_country = next(iter(endpoint.allowed_countries), None)
    try:
        number = parse_number(_spelled(contact), first_country)
    except InvalidNumber:
        return {}
    # The country is said too, or the number could stand below the name of another one.
    country = number.region if number.region in endpoint.allowed_countries else ""
    return {"contact": number.e164, "country": country}


def _spelled(contact: object) -> str:
    """The number as text; a `PhoneNumber` shows itself as the host's settings want it."""
    if not isinstance(contact, PhoneNumber):
        return "" if contact is None else str(contact)
    if contact.country_code is None:  # kept as it was written
        return contact.raw_input or ""
    return "" if contact.extension else format_number(contact, PhoneNumberFormat.E164)


def telephone_link(endpoint: Endpoint) -> SafeString:
    """A link that rings us by itself; empty when the endpoint has no number to show."""
    number = telephone_of(endpoint)
    if not number:
        return SafeString("")
    words = _("Call us on %(phone)s") % {"phone": national(number)}
    return format_html('<a href="tel:{}">{}</a>', number, words)


def telephone_of(endpoint: Endpoint) -> str:
    """The E.164 number visitors may ring: the telephone link, else a dialled number of ours."""
    link: Any = endpoint.fallback_phone
    if link:
        return str(link.as_e164)
    if endpoint.extension_kind == ExtensionKind.NUMBER:
        return endpoint.extension
    return ""


def script_tag(address: str, integrity: str = "") -> SafeString:
    """The tag that loads the widget; with `integrity` the browser takes only these very bytes.

    Raises:
        ConfigurationError: when `CLICKTOCALL["PUBLIC_URL"]` is not set.
    """
    checked = format_html(' integrity="{}" crossorigin="anonymous"', integrity) if integrity else ""
    return format_html(
        '<script async src="{}"{} data-api="{}"></script>', address, checked, public_url("")
    )


def script_url(name: str) -> str:
    """The absolute address of a static file, wherever the site serves such files."""
    return urljoin(public_url(""), urljoin(django_settings.STATIC_URL or "/", quote(name)))


def hashed_script() -> str:
    """The script's name with its content's hash in it; "" where the site makes no such names."""
    storage: Any = staticfiles_storage
    if not hasattr(storage, "stored_name"):
        return ""
    try:
        name: str = storage.stored_name(SCRIPT)
    except (ValueError, OSError):  # not collected yet
        return ""
    return "" if name == SCRIPT else name


def integrity_of(name: str) -> str:
    """The checksum of a collected file for `integrity` (W3C Subresource Integrity, SHA-384)."""
    with staticfiles_storage.open(name) as file:
        digest = hashlib.sha384(file.read()).digest()
    return f"sha384-{base64.b64encode(digest).decode()}"


def _pinned_script() -> tuple[SafeString | str, str]:
    """The tag with a checksum and "", or "" and why there is none."""
    if not hasattr(staticfiles_storage, "stored_name"):
        return "", _(
            "This site stores static files under plain names. With a manifest storage for static "
            "files, the script gets a name that changes with its content, and a checksum."
        )
    name = hashed_script()
    try:
        integrity = integrity_of(name) if name else ""
    except OSError:
        integrity = ""
    if not integrity:
        return "", _("The script has not been collected yet: run “manage.py collectstatic”.")
    return script_tag(script_url(name), integrity), ""
