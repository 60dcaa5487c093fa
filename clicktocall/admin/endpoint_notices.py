"""What an operator should know about an endpoint before wondering why nothing rings."""

from __future__ import annotations

from django.utils.translation import gettext as _

from clicktocall.admin.endpoint_form import provider_label
from clicktocall.endpoints.validate import not_honoured
from clicktocall.models import Endpoint


def notices_for(endpoint: Endpoint) -> list[str]:
    """Sentences, the weightier first; empty when all is well."""
    return [*_why_nothing_rings(endpoint), *_without_effect(endpoint)]


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


def _without_effect(endpoint: Endpoint) -> list[str]:
    names = not_honoured(endpoint)
    if not names:
        return []
    labels = ", ".join(str(Endpoint._meta.get_field(name).verbose_name) for name in names)  # type: ignore[union-attr]
    return [
        _("Not honoured by %(provider)s: %(options)s.")
        % {"provider": provider_label(endpoint.provider), "options": labels}
    ]
