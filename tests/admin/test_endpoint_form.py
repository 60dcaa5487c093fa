"""The endpoint's form: friendly fields in, exact settings out, every error in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from clicktocall.endpoints.validate import check_endpoint
from clicktocall.models import Endpoint, Role
from tests.admin.conftest import House, list_of, page_of
from tests.admin.forms import filled_form
from tests.factories import make_account, make_endpoint, make_owned_number

pytestmark = pytest.mark.django_db

ADD = "/admin/clicktocall/endpoint/add/"


def saved(client: Client, page: str, **changes: Any) -> Endpoint:
    answer = client.post(page, filled_form(client.get(page), **changes))
    assert answer.status_code == 302, answer.context["adminform"].form.errors.as_text()
    return Endpoint.objects.latest("updated_at")


def errors(client: Client, page: str, **changes: Any) -> dict[str, list[str]]:
    answer = client.post(page, filled_form(client.get(page), **changes))
    assert answer.status_code == 200, "it was saved"
    return dict(answer.context["adminform"].form.errors)


def test_a_new_endpoint_from_its_form(superuser: Client) -> None:
    account = make_account()
    endpoint = saved(
        superuser,
        ADD,
        account=account.pk,
        name="Workshop",
        extension="+44 20 7946 0150",
        fallback_phone="+44 20 7946 0199",
        allowed_countries=["US", "GB"],
        usual_country="US",
        allow_any_number="on",
        allowed_origins="https://www.example.com/\r\nhttp://localhost:8000\r\n\r\n",
        visitor_fields=["name", "question"],
        labels_button="Ring me",
        theme_accent="#0b6e4f",
        opening_hours_time_zone="Europe/London",
        opening_hours_monday="9-12.30, 13:30 – 17:00",
        opening_hours_exceptions="2026-12-25 closed\r\n\r\n 2026-12-24  9-12, 13-14\r\n",
        delivery_time_window_days=["monday", "friday"],
        delivery_time_window_from="09:00",
        delivery_time_window_to="17:30",
        delivery_time_window_time_zone="Europe/Paris",
        parameters="language = en\r\nmenu=sales",
        provider="sandbox",
    )
    assert endpoint.extension == "+442079460150"
    assert endpoint.fallback_phone == "+442079460199"
    assert endpoint.allowed_countries == ["US", "GB"]
    assert endpoint.allowed_origins == ["https://www.example.com", "http://localhost:8000"]
    assert endpoint.visitor_fields == ["name", "question"]
    assert endpoint.labels == {"button": "Ring me"}
    assert endpoint.theme == {"accent": "#0b6e4f"}
    assert endpoint.opening_hours == {
        "time_zone": "Europe/London",
        "monday": [["09:00", "12:30"], ["13:30", "17:00"]],
        "exceptions": {
            "2026-12-25": [],
            "2026-12-24": [["09:00", "12:00"], ["13:00", "14:00"]],
        },
    }
    assert endpoint.delivery_time_window == {
        "days": ["MONDAY", "FRIDAY"],
        "from": {"hour": 9, "minute": 0},
        "to": {"hour": 17, "minute": 30},
        "time_zone": "Europe/Paris",
    }
    assert endpoint.parameters == {"language": "en", "menu": "sales"}
    check_endpoint(endpoint)


def test_what_is_left_empty_stays_empty(superuser: Client) -> None:
    endpoint = saved(
        superuser, ADD, account=make_account().pk, name="Plain", extension="+442079460150"
    )
    for field in ("opening_hours", "delivery_time_window", "labels", "theme", "parameters"):
        assert getattr(endpoint, field) == {}, field
    for field in ("allowed_countries", "allowed_origins", "visitor_fields", "fallback_providers"):
        assert getattr(endpoint, field) == [], field


def test_saving_a_page_unchanged_changes_nothing(superuser: Client) -> None:
    account = make_account()
    endpoint = make_endpoint(
        account,
        caller_id_a=make_owned_number(account),
        whitelist=[r"\+4420", r"\+1202"],
        allowed_countries=["US", "GB", "DE"],
        opening_hours={
            "time_zone": "Asia/Tokyo",
            "sunday": [["22:00", "02:00"], ["09:00", "24:00"]],
            "exceptions": {"2026-12-31": [["09:00", "12:00"]], "2027-01-01": []},
        },
        delivery_time_window={"from": {"hour": 8}, "to": {"hour": 20, "minute": 5}},
        custom_sip_headers={"in": {"X-A": "1"}, "out": {}},
        custom_application_vars={"a": "b = c"},
        labels={"title": "Hello"},
        theme={"radius": "4px"},
        consent_text="Yes?\nReally.",
        consent_version="1",
        max_duration=600,
        warning_time=30,
    )
    page = page_of(endpoint)
    answer = superuser.post(page, filled_form(superuser.get(page)))
    assert answer.status_code == 302, answer.context["adminform"].form.errors.as_text()
    fresh = Endpoint.objects.get(pk=endpoint.pk)
    for field in Endpoint._meta.fields:
        if field.name not in ("updated_at", "delivery_time_window", "consent_text"):
            assert getattr(fresh, field.name) == getattr(endpoint, field.name), field.name
    assert fresh.consent_text.split() == endpoint.consent_text.split()
    assert fresh.delivery_time_window == {
        "from": {"hour": 8, "minute": 0},
        "to": {"hour": 20, "minute": 5},
        "time_zone": "UTC",
    }
    assert fresh.whitelist.count() == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"extension": "call me"}, "extension"),
        ({"extension": "020 7946 0150"}, "extension"),
        ({"extension_kind": "sip", "extension": "sales"}, "extension"),
        ({"extension_kind": "pbx", "extension": "10 00"}, "extension"),
        ({"fallback_phone": "12"}, "fallback_phone"),
        ({"timeout": "4"}, "timeout"),
        ({"max_duration": "60", "warning_time": "60"}, "warning_time"),
        ({"max_duration": "99999"}, "max_duration"),
        ({"retry_max_count": "5"}, "retry_max_count"),
        ({"retry_max_count": "2"}, "retry_min_period"),
        (
            {"retry_max_count": "2", "retry_min_period": "9", "retry_max_period": "3"},
            "retry_max_period",
        ),
        (
            {"delivery_time_window_from": "09:00", "delivery_time_window_to": "09:59"},
            "delivery_time_window",
        ),
        ({"delivery_time_window_from": "09:00"}, "delivery_time_window"),
        ({"delivery_time_window_from": "nine"}, "delivery_time_window"),
        ({"opening_hours_monday": "all day"}, "opening_hours"),
        ({"opening_hours_friday": "25:00-26:00"}, "opening_hours"),
        ({"opening_hours_exceptions": "2026-12-25"}, "opening_hours"),
        ({"opening_hours_exceptions": "Christmas closed"}, "opening_hours"),
        (
            {
                "opening_hours_monday": "9-17",
                "opening_hours_exceptions": "2026-12-25 closed\n2026-12-25 9-12",
            },
            "opening_hours",
        ),
        (
            {"opening_hours_friday": "9-17", "opening_hours_time_zone": "Europe/Londn"},
            "opening_hours",
        ),
        ({"allowed_origins": "https://www.example.com/shop"}, "allowed_origins"),
        ({"allowed_origins": "javascript:alert(1)"}, "allowed_origins"),
        ({"allowed_countries": ["XX"]}, "allowed_countries"),
        ({"allowed_countries": ["GB"], "usual_country": "FR"}, "usual_country"),
        ({"consent_text": "Yes?", "consent_version": ""}, "consent_version"),
        ({"consent_text": "", "consent_version": "3"}, "consent_text"),
        ({"privacy_url": "not an address"}, "privacy_url"),
        ({"visitor_fields": ["password"]}, "visitor_fields"),
        ({"theme_accent": "red;}"}, "theme"),
        ({"theme_radius": "1em"}, "theme"),
        ({"provider": "nobody"}, "provider"),
        ({"provider": ""}, "provider"),
        ({"fallback_providers": "nobody"}, "fallback_providers"),
        ({"fallback_providers": "sandbox"}, "fallback_providers"),
        ({"anonymization": "on"}, "caller_id_a"),
        ({"callee_id_number": "ring"}, "callee_id_number"),
        ({"custom_sip_headers": '{"X A": "1"}'}, "custom_sip_headers"),
        ({"custom_sip_headers": "{"}, "custom_sip_headers"),
        ({"custom_application_vars": "no equals sign"}, "custom_application_vars"),
        ({"parameters": "a = 1\na = 2"}, "parameters"),
        ({"transfers": "{}"}, "transfers"),
        ({"transfers": '[{"transferTo": "+442079460101", "if": "dtmf"}]'}, "transfers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_contradiction_is_told_at_its_field(
    superuser: Client, changes: dict[str, Any], field: str
) -> None:
    endpoint = make_endpoint()
    found = errors(superuser, page_of(endpoint), **changes)
    assert field in found
    assert len(found[field]) == len(set(found[field]))
    assert "__all__" not in found
    assert Endpoint.objects.get(pk=endpoint.pk).updated_at == endpoint.updated_at


def test_an_error_opens_the_folded_part(superuser: Client) -> None:
    page = page_of(make_endpoint())
    answer = superuser.post(page, filled_form(superuser.get(page), callee_id_number="ring"))
    assert "<details><summary>" not in answer.content.decode()


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("+44", r"Write a literal plus as \+."), ("(", "not a valid pattern"), ("44", "never match")],
)
def test_a_pattern_that_cannot_work_is_refused(superuser: Client, pattern: str, said: str) -> None:
    page = page_of(make_endpoint(whitelist=[r"\+44"]))
    answer = superuser.post(
        page, filled_form(superuser.get(page), **{"whitelist-0-pattern": pattern})
    )
    assert answer.status_code == 200
    found = answer.context["inline_admin_formsets"][0].formset.errors
    assert said in found[0]["pattern"][0]


def test_numbers_of_the_endpoint_s_account_only(superuser: Client) -> None:
    account, other = make_account(), make_account()
    ours, theirs = make_owned_number(account), make_owned_number(other)
    bridge_only = make_owned_number(account, for_leg_a=False)
    form = superuser.get(page_of(make_endpoint(account))).context["adminform"].form
    assert list(form.fields["caller_id_a"].queryset) == [ours]
    assert set(form.fields["bridge"].queryset) == {ours, bridge_only}
    new = superuser.get(ADD).context["adminform"].form
    assert set(new.fields["bridge"].queryset) == {ours, theirs, bridge_only}


def test_only_the_account_s_providers_may_be_chosen(
    settings: Any, superuser: Client, member: Callable[..., Client]
) -> None:
    ours, theirs = make_account(), make_account()
    sandbox = settings.CLICKTOCALL["PROVIDERS"]["sandbox"]
    settings.CLICKTOCALL = {
        **settings.CLICKTOCALL,
        "PROVIDERS": {"sandbox": sandbox, "vip": {**sandbox, "ACCOUNTS": [theirs.pk]}},
    }
    page = page_of(make_endpoint(ours))
    assert errors(superuser, page, provider="vip").keys() == {"provider"}
    choices = member(ours, Role.EDITOR).get(page).context["adminform"].form.fields["provider"]
    assert [alias for alias, _label in choices.choices] == ["sandbox"]
    assert "vip" not in member(ours, Role.EDITOR).get(ADD).content.decode()


def test_an_endpoint_never_moves_to_another_account(superuser: Client) -> None:
    endpoint, other = make_endpoint(), make_account()
    saved(superuser, page_of(endpoint), account=other.pk, name="Renamed")
    assert Endpoint.objects.get(name="Renamed").account_id == endpoint.account_id


def test_the_only_account_is_chosen_already(ours: House, member: Callable[..., Client]) -> None:
    form = member(ours.account, Role.EDITOR).get(ADD).context["adminform"].form
    assert form.initial["account"] == ours.account.pk
    assert form.initial["provider"] == "sandbox"


def test_what_a_provider_does_not_honour_is_said(superuser: Client) -> None:
    page = superuser.get(page_of(make_endpoint(ringback="soft", presence_id="desk")))
    notices = "".join(page.context["notices"])
    assert "Not honoured by Sandbox (sandbox): ringback, presence id." in notices
    fields = page.context["adminform"].form.fields
    assert "Not honoured by Sandbox" in fields["ringback"].help_text
    assert "Not honoured" not in str(fields["music_on_hold"].help_text)


def test_why_nothing_rings_is_said(superuser: Client) -> None:
    endpoint = make_endpoint(
        caller_id_b=make_owned_number(),
        active=False,
        allowed_origins=[],
        allowed_countries=[],
        allow_any_number=False,
    )
    assert len(superuser.get(page_of(endpoint)).context["notices"]) == 4
    fine = make_endpoint(caller_id_b=make_owned_number())
    assert superuser.get(page_of(fine)).context["notices"] == []


@pytest.mark.parametrize("first", ["extension", "contact"])
def test_an_extension_shown_to_every_visitor_is_said(superuser: Client, first: str) -> None:
    their_leg, our_leg = ("b", "a") if first == "extension" else ("a", "b")
    endpoint = make_endpoint(dial_first=first)
    setattr(endpoint, f"caller_id_{our_leg}", make_owned_number(endpoint.account))
    endpoint.save()
    (notice,) = superuser.get(page_of(endpoint)).context["notices"]
    assert "+44 20 7946 0150" in notice
    assert f"caller id for leg {their_leg.upper()}" in notice
    setattr(endpoint, f"caller_id_{their_leg}", make_owned_number(endpoint.account))
    endpoint.save()
    assert superuser.get(page_of(endpoint)).context["notices"] == []


def test_an_extension_that_is_no_number_is_shown_to_nobody(superuser: Client) -> None:
    endpoint = make_endpoint(extension_kind="sip", extension="sip:desk@pbx.example")
    assert superuser.get(page_of(endpoint)).context["notices"] == []


def test_a_provider_that_is_gone_is_named(superuser: Client) -> None:
    endpoint = make_endpoint(provider="former")
    page = superuser.get(page_of(endpoint))
    assert "former (not available)" in page.content.decode()
    assert "provider" in errors(superuser, page_of(endpoint), name="x")


def test_a_viewer_sees_all_settings_but_no_form(ours: House, member: Callable[..., Client]) -> None:
    page = member(ours.account, Role.VIEWER).get(page_of(ours.endpoint))
    assert page.status_code == 200
    text = page.content.decode()
    assert "OURS consent" in text
    assert "United Kingdom" in text
    assert 'name="name"' not in text


def test_switching_off_and_on(superuser: Client) -> None:
    endpoint = make_endpoint()
    for action, active in (("switch_off", False), ("switch_on", True)):
        data = {"action": action, "_selected_action": [endpoint.pk]}
        superuser.post(list_of(Endpoint), data)
        assert Endpoint.objects.get(pk=endpoint.pk).active is active
