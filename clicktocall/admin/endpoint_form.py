"""The endpoint's form: what is stored as JSON in friendly fields, and every check in its place."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from clicktocall.admin.fields import (
    DeliveryWindowField,
    LinesField,
    ModelForm,
    NamedValuesField,
    OpeningHoursField,
    TextsField,
    TicksField,
)
from clicktocall.endpoints.audio import Heard, check_recorded_message
from clicktocall.endpoints.checks.visitor import LABEL_KEYS, VISITOR_FIELDS
from clicktocall.endpoints.save import check_pattern
from clicktocall.endpoints.validate import check_endpoint, not_honoured
from clicktocall.exceptions import ConfigurationError, InvalidNumber
from clicktocall.models import Endpoint, WhitelistEntry
from clicktocall.numbers import calling_code, parse_number, region_name, regions
from clicktocall.orders import ExtensionKind
from clicktocall.providers import get_provider

_QUESTIONS = {
    "name": gettext_lazy("name"),
    "email": gettext_lazy("e-mail"),
    "question": gettext_lazy("what it is about"),
}
_LABELS = {
    "button": gettext_lazy("on the button"),
    "title": gettext_lazy("above the panel"),
    "our_team": gettext_lazy("your side"),
    "submit": gettext_lazy("on “Ring me now”"),
}
_OUR_WORDS = {
    "button": "Call us",
    "title": "We ring you",
    "our_team": "Our team",
    "submit": "Ring me now",
}


class CountriesWidget(FilteredSelectMultiple):
    """Django's two boxes, in a holder of their own as its script expects them."""

    def __init__(self) -> None:
        super().__init__(gettext_lazy("countries"), is_stacked=False)

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        return format_html('<div class="ctc-chooser">{}</div>', super().render(*args, **kwargs))


class EndpointForm(ModelForm):
    """Subclasses made by the admin name the provider aliases that may be chosen, and what was
    heard of recorded messages before the page's transaction.
    """

    aliases: tuple[str, ...] = ()
    heard: Heard | None = None

    provider = forms.ChoiceField(
        label=gettext_lazy("provider"), help_text=gettext_lazy("Who places the calls.")
    )
    fallback_providers = LinesField(
        label=gettext_lazy("fallback providers"), required=False, rows=2
    )
    allowed_countries = forms.MultipleChoiceField(
        label=gettext_lazy("countries"),
        required=False,
        widget=CountriesWidget,
        help_text=gettext_lazy(
            "Only numbers of these countries are called. None chosen: nothing is called."
        ),
    )
    usual_country = forms.ChoiceField(
        label=gettext_lazy("usual country"),
        required=False,
        help_text=gettext_lazy(
            "Numbers written without a country code are read as numbers of this country. "
            "Empty: the first chosen one."
        ),
    )
    allowed_origins = LinesField(
        label=gettext_lazy("sites"),
        required=False,
        help_text=gettext_lazy(
            "Sites that may show the button, one per line, such as https://www.example.com. "
            "None: the button works nowhere."
        ),
    )
    visitor_fields = TicksField(
        label=gettext_lazy("questions"),
        required=False,
        choices=[(name, _QUESTIONS[name]) for name in VISITOR_FIELDS],
        help_text=gettext_lazy("Asked besides the number; visitors may leave them empty."),
    )
    opening_hours = OpeningHoursField(
        label=gettext_lazy("opening hours"),
        required=False,
        help_text=gettext_lazy(
            "When visitors may ask for a call, such as 09:00-12:30, 13:30-17:00. All days empty: "
            "always. A span such as 22:00-02:00 runs over midnight. A single date, such as a "
            "holiday, has its own hours, or is closed."
        ),
    )
    delivery_time_window = DeliveryWindowField(
        label=gettext_lazy("delivery time window"),
        required=False,
        help_text=gettext_lazy(
            "Calls are dialled only inside it; one that is asked for outside waits. At least an "
            "hour long. Empty: at any time."
        ),
    )
    labels = TextsField(
        {key: _LABELS.get(key, key) for key in sorted(LABEL_KEYS)},
        _OUR_WORDS,
        label=gettext_lazy("own words"),
        required=False,
        help_text=gettext_lazy("Empty: ours, in the visitor's language."),
    )
    theme = TextsField(
        {"accent": gettext_lazy("colour"), "radius": gettext_lazy("corner radius")},
        {"accent": "#0b6e4f", "radius": "12px"},
        label=gettext_lazy("look"),
        required=False,
        help_text=gettext_lazy("The colour of the text on the button follows by itself."),
    )
    custom_application_vars = NamedValuesField(
        label=gettext_lazy("application variables"),
        required=False,
        help_text=gettext_lazy("One name = value per line."),
    )
    parameters = NamedValuesField(
        label=gettext_lazy("flow parameters"),
        required=False,
        help_text=gettext_lazy("Passed to the flow; one name = value per line."),
    )

    class Meta:
        model = Endpoint
        fields = ()  # the admin names them
        help_texts = {
            "extension_kind": gettext_lazy(
                "A flow or a voice message rings nobody but the visitor."
            ),
            "message_text": gettext_lazy(
                "Read to whoever is rung first, before both are joined; of a voice message, all "
                "that is said."
            ),
            "message_audio_url": gettext_lazy(
                "Address of a sound file that everybody can fetch, smaller than 4 MB; wins over "
                "the text."
            ),
            "withhold_caller_id": gettext_lazy(
                "Neither side sees a number. Leave out the caller id for leg B and anonymising; "
                "the one for leg A is told to the network only."
            ),
            "transfers": gettext_lazy(
                "Of a voice message or flow, whom a key press connects to: "
                '[{"transferTo": "+44…", "if": "dtmf", "equals": "1"}].'
            ),
        }
        widgets = {
            name: forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})
            for name in ("message_text", "consent_text", "custom_sip_headers", "transfers")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance
        self._offer("provider", provider_choices(self.aliases, stored.provider))
        self._offer("allowed_countries", country_choices(stored.allowed_countries))
        usual = [("", "—"), *country_choices(stored.allowed_countries)]
        self._offer("usual_country", usual)
        self.initial.setdefault("usual_country", next(iter(stored.allowed_countries), ""))
        if len(self.aliases) == 1 and not stored.provider:
            self.initial.setdefault("provider", self.aliases[0])
        for field in self.fields.values():
            field.label = capfirst(field.label)  # as the admin does with the model's own
        self._explain_fallbacks()
        self._mark_not_honoured()

    def clean_allowed_origins(self) -> list[str]:
        """An address as copied from a browser ends in a slash; an origin does not."""
        return [line.removesuffix("/") for line in self.cleaned_data["allowed_origins"]]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        self._usual_country_first(cleaned)
        if cleaned.get("extension_kind") == ExtensionKind.NUMBER and cleaned.get("extension"):
            self._read_extension(cleaned)
        return cleaned

    def _post_clean(self) -> None:
        """The model's own checks, then whether the settings make sense together.

        Raises:
            NotHeardYet: nothing is wrong, but a new recorded message was not asked about yet.
        """
        super()._post_clean()  # type: ignore[misc]
        try:
            check_endpoint(self.instance)
            if not self.errors:
                check_recorded_message(self.instance, self.heard)
        except ValidationError as error:
            for field, messages in error.message_dict.items():
                if field not in self.errors:
                    self._complain(field, messages)

    def _complain(self, field: str, messages: list[str]) -> None:
        if field in self.fields:
            self.add_error(field, messages)
        else:
            name = capfirst(str(Endpoint._meta.get_field(field).verbose_name))  # type: ignore[union-attr]
            self.add_error(None, [f"{name}: {message}" for message in messages])

    def _offer(self, field: str, choices: list[tuple[str, str]]) -> None:
        if field in self.fields:
            self.fields[field].choices = choices  # type: ignore[attr-defined]

    def _usual_country_first(self, cleaned: dict[str, Any]) -> None:
        """The order of the countries matters: the boxes lose it, so it is kept from before."""
        chosen, usual = cleaned.get("allowed_countries"), cleaned.get("usual_country")
        if chosen is None:
            return
        if usual and usual not in chosen:
            self.add_error("usual_country", _("Choose one of the countries that may be called."))
            return
        before = [code for code in self.instance.allowed_countries if code in chosen]
        ordered = [usual, *before, *chosen] if usual else [*before, *chosen]
        cleaned["allowed_countries"] = list(dict.fromkeys(ordered))

    def _read_extension(self, cleaned: dict[str, Any]) -> None:
        try:
            cleaned["extension"] = parse_number(cleaned["extension"]).e164
        except InvalidNumber:
            message = _("Write the number in international form, such as +442079460150.")
            self.add_error("extension", message)

    def _explain_fallbacks(self) -> None:
        if "fallback_providers" in self.fields:
            self.fields["fallback_providers"].help_text = _(
                "Asked in this order when the one before surely did not place the call; one per "
                "line. There are: %(aliases)s."
            ) % {"aliases": ", ".join(self.aliases) or "–"}

    def _mark_not_honoured(self) -> None:
        for name in not_honoured(self.instance) if self.instance.provider else ():
            if name in self.fields:
                field = self.fields[name]
                field.help_text = f"{field.help_text} {_not_honoured_by(self.instance)}".strip()


class WhitelistForm(ModelForm):
    class Meta:
        model = WhitelistEntry
        fields = ("pattern", "note")

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if "pattern" not in self.errors:
            try:
                check_pattern(self.instance.pattern)
            except ValidationError as error:
                self.add_error(None, error)


def provider_choices(aliases: tuple[str, ...], stored: str) -> list[tuple[str, str]]:
    """The aliases with what stands behind them; a stored one that is gone is named as such."""
    choices = [(alias, provider_label(alias)) for alias in aliases]
    if stored and stored not in aliases:
        choices.append((stored, _("%(alias)s (not available)") % {"alias": stored}))
    return choices if len(choices) == 1 else [("", "---------"), *choices]


def provider_label(alias: str) -> str:
    try:
        return f"{get_provider(alias).label} ({alias})"
    except ConfigurationError:
        return _("%(alias)s (its settings are wrong)") % {"alias": alias}


def country_choices(stored: list[str]) -> list[tuple[str, str]]:
    """All countries by name; a stored code that is none stays, so that it can be removed."""
    language = get_language() or "en"
    named = [
        (code, f"{region_name(code, language)} ({code}, +{calling_code(code)})")
        for code in regions()
    ]
    unknown = [(code, code) for code in map(str, stored) if code not in regions()]
    return sorted(named, key=lambda choice: choice[1]) + unknown


def _not_honoured_by(endpoint: Endpoint) -> str:
    return _("Not honoured by %(provider)s.") % {"provider": provider_label(endpoint.provider)}
