"""Form fields for what is stored as JSON: lines, ticks and small groups instead of brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clicktocall.hours import DAYS

# Django's own class takes a type parameter only in its stubs.
if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm

CLOSED = "closed"

_SPAN = re.compile(
    r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*[-–]\s*([0-9]{1,2})(?:[:.]([0-9]{2}))?", re.ASCII
)


class LinesField(forms.CharField):
    """A list of texts, one per line."""

    def __init__(self, *, rows: int = 4, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": rows, "spellcheck": "false"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in str(super().clean(value) or "").splitlines()]
        return [line for line in lines if line]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), (data or "").replace("\r\n", "\n"))


class NamedValuesField(forms.CharField):
    """Names with texts, one `name = value` per line."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{name} = {text}" for name, text in value.items())

    def clean(self, value: Any) -> Any:
        named: dict[str, str] = {}
        for line in str(super().clean(value) or "").splitlines():
            if not line.strip():
                continue
            name, equals, text = (part.strip() for part in line.partition("="))
            if not equals or not name:
                raise ValidationError(_("Write each line as name = value."))
            if name in named:
                raise ValidationError(_("“%(name)s” stands twice."), params={"name": name[:100]})
            named[name] = text
        return named

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), (data or "").replace("\r\n", "\n"))


class TicksField(forms.MultipleChoiceField):
    """A list of known words as ticks."""

    widget = forms.CheckboxSelectMultiple

    def offer(self, words: Iterable[str]) -> None:
        """Offer these words, named by themselves."""
        self.choices = [(word, word) for word in words]


class GroupWidget(forms.MultiWidget):
    """Several labelled inputs for one value that is an object.

    It renders with the project's own templates, because a form renderer need not know ours.
    """

    use_fieldset = True
    widgets_names: Sequence[str]

    def __init__(self, parts: Mapping[str, forms.Field], labels: Mapping[str, Any]) -> None:
        self.labels = labels
        super().__init__({name: part.widget for name, part in parts.items()})

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        values = value if isinstance(value, list) else self.decompress(value)
        outer = self.build_attrs(self.attrs, attrs)
        base = outer.pop("id", None) or f"id_{name}"
        parts = []
        for suffix, label, widget, part in zip(
            self.widgets_names, self.labels.values(), self.widgets, values, strict=True
        ):
            own = {**outer, "id": f"{base}{suffix}"}
            parts.append(
                {
                    "label": label,
                    "for": widget.id_for_label(own["id"]),
                    "html": widget.render(f"{name}{suffix}", part, own, renderer),
                }
            )
        return render_to_string("admin/clicktocall/group.html", {"parts": parts})

    def decompress(self, value: Any) -> list[Any]:
        stored = value if isinstance(value, dict) else {}
        return [stored.get(name) for name in self.labels]


class GroupField(forms.MultiValueField):
    """An object with known keys; empty parts are left out."""

    widget: GroupWidget
    widget_class = GroupWidget

    def __init__(
        self, parts: Mapping[str, forms.Field], labels: Mapping[str, Any], **kwargs: Any
    ) -> None:
        self.names = tuple(parts)
        super().__init__(
            fields=tuple(parts.values()),
            widget=self.widget_class(parts, labels),
            require_all_fields=False,
            **kwargs,
        )

    def compress(self, data_list: Sequence[Any]) -> Any:
        return {name: value for name, value in zip(self.names, data_list, strict=False) if value}


class TextsField(GroupField):
    """An object of short texts with known keys."""

    def __init__(
        self, labels: Mapping[str, Any], placeholders: Mapping[str, str], **kwargs: Any
    ) -> None:
        parts = {
            name: forms.CharField(
                required=False,
                widget=forms.TextInput(
                    attrs={"placeholder": placeholders.get(name, ""), "maxlength": 200}
                ),
            )
            for name in labels
        }
        super().__init__(parts, labels, **kwargs)


ZONES_LIST = "ctc-zones"  # the page holds one <datalist> for all fields of this kind


def zone_field() -> forms.CharField:
    """A time zone's name, typed with suggestions: six hundred options would stand in each list."""
    widget = forms.TextInput(attrs={"list": ZONES_LIST, "autocomplete": "off"})
    return forms.CharField(max_length=64, required=False, widget=widget)


@cache
def zone_names() -> tuple[str, ...]:
    """What is suggested: the zones that are named after places."""
    return tuple(
        sorted(name for name in available_timezones() if "/" in name and "Etc/" not in name)
    )


class OpeningHoursWidget(GroupWidget):
    """Stored spans as people write them: "09:00-12:30, 13:30-17:00"."""

    def decompress(self, value: Any) -> list[Any]:
        stored = value if isinstance(value, dict) else {}
        zone = stored.get("time_zone") or timezone.get_default_timezone_name()
        days = [self._spans(stored.get(day)) for day in DAYS]
        return [zone, *days, self._exceptions(stored.get("exceptions"))]

    def _exceptions(self, exceptions: Any) -> str:
        dated = exceptions if isinstance(exceptions, dict) else {}
        return "\n".join(f"{day} {self._spans(dated[day]) or CLOSED}" for day in sorted(dated))

    def _spans(self, spans: Any) -> str:
        if not isinstance(spans, list):
            return ""
        return ", ".join("-".join(map(str, span)) for span in spans if isinstance(span, list))


class OpeningHoursField(GroupField):
    """Weekly hours: a zone, spans for each day, and single dates with hours of their own."""

    widget_class = OpeningHoursWidget

    def __init__(self, **kwargs: Any) -> None:
        hours = {"placeholder": "09:00-12:30, 13:30-17:00"}
        parts: dict[str, forms.Field] = {"time_zone": zone_field()}
        labels: dict[str, Any] = {"time_zone": gettext_lazy("time zone")}
        for number, day in enumerate(DAYS):
            attrs = hours if number == 0 else {}
            parts[day] = forms.CharField(
                required=False, max_length=100, widget=forms.TextInput(attrs=attrs)
            )
            labels[day] = WEEKDAYS[number]
        dates = {"rows": 3, "placeholder": f"2026-12-24 09:00-12:00\n2026-12-25 {CLOSED}"}
        parts["exceptions"] = forms.CharField(required=False, widget=forms.Textarea(attrs=dates))
        labels["exceptions"] = gettext_lazy("single dates")
        super().__init__(parts, labels, **kwargs)

    def compress(self, data_list: Sequence[Any]) -> dict[str, Any]:
        zone, *texts, dates = data_list or ["", ""]
        days = {
            day: self._spans(str(WEEKDAYS[number]), text)
            for number, (day, text) in enumerate(zip(DAYS, texts, strict=False))
            if text
        }
        lines = [self._exception(line.strip()) for line in dates.splitlines() if line.strip()]
        exceptions = dict(lines)
        if len(exceptions) < len(lines):
            raise ValidationError(_("Write every single date once."))
        if not days and not exceptions:
            return {}
        dated = {"exceptions": exceptions} if exceptions else {}
        return {"time_zone": zone or "UTC", **days, **dated}

    def _exception(self, line: str) -> tuple[str, list[list[str]]]:
        day, _space, text = line.partition(" ")
        if not text.strip():
            raise ValidationError(
                _("%(line)s: write a date and its hours, or “%(closed)s”."),
                params={"line": line[:40], "closed": CLOSED},
            )
        return day, [] if text.strip().lower() == CLOSED else self._spans(day, text)

    def _spans(self, day: str, text: str) -> list[list[str]]:
        return [self._span(day, part) for part in text.split(",")]

    def _span(self, day: str, text: str) -> list[str]:
        match = _SPAN.fullmatch(text.strip())
        if match is None:
            raise ValidationError(
                _("%(day)s: write hours such as 09:00-17:30, several with commas between."),
                params={"day": day[:40]},
            )
        from_hour, from_minute, to_hour, to_minute = match.groups(default="00")
        return [f"{from_hour:0>2}:{from_minute}", f"{to_hour:0>2}:{to_minute}"]


class DeliveryWindowWidget(GroupWidget):
    def decompress(self, value: Any) -> list[Any]:
        stored = value if isinstance(value, dict) else {}
        days = [str(day).lower() for day in stored.get("days") or ()]
        zone = stored.get("time_zone") or timezone.get_default_timezone_name()
        return [days, self._clock(stored.get("from")), self._clock(stored.get("to")), zone]

    def _clock(self, stored: Any) -> str:
        if not isinstance(stored, dict) or "hour" not in stored:
            return ""
        return f"{stored['hour']:0>2}:{stored.get('minute', 0):0>2}"


class DeliveryWindowField(GroupField):
    """Infobip's `deliveryTimeWindow`: days, from, to, and our time zone."""

    widget_class = DeliveryWindowWidget

    def __init__(self, **kwargs: Any) -> None:
        clock = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
        parts: dict[str, forms.Field] = {
            "days": TicksField(
                choices=[(day, WEEKDAYS[number]) for number, day in enumerate(DAYS)],
                required=False,
            ),
            "from": forms.TimeField(required=False, widget=clock),
            "to": forms.TimeField(required=False, widget=clock),
            "time_zone": zone_field(),
        }
        labels = {
            "days": gettext_lazy("days (none: all seven)"),
            "from": gettext_lazy("from"),
            "to": gettext_lazy("to"),
            "time_zone": gettext_lazy("time zone"),
        }
        super().__init__(parts, labels, **kwargs)

    def compress(self, data_list: Sequence[Any]) -> dict[str, Any]:
        if not data_list:
            return {}
        days, start, end, zone = data_list
        window: dict[str, Any] = {}
        if days:
            window["days"] = [day.upper() for day in days]
        for name, at in (("from", start), ("to", end)):
            if at is not None:
                window[name] = {"hour": at.hour, "minute": at.minute}
        return {**window, "time_zone": zone or "UTC"} if window else {}
