"""One click-to-call button's configuration, and the numbers it may dial."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clicktocall.models.accounts import Account, OwnedNumber
from clicktocall.models.brakes import Brake, BrakeScope
from clicktocall.models.fields import E164Field, IsE164, e164_check, hex_id
from clicktocall.orders import (
    ONE_LEG_KINDS,
    CallOptions,
    DialFirst,
    ExtensionKind,
    MachineDetection,
    ReportFormat,
)

_NUMBER_OPTIONS = ("caller_id_a", "caller_id_b", "bridge")


class Gender(models.TextChoices):
    FEMALE = "female", _("female")
    MALE = "male", _("male")


def _seconds(label: Any, **kwargs: Any) -> models.PositiveIntegerField[Any, Any]:
    return models.PositiveIntegerField(label, null=True, blank=True, **kwargs)


class Endpoint(models.Model):
    """A button. Every option a call is placed with has a field of the same name here.

    The names in help texts are those of the systems this one understands.
    """

    id = models.CharField(primary_key=True, max_length=32, default=hex_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="endpoints")
    name = models.CharField(_("name"), max_length=128)
    active = models.BooleanField(
        _("active"), default=True, help_text=_("Off: every request is refused at once.")
    )

    extension_kind = models.CharField(
        _("extension is a"), max_length=8, choices=ExtensionKind, default=ExtensionKind.NUMBER
    )
    extension = models.CharField(
        _("extension"),
        max_length=255,
        blank=True,
        help_text=_(
            "Your side: a number such as +442079460150, a SIP URI, a PBX extension or a flow. "
            "Empty for a voice message."
        ),
    )
    dial_first = models.CharField(
        _("dial first"), max_length=16, choices=DialFirst, default=DialFirst.EXTENSION
    )
    timeout = models.PositiveIntegerField(
        _("ring for (seconds)"),
        default=30,
        validators=(MinValueValidator(5), MaxValueValidator(120)),
        help_text=_("How long one phone rings before the call ends as not answered."),
    )

    provider = models.CharField(_("provider"), max_length=64, help_text=_("Alias in the settings."))
    fallback_providers = models.JSONField(
        _("fallback providers"),
        default=list,
        blank=True,
        help_text=_("Aliases asked in this order when the one before surely did not place."),
    )

    caller_id_a = models.ForeignKey(
        OwnedNumber,
        verbose_name=_("caller id for leg A"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty: your extension's number if the visitor is rung first, else none."),
    )
    caller_id_b = models.ForeignKey(
        OwnedNumber,
        verbose_name=_("caller id for leg B"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty: leg A's own number, or leg A's caller id when anonymised."),
    )
    bridge = models.ForeignKey(
        OwnedNumber,
        verbose_name=_("bridge number"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The number both sides are joined through, where a provider wants one."),
    )
    anonymization = models.BooleanField(
        _("anonymise"), default=False, help_text=_("Leg B sees leg A's caller id, not its number.")
    )
    withhold_caller_id = models.BooleanField(
        _("withhold the caller id"), default=False, help_text=_("Neither side sees a number.")
    )
    callee_id_name = models.CharField(_("callee id name"), max_length=64, blank=True)
    callee_id_number = models.CharField(_("callee id number"), max_length=32, blank=True)

    max_duration = _seconds(
        _("longest call (seconds)"),
        validators=(MinValueValidator(10),),
        help_text=_("From the moment both sides are joined. Empty: the site's limit."),
    )
    warning_time = _seconds(
        _("warning tone (seconds before the end)"), validators=(MinValueValidator(1),)
    )
    record = models.BooleanField(_("record the call"), default=False)
    machine_detection = models.CharField(
        _("answering machine"),
        max_length=8,
        choices=MachineDetection,
        default=MachineDetection.OFF,
        blank=True,
    )
    validity_period = models.PositiveIntegerField(
        _("valid for (minutes)"),
        null=True,
        blank=True,
        validators=(MinValueValidator(1), MaxValueValidator(48 * 60)),
        help_text=_(
            "After this time a call is not dialled or redialled any more; at most 48 hours."
        ),
    )
    retry_min_period = models.PositiveIntegerField(
        _("redial after at least (minutes)"),
        null=True,
        blank=True,
        validators=(MinValueValidator(1), MaxValueValidator(24 * 60)),
    )
    retry_max_period = models.PositiveIntegerField(
        _("redial after at most (minutes)"),
        null=True,
        blank=True,
        validators=(MinValueValidator(1), MaxValueValidator(24 * 60)),
    )
    retry_max_count = models.PositiveSmallIntegerField(
        _("redials"),
        default=0,
        validators=(MaxValueValidator(4),),
        help_text=_("After no answer, busy or a failure; at most 4."),
    )
    delivery_time_window = models.JSONField(
        _("delivery time window"),
        default=dict,
        blank=True,
        help_text=_(
            'Calls are only placed inside it, for example {"days": ["MONDAY"], '
            '"from": {"hour": 9}, "to": {"hour": 17}, "time_zone": "Europe/London"}.'
        ),
    )

    message_text = models.TextField(
        _("message"), max_length=1400, blank=True, help_text=_("Read to leg A before the join.")
    )
    message_language = models.CharField(_("language"), max_length=16, blank=True)
    message_voice_name = models.CharField(_("voice"), max_length=64, blank=True)
    message_voice_gender = models.CharField(
        _("voice gender"), max_length=8, choices=Gender, blank=True
    )
    message_audio_url = models.URLField(
        _("recorded message"), blank=True, help_text=_("Address of an audio file; wins over text.")
    )
    ringback = models.CharField(_("ringback"), max_length=255, blank=True)
    music_on_hold = models.CharField(_("music on hold"), max_length=2048, blank=True)
    ignore_early_media = models.BooleanField(_("ignore early media"), default=True)
    bypass_media = models.CharField(
        _("bypass media"),
        max_length=8,
        blank=True,
        choices=(
            ("", _("provider's choice")),
            ("true", _("yes")),
            ("false", _("no")),
            ("auto", _("auto")),
        ),
    )
    presence_id = models.CharField(_("presence id"), max_length=255, blank=True)
    custom_sip_headers = models.JSONField(
        _("custom SIP headers"),
        default=dict,
        blank=True,
        help_text=_('Flat, or {"in": {…}, "out": {…}}.'),
    )
    custom_application_vars = models.JSONField(_("application variables"), default=dict, blank=True)
    parameters = models.JSONField(
        _("flow parameters"), default=dict, blank=True, help_text=_("Passed to the flow by name.")
    )
    callback_data = models.CharField(_("callback data"), max_length=200, blank=True)
    transfers = models.JSONField(
        _("transfers"),
        default=list,
        blank=True,
        help_text=_('For messages: [{"transferTo": "+44…", "if": "dtmf", "equals": "1"}].'),
    )

    notify_url = models.CharField(
        _("report to"),
        max_length=2048,
        blank=True,
        help_text=_(
            "Address of your server that gets a report when a call is over, such as "
            "https://www.example.com/reports."
        ),
    )
    notify_content_type = models.CharField(
        _("report as"), max_length=32, choices=ReportFormat, default=ReportFormat.JSON
    )

    allowed_origins = models.JSONField(
        _("allowed origins"),
        default=list,
        blank=True,
        help_text=_('Sites that may show the button: ["https://www.example.com"]. None: none.'),
    )
    allowed_countries = models.JSONField(
        _("allowed countries"),
        default=list,
        blank=True,
        help_text=_('Country codes that may be called: ["GB", "US"]. None: none.'),
    )
    allow_any_number = models.BooleanField(
        _("any number of the allowed countries"),
        default=False,
        help_text=_("Without this, and with an empty whitelist, nothing can be called."),
    )
    opening_hours = models.JSONField(
        _("opening hours"),
        default=dict,
        blank=True,
        help_text=_(
            'Empty: always. {"time_zone": "Europe/London", "monday": [["09:00", "17:30"]]}.'
        ),
    )
    fallback_phone = E164Field(
        _("telephone link"),
        blank=True,
        help_text=_("Shown when the button cannot place the call."),
    )
    consent_text = models.TextField(_("consent text"), max_length=1000, blank=True)
    consent_version = models.CharField(
        _("consent version"),
        max_length=32,
        blank=True,
        help_text=_("Change it whenever the text changes; it is kept with each call."),
    )
    privacy_url = models.URLField(_("privacy notice"), blank=True)
    visitor_fields = models.JSONField(
        _("questions"),
        default=list,
        blank=True,
        help_text=_('Asked besides the number: any of ["name", "email", "question"].'),
    )
    labels = models.JSONField(
        _("labels"), default=dict, blank=True, help_text=_('Own words: {"button": "Ring me"}.')
    )
    theme = models.JSONField(
        _("theme"), default=dict, blank=True, help_text=_('{"accent": "#0b6e4f"}.')
    )

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        ordering = ("name",)
        constraints = (
            e164_check("endpoint", "fallback_phone", blank=True),
            models.CheckConstraint(
                condition=~Q(extension_kind=ExtensionKind.NUMBER) | Q(IsE164(F("extension"))),
                name="clicktocall_endpoint_extension_e164",
                violation_error_message=_(
                    "Write the extension in international form, such as +442079460150."
                ),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def call_options(self) -> CallOptions:
        """The options a call of this endpoint is placed with, as they stand now."""
        options = {
            name: getattr(self, name) for name in CallOptions.names() if name not in _NUMBER_OPTIONS
        }
        for name in _NUMBER_OPTIONS:
            owned: OwnedNumber | None = getattr(self, name)
            options[name] = owned.number if owned else ""
        return CallOptions(**options)

    @cached_property
    def whitelist_patterns(self) -> list[str]:
        """The patterns of the whitelist, as they were when first asked for."""
        return list(self.whitelist.values_list("pattern", flat=True))

    @cached_property
    def stopped_by(self) -> str:
        """What keeps its calls from being placed, as it was when first asked for; "" for nothing.

        A provider that is stopped is passed over; its calls are, when no other may place them.
        """
        pulled = Brake.objects.filter(
            ~Q(scope=BrakeScope.ACCOUNT) | Q(account=self.account_id)
        ).order_by()
        return self.stopped_by_these(pulled.values_list("scope", "provider"))

    def stopped_by_these(self, brakes: Iterable[tuple[str, str]]) -> str:
        """Which of `brakes`, each a scope and a provider, stop its calls; "" for none of them.

        Those of accounts are its own account's.
        """
        scopes: dict[str, set[str]] = {}
        for scope, provider in brakes:
            scopes.setdefault(scope, set()).add(provider)
        if BrakeScope.SITE in scopes:
            return "the whole site"
        if BrakeScope.ACCOUNT in scopes:
            return "this account"
        chain = [self.provider, *self.fallback_providers]
        if scopes.get(BrakeScope.PROVIDER, set()).issuperset(chain):
            return f"every provider of it ({', '.join(chain)})"
        return ""

    @property
    def one_leg(self) -> bool:
        """Whether only the visitor is rung: a message or a flow."""
        return self.extension_kind in ONE_LEG_KINDS

    @property
    def rings_visitor_first(self) -> bool:
        return self.one_leg or self.dial_first == DialFirst.CONTACT

    @property
    def number_shown_to_visitor(self) -> str:
        """What the visitor's phone will show: a number, a sender id, or "" when not known.

        "" also when it is withheld.
        """
        if self.withhold_caller_id:
            return ""
        extension = self.extension if self.extension_kind == ExtensionKind.NUMBER else ""
        caller_id_a = self.caller_id_a.number if self.caller_id_a else ""
        if self.rings_visitor_first:
            return caller_id_a or extension
        if self.caller_id_b:
            return self.caller_id_b.number
        return caller_id_a if self.anonymization else extension


class WhitelistEntry(models.Model):
    """An RE2 pattern of numbers an endpoint may call, matched from the number's start."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="whitelist")
    pattern = models.CharField(
        _("pattern"),
        max_length=256,
        help_text=_(r"For example \+4420 for London numbers; $ pins the end."),
    )
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("whitelist entry")
        verbose_name_plural = _("whitelist")
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint", "pattern"), name="clicktocall_one_whitelist_pattern"
            ),
        )

    def __str__(self) -> str:
        return self.pattern
