"""Calls, the attempts made to place them, and the facts known about each attempt."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clicktocall.models.accounts import Account
from clicktocall.models.endpoints import Endpoint
from clicktocall.models.fields import E164Field, e164_check, hex_id
from clicktocall.numbers import group
from clicktocall.orders import (
    ONE_LEG_KINDS,
    CallOptions,
    CallOrder,
    Destination,
    DialFirst,
    ExtensionKind,
    Placement,
    SpeedUnit,
)
from clicktocall.states import (
    WAITING_STATES,
    CallState,
    EventKind,
    Fact,
    Leg,
    LegState,
    Outcome,
    Progress,
)


class Bulk(models.Model):
    """The calls that came in one request. `client_id` is the caller's own `bulkId`.

    With a `speed`, its calls wait without being due, and every so often the next one is released
    (`calls.pacing`). `refused` are the entries that became no call, as whoever asked was told of
    them (`calls.bulk.RefusedEntry`).
    """

    id = models.CharField(primary_key=True, max_length=32, default=hex_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="bulks")
    client_id = models.CharField(_("client's id"), max_length=128, blank=True)
    refused = models.JSONField(_("refused"), default=list, blank=True, editable=False)
    idempotency_key = models.CharField(
        max_length=200, null=True, blank=True, unique=True, editable=False
    )
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    speed = models.PositiveIntegerField(_("calls"), null=True, blank=True)
    speed_unit = models.CharField(_("in each"), max_length=8, choices=SpeedUnit, blank=True)
    next_call_at = models.DateTimeField(_("next call"), null=True, blank=True, editable=False)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("bulk")
        verbose_name_plural = _("bulks")
        indexes = (
            models.Index(
                fields=("next_call_at",),
                name="ctc_bulk_next_call",
                condition=Q(next_call_at__isnull=False),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("account", "client_id"),
                condition=~Q(client_id=""),
                name="clicktocall_one_bulk_id",
            ),
        )

    def __str__(self) -> str:
        return self.client_id or self.id

    @property
    def interval(self) -> timedelta | None:
        """From one call to the next; None without a speed."""
        return SpeedUnit(self.speed_unit).length / self.speed if self.speed else None


class ProgressFields(models.Model):
    """What is known of a call or an attempt; written only from a `Progress`."""

    state = models.CharField(_("state"), max_length=16, choices=CallState)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome, null=True, blank=True)
    outcome_leg = models.CharField(_("on leg"), max_length=1, choices=Leg, null=True, blank=True)
    outcome_words = models.CharField(_("in the provider's words"), max_length=500, blank=True)
    leg_a = models.CharField(_("leg A"), max_length=16, choices=LegState, default=LegState.WAITING)
    leg_b = models.CharField(
        _("leg B"), max_length=16, choices=LegState, default=LegState.WAITING, null=True, blank=True
    )
    joined_at = models.DateTimeField(_("joined"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    talk_seconds = models.PositiveIntegerField(_("seconds talked"), null=True, blank=True)
    recording_url = models.URLField(_("recording"), max_length=500, blank=True)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=6, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    answers = models.JSONField(
        _("answers"), default=dict, blank=True, help_text=_("Keyed or said, by variable.")
    )

    class Meta:
        abstract = True

    @property
    def is_over(self) -> bool:
        return self.state == CallState.ENDED

    def show(self, progress: Progress) -> bool:
        """Take over what `progress` knows; says whether anything changed. Does not save."""
        changed = False
        for known in fields(progress):
            if hasattr(self, known.name):
                value = getattr(progress, known.name)
                changed = changed or getattr(self, known.name) != value
                setattr(self, known.name, value)
        return changed


class Call(ProgressFields):
    """One requested connection of a contact and an extension: a row of the history.

    A row in a waiting state is also the queue: the dispatcher claims it when `due_at` has come.
    """

    id = models.CharField(primary_key=True, max_length=32, default=hex_id, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="calls", db_index=False
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.PROTECT, related_name="calls", db_index=False
    )
    bulk = models.ForeignKey(
        Bulk, on_delete=models.PROTECT, null=True, blank=True, related_name="calls"
    )

    contact = E164Field(_("contact"))
    extension_kind = models.CharField(max_length=8, choices=ExtensionKind)
    extension = models.CharField(_("extension"), max_length=255, blank=True)
    caller_id_name = models.CharField(_("caller id name"), max_length=128, blank=True)
    options = models.JSONField(_("options"), default=dict)

    door = models.CharField(_("came in by"), max_length=16)
    requester = models.CharField(_("requested by"), max_length=80, blank=True)
    client_reference = models.CharField(_("client's reference"), max_length=128, blank=True)
    origin = models.CharField(_("site"), max_length=255, blank=True)
    page = models.CharField(_("page"), max_length=2000, blank=True)
    context = models.JSONField(_("context"), default=dict, blank=True)
    visitor_name = models.CharField(_("name"), max_length=128, blank=True)
    visitor_email = models.EmailField(_("e-mail"), blank=True)
    visitor_question = models.TextField(_("question"), max_length=1000, blank=True)
    consent_version = models.CharField(_("consent version"), max_length=32, blank=True)
    consent_text = models.TextField(_("consent text"), blank=True)

    idempotency_key = models.CharField(
        max_length=200, null=True, blank=True, unique=True, editable=False
    )
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    token_nonce = models.CharField(
        max_length=32, null=True, blank=True, unique=True, editable=False
    )

    provider = models.CharField(_("provider"), max_length=64)
    fallback_providers = models.JSONField(default=list, blank=True, editable=False)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    expires_at = models.DateTimeField(_("not dialled after"))
    attempt_count = models.PositiveSmallIntegerField(_("attempts"), default=0)
    redial_count = models.PositiveSmallIntegerField(_("redials"), default=0)
    claimed_by = models.CharField(max_length=100, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    report_due_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("By then even the longest possible call has been reported."),
    )
    cancel_requested_at = models.DateTimeField(_("hang-up requested"), null=True, blank=True)
    cancel_due_at = models.DateTimeField(null=True, blank=True, editable=False)

    created_at = models.DateTimeField(_("requested"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        ordering = ("-created_at", "-id")
        constraints = (e164_check("call", "contact"),)
        indexes = (
            models.Index(fields=("account", "-created_at", "-id"), name="ctc_call_account"),
            models.Index(fields=("endpoint", "-created_at", "-id"), name="ctc_call_endpoint"),
            models.Index(fields=("contact", "-created_at"), name="ctc_call_contact"),
            models.Index(
                fields=("provider", "due_at"),
                name="ctc_call_due",
                condition=Q(state__in=WAITING_STATES),
            ),
            models.Index(
                fields=("claimed_until",),
                name="ctc_call_claimed",
                condition=Q(state=CallState.PLACING),
            ),
            models.Index(
                fields=("report_due_at",),
                name="ctc_call_report_due",
                condition=Q(report_due_at__isnull=False),
            ),
            models.Index(
                fields=("cancel_due_at",),
                name="ctc_call_cancel_due",
                condition=Q(cancel_due_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{group(self.contact.as_e164)} ({self.get_state_display()})"

    @property
    def call_options(self) -> CallOptions:
        """The options frozen when the call was requested."""
        return CallOptions.from_json(self.options)

    @property
    def dial_first(self) -> str:
        """Which side is leg A; with one leg it is the contact."""
        if self.one_leg:
            return DialFirst.CONTACT
        return str(self.options.get("dial_first", DialFirst.EXTENSION))

    @property
    def one_leg(self) -> bool:
        """Whether only the contact is dialled: a message or a flow."""
        return self.extension_kind in ONE_LEG_KINDS

    def provider_after(self) -> str | None:
        """The alias that is asked when the present one surely does not place the call."""
        chain = list(self.fallback_providers)
        rest = chain[chain.index(self.provider) + 1 :] if self.provider in chain else chain
        return rest[0] if rest else None

    def order(self, attempt: Attempt, *, callback_url: str, longest: int) -> CallOrder:
        """What the provider is asked for `attempt`; `longest` is the site's cap in seconds."""
        options = self.call_options
        contact = Destination(kind=ExtensionKind.NUMBER, value=self.contact.as_e164)
        extension = Destination(kind=self.extension_kind, value=self.extension)
        leg_a, leg_b = self._legs(contact, extension, options)
        # Never a visitor's number: nobody shows a number that is not theirs.
        ours = extension if leg_b is extension else None
        shown_to_a = options.caller_id_a or (_own_number(ours) if ours else "")
        shown_to_b = options.caller_id_b or (
            shown_to_a if options.anonymization else _own_number(leg_a)
        )
        return CallOrder(
            reference=attempt.reference,
            call_id=self.id,
            account_id=self.account_id,
            endpoint_id=self.endpoint_id,
            bulk_id=self.bulk_id or "",
            attempt_number=attempt.number,
            leg_a=leg_a,
            leg_b=leg_b,
            flow=self.extension if self.extension_kind == ExtensionKind.FLOW else "",
            caller_id_name=self.caller_id_name,
            caller_id_a=shown_to_a,
            caller_id_b=shown_to_b if leg_b else "",
            max_duration=min(options.max_duration or longest, longest),
            options=options,
            callback_url=callback_url,
        )

    def _legs(
        self, contact: Destination, extension: Destination, options: CallOptions
    ) -> tuple[Destination, Destination | None]:
        if self.one_leg:
            return contact, None
        if options.dial_first == DialFirst.CONTACT:
            return contact, extension
        return extension, contact


def _own_number(party: Destination) -> str:
    return party.value if party.kind == ExtensionKind.NUMBER else ""


class Attempt(ProgressFields):
    """One order to a provider; `reference` is ours, committed before the provider is asked."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField(_("number"))
    reference = models.CharField(_("our reference"), max_length=36, unique=True, editable=False)
    provider = models.CharField(_("provider"), max_length=64)
    provider_reference = models.CharField(_("provider's reference"), max_length=200, blank=True)
    provider_state = models.JSONField(default=dict, blank=True, editable=False)
    dispatcher = models.CharField(max_length=100, blank=True, editable=False)
    follow_up_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the provider is asked next what became of it."),
    )
    follow_ups = models.PositiveSmallIntegerField(default=0, editable=False)
    a_ringing_at = models.DateTimeField(null=True, blank=True)
    a_answered_at = models.DateTimeField(null=True, blank=True)
    a_ended_at = models.DateTimeField(null=True, blank=True)
    b_ringing_at = models.DateTimeField(null=True, blank=True)
    b_answered_at = models.DateTimeField(null=True, blank=True)
    b_ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("claimed"), auto_now_add=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ("call", "number")
        constraints = (
            models.UniqueConstraint(fields=("call", "number"), name="clicktocall_one_attempt"),
        )
        indexes = (
            models.Index(
                fields=("provider", "provider_reference"), name="ctc_attempt_provider_ref"
            ),
            models.Index(
                fields=("follow_up_at",),
                name="ctc_attempt_follow_up",
                condition=Q(follow_up_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.call_id} #{self.number}"

    @property
    def placement(self) -> Placement:
        return Placement(
            provider_reference=self.provider_reference, provider_state=self.provider_state
        )


class Source(models.TextChoices):
    """Who says so."""

    PROVIDER = "provider", _("provider")
    SELF = "self", _("this site")


class CallEvent(models.Model):
    """One normalised fact about an attempt. Rows are only ever added."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="events")
    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    kind = models.CharField(_("what"), max_length=20, choices=EventKind)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    leg = models.CharField(_("leg"), max_length=1, choices=Leg, null=True, blank=True)
    leg_state = models.CharField(max_length=16, choices=LegState, null=True, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome, null=True, blank=True)
    occurred_at = models.DateTimeField(_("when"))
    talk_seconds = models.PositiveIntegerField(null=True, blank=True)
    recording_url = models.URLField(max_length=500, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    words = models.CharField(_("provider's words"), max_length=500, blank=True)
    answers = models.JSONField(_("answers"), default=dict, blank=True)
    receipt = models.ForeignKey(
        "CallbackReceipt", on_delete=models.SET_NULL, null=True, blank=True, related_name="events"
    )
    dedupe_key = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("noted"), auto_now_add=True)

    class Meta:
        verbose_name = _("call event")
        verbose_name_plural = _("call events")
        ordering = ("occurred_at", "id")
        constraints = (
            models.UniqueConstraint(fields=("attempt", "dedupe_key"), name="clicktocall_one_event"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.leg or ''}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Call events are only ever added, never changed.")
        super().save(*args, **kwargs)

    def fact(self) -> Fact:
        """This row as the state machine reads it."""
        return Fact(
            kind=EventKind(self.kind),
            occurred_at=self.occurred_at,
            leg=Leg(self.leg) if self.leg else None,
            leg_state=LegState(self.leg_state) if self.leg_state else None,
            outcome=Outcome(self.outcome) if self.outcome else None,
            talk_seconds=self.talk_seconds,
            recording_url=self.recording_url,
            price=self.price,
            currency=self.currency,
            words=self.words,
            answers=self.answers,
        )
