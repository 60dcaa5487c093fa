"""`{% load clicktocall %}{% click_to_call endpoint %}`: a button in a page of this site."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django import template
from django.conf import settings as django_settings
from django.template.context import Context

from clicktocall.endpoints.context import sign_context
from clicktocall.endpoints.snippets import (
    SCRIPT,
    element_for,
    hashed_script,
    known_number,
    script_tag,
    script_url,
)
from clicktocall.models import Endpoint

logger = logging.getLogger(__name__)

register = template.Library()

_WRITTEN = "clicktocall_script_written"


@register.inclusion_tag("clicktocall/click_to_call.html", takes_context=True)
def click_to_call(
    context: Context,
    /,
    endpoint: Endpoint | str,
    *,
    label: str = "",
    mode: str = "",
    contact: object = "",
    **given: Any,
) -> dict[str, Any]:
    """The button of `endpoint` (an `Endpoint` or its id), and once per page the script.

    Args:
        label: the button's own words.
        mode: `inline` or `floating`.
        contact: the visitor's number where you know it, such as a signed-in user's, as text in
            any spelling or as a `PhoneNumber`. It is filled in, and the visitor may change it;
            what is no telephone number is left out.
        context: a dictionary that comes with each call made here, signed so that no visitor can
            change it; at most 2 kB.

    An endpoint that does not exist, or is switched off, must not break the page: the first shows
    nothing (and raises where `DEBUG` is on), the second its telephone link.
    """
    # The template's context comes first and by position, so that `context=` is free for ours.
    about: Mapping[str, Any] | None = given.pop("context", None)
    if given:
        raise template.TemplateSyntaxError(f"click_to_call knows no {next(iter(given))!r}.")
    found = endpoint if isinstance(endpoint, Endpoint) else _find(endpoint)
    if found is None:
        return {"element": "", "script": ""}
    attributes = {
        "label": str(label),
        "mode": str(mode),
        **known_number(found, contact),
        "context": sign_context(found.pk, about) if about else "",
    }
    element = element_for(found, attributes)
    return {"element": element, "script": _script(context) if found.active else ""}


def _find(endpoint_id: Any) -> Endpoint | None:
    found = Endpoint.objects.filter(pk=str(endpoint_id)).first()
    if found is None:
        if django_settings.DEBUG:
            raise Endpoint.DoesNotExist(f"There is no endpoint {endpoint_id!r}.")
        logger.error("click_to_call: there is no endpoint id=%.64r", endpoint_id)
    return found


def _script(context: Context) -> str:
    """The script's tag, the first time this page asks for it."""
    page: Any = context.render_context.dicts[0]
    if page.get(_WRITTEN):
        return ""
    page[_WRITTEN] = True
    return script_tag(script_url(hashed_script() or SCRIPT))
