"""What an operator should know about an endpoint before wondering why nothing rings."""

from __future__ import annotations

from django.utils.translation import gettext as _

from clicktocall.admin.endpoint_form import provider_label
from clicktocall.admin.held import held_of
from clicktocall.endpoints.validate import not_honoured
from clicktocall.models import Endpoint
from clicktocall.numbers import group


def notices_for(endpoint: Endpoint) -> list[str]:
    """Sentences, the weightier first; empty when all is well."""
    return [
        *held_of(endpoint),
        *_why_nothing_rings(endpoint),
        *_what_visitors_learn(endpoint),
        *_without_effect(endpoint),
    ]


def _why_nothing_rings(endpoint: Endpoint) -> list[str]:
    reasons = []
    if not endpoint.active:
        reasons.append(_("It is switched off: every request is refused."))
    if not endpoint.allowed_countries:
        reasons.append(_("No country is chosen, so no number may be called."))
    if not endpoint.allow_any_number and not endpoint.whitelist.exists():
        reasons.append(
            _(
                "The whitelist is empty, so no number may be called. Add a pattern, or allow any "
                "number of the chosen countries."
            )
        )
    if not endpoint.allowed_origins:
        reasons.append(_("No site is named, so the button works on no page."))
    return reasons


def _what_visitors_learn(endpoint: Endpoint) -> list[str]:
    shown = endpoint.number_shown_to_visitor
    option = "caller_id_a" if endpoint.rings_visitor_first else "caller_id_b"
    if not shown or shown != endpoint.extension or getattr(endpoint, option):
        return []
    return [
        _(
            "Every visitor is told the extension's own number, %(number)s: no “%(caller_id)s” is "
            "chosen. Choose one if that number is not public."
        )
        % {"number": group(shown), "caller_id": Endpoint._meta.get_field(option).verbose_name}  # type: ignore[union-attr]
    ]


def _without_effect(endpoint: Endpoint) -> list[str]:
    names = not_honoured(endpoint)
    if not names:
        return []
    labels = ", ".join(str(Endpoint._meta.get_field(name).verbose_name) for name in names)  # type: ignore[union-attr]
    return [
        _("Not honoured by %(provider)s: %(options)s.")
        % {"provider": provider_label(endpoint.provider), "options": labels}
    ]
