"""Whoever works for one account sees nothing of another: every route, every role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from clicktocall.models import (
    Account,
    ApiKey,
    Brake,
    Call,
    CallbackReceipt,
    Circuit,
    Delivery,
    Dispatcher,
    Endpoint,
    Membership,
    OwnedNumber,
    Refusal,
    RefusalCount,
    Role,
    Webhook,
)
from tests.admin.conftest import House, list_of, page_of
from tests.admin.forms import filled_form
from tests.factories import make_endpoint

pytestmark = pytest.mark.django_db

ROLES = [*Role.values, "nobody"]
MODELS = [
    model
    for model in admin.site._registry
    if model._meta.app_label == "clicktocall" and model not in (Circuit, Dispatcher)
]
WITH_ACCOUNT = [
    *(Account, ApiKey, Brake, Call, CallbackReceipt, Delivery),
    *(Endpoint, Refusal, RefusalCount, Webhook),
]


def objects_of(house: House) -> dict[Any, Any]:
    return {
        Account: house.account,
        ApiKey: house.key,
        Brake: house.brake,
        Call: house.call,
        CallbackReceipt: house.receipt,
        Delivery: house.delivery,
        Endpoint: house.endpoint,
        Refusal: house.refusal,
        RefusalCount: house.count,
        Webhook: house.webhook,
    }


def routes(model: Any) -> list[tuple[str, bool]]:
    """The names of a model's admin routes, and whether each is about one object."""
    return [
        (pattern.name, "object_id" in str(pattern.pattern))
        for pattern in admin.site._registry[model].get_urls()
        if pattern.name
    ]


def test_every_model_of_this_app_stands_in_the_test() -> None:
    assert sorted(MODELS, key=str) == sorted(WITH_ACCOUNT, key=str)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("model", WITH_ACCOUNT, ids=lambda model: model.__name__)
def test_no_route_shows_another_account(
    role: str, model: Any, ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    client = member(None) if role == "nobody" else member(ours.account, role)
    foreign = objects_of(theirs)[model]
    for name, about_one in routes(model):
        address = reverse(f"admin:{name}", args=(foreign.pk,) if about_one else ())
        for answer in (client.get(address), client.post(address, {"post": "yes", "name": "mine"})):
            assert answer.status_code in ((302, 403, 404) if about_one else (200, 302, 403))
            assert theirs.mark.lower() not in answer.content.decode().lower(), address
    foreign.refresh_from_db()
    assert Endpoint.objects.get(pk=theirs.endpoint.pk).name == theirs.endpoint.name


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("model", WITH_ACCOUNT, ids=lambda model: model.__name__)
def test_a_member_sees_the_own_account(
    role: str, model: Any, ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    client = member(ours.account, role)
    assert client.get(page_of(objects_of(ours)[model])).status_code == 200
    assert client.get(list_of(model)).context["cl"].result_count == 1


@pytest.mark.parametrize("model", WITH_ACCOUNT, ids=lambda model: model.__name__)
def test_a_superuser_sees_everything(
    model: Any, ours: House, theirs: House, superuser: Client
) -> None:
    assert superuser.get(list_of(model)).context["cl"].result_count == 2
    for house in (ours, theirs):
        assert superuser.get(page_of(objects_of(house)[model])).status_code == 200


@pytest.mark.parametrize("query", ["q=THEIRS", "q=%2B442079460177", "q=020+7946+0177"])
@pytest.mark.parametrize("model", [Account, ApiKey, Call, Endpoint, Refusal])
def test_search_finds_nothing_of_others(
    model: Any, query: str, ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    answer = member(ours.account, Role.MANAGER).get(f"{list_of(model)}?{query}")
    assert answer.context["cl"].result_count == 0
    assert f"{theirs.mark} " not in answer.content.decode()  # what was typed stands there again


def test_a_filter_by_a_foreign_object_finds_nothing(
    ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    client = member(ours.account, Role.MANAGER)
    make_endpoint(ours.account, name="Second")  # a filter with one choice is not shown
    for model in (Call, Refusal, RefusalCount):
        answer = client.get(list_of(model), {"endpoint__id__exact": theirs.endpoint.pk})
        assert answer.status_code == 200
        assert answer.context["cl"].result_count == 0
        assert theirs.mark not in answer.content.decode()
        assert "Second" in answer.content.decode()


def test_autocomplete_names_no_foreign_object(
    ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    client = member(ours.account, Role.MANAGER)
    for model_name, field_name in (("endpoint", "account"), ("call", "endpoint")):
        answer = client.get(
            reverse("admin:autocomplete"),
            {"app_label": "clicktocall", "model_name": model_name, "field_name": field_name},
        )
        assert answer.status_code == 200
        assert [row["text"].split()[0] for row in answer.json()["results"]] == [ours.mark]


def test_dropdowns_offer_only_what_may_be_changed(
    ours: House, theirs: House, house: Callable[..., House], member: Callable[..., Client]
) -> None:
    watched = house("WATCHED", "0178")
    client = member(ours.account, Role.EDITOR)
    user_id = client.session["_auth_user_id"]
    Membership.objects.create(account=watched.account, user_id=user_id, role=Role.VIEWER)
    form = client.get(list_of(Endpoint, "add")).context["adminform"].form
    assert [account.name for account in form.fields["account"].queryset] == [ours.account.name]
    for field in ("caller_id_a", "caller_id_b", "bridge"):
        assert list(form.fields[field].queryset) == [ours.number]


def test_a_foreign_account_or_number_cannot_be_posted(
    ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    client = member(ours.account, Role.MANAGER)
    add = list_of(Endpoint, "add")
    posted = filled_form(
        client.get(add),
        name="Stolen",
        extension="+442079460150",
        account=theirs.account.pk,
        caller_id_a=str(theirs.number.pk),
    )
    answer = client.post(add, posted)
    assert set(answer.context["adminform"].form.errors) >= {"account", "caller_id_a"}
    assert theirs.mark not in answer.content.decode()
    key = client.post(
        list_of(ApiKey, "add"),
        {"account": theirs.account.pk, "name": "Stolen", "scopes": ["read"]},
    )
    assert "account" in key.context["adminform"].form.errors
    assert not Endpoint.objects.filter(name="Stolen").exists()
    assert not ApiKey.objects.filter(name="Stolen").exists()


@pytest.mark.parametrize("action", ["delete_selected", "switch_off"])
def test_bulk_actions_leave_others_alone(
    action: str, ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    client = member(ours.account, Role.MANAGER)
    data = {"action": action, "_selected_action": [theirs.endpoint.pk], "post": "yes"}
    answer = client.post(list_of(Endpoint), data, follow=True)
    assert theirs.mark not in answer.content.decode()
    assert Endpoint.objects.get(pk=theirs.endpoint.pk).active


def test_foreign_keys_cannot_be_revoked(
    ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    client = member(ours.account, Role.MANAGER)
    assert client.post(page_of(theirs.key, "revoke")).status_code == 404
    theirs.key.refresh_from_db()
    assert theirs.key.revoked_at is None


@pytest.mark.parametrize(
    ("role", "endpoints", "account_things"),
    [(Role.VIEWER, False, False), (Role.EDITOR, True, False), (Role.MANAGER, True, True)],
)
def test_roles_say_what_may_be_changed(
    role: str,
    endpoints: bool,
    account_things: bool,
    ours: House,
    member: Callable[..., Client],
) -> None:
    client = member(ours.account, role)
    pages = {
        list_of(Endpoint, "add"): endpoints,
        page_of(ours.endpoint, "delete"): endpoints,
        list_of(ApiKey, "add"): account_things,
        page_of(ours.key, "revoke"): account_things,
        list_of(Account, "add"): False,
        page_of(ours.account, "delete"): False,
    }
    assert {page: client.get(page).status_code for page in pages} == {
        page: 200 if allowed else 403 for page, allowed in pages.items()
    }
    assert client.get(page_of(ours.endpoint)).context["has_change_permission"] is endpoints
    account = client.get(page_of(ours.account))
    assert account.context["has_change_permission"] is account_things
    inlines = account.context["inline_admin_formsets"]
    assert {inline.has_change_permission for inline in inlines} == {account_things}
    assert client.post(page_of(ours.endpoint), {"name": "x"}).status_code == (
        200 if endpoints else 403
    )


def test_a_role_in_one_account_gives_no_right_in_another(
    ours: House, theirs: House, member: Callable[..., Client]
) -> None:
    """Manager here, viewer there: the other account's endpoint is shown, but read-only."""
    client = member(ours.account, Role.MANAGER)
    Membership.objects.create(
        account=theirs.account, user_id=client.session["_auth_user_id"], role=Role.VIEWER
    )
    page = page_of(theirs.endpoint)
    assert client.get(page).context["has_change_permission"] is False
    assert client.post(page, {"name": "x"}).status_code == 403
    data = {"action": "switch_off", "_selected_action": [theirs.endpoint.pk, ours.endpoint.pk]}
    client.post(list_of(Endpoint), data)
    assert Endpoint.objects.get(pk=theirs.endpoint.pk).active
    assert not Endpoint.objects.get(pk=ours.endpoint.pk).active
    for key in (theirs.key, ours.key):
        client.post(page_of(key, "revoke"))
    assert ApiKey.objects.get(pk=theirs.key.pk).revoked_at is None
    assert ApiKey.objects.get(pk=ours.key.pk).revoked_at is not None


def test_django_s_own_permissions_still_count(ours: House, member: Callable[..., Client]) -> None:
    client = member(ours.account, Role.MANAGER)
    from django.contrib.auth.models import User

    User.objects.get(pk=client.session["_auth_user_id"]).user_permissions.clear()
    assert client.get(list_of(Call)).status_code == 403
    assert client.get(page_of(ours.endpoint)).status_code == 403


def test_history_and_evidence_are_read_only(ours: House, superuser: Client) -> None:
    for model in (Call, CallbackReceipt, Refusal, RefusalCount):
        obj = objects_of(ours)[model]
        assert superuser.get(list_of(model, "add")).status_code == 403
        assert superuser.post(page_of(obj), {"state": "ended"}).status_code == 403
        assert superuser.post(page_of(obj, "delete"), {"post": "yes"}).status_code == 403
        data = {"action": "delete_selected", "_selected_action": [obj.pk], "post": "yes"}
        superuser.post(list_of(model), data)
        assert model.objects.filter(pk=obj.pk).exists()


def test_a_receipt_s_text_is_withheld_where_others_share_the_provider(
    ours: House, theirs: House, member: Callable[..., Client], settings: Any
) -> None:
    client = member(ours.account, Role.MANAGER)
    page = page_of(ours.receipt)
    assert "OURS body" not in client.get(page).content.decode()
    providers = settings.CLICKTOCALL["PROVIDERS"]
    own = {"sandbox": {**providers["sandbox"], "ACCOUNTS": [ours.account.pk]}}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": own}
    assert "OURS body" in client.get(page).content.decode()


@pytest.mark.parametrize("lookup", ["error__contains=x", "body__gt=a", "query__a=1"])
def test_a_withheld_text_cannot_be_guessed_by_filtering(
    lookup: str, ours: House, member: Callable[..., Client]
) -> None:
    client = member(ours.account, Role.MANAGER)
    assert client.get(f"{list_of(CallbackReceipt)}?{lookup}").status_code == 400


def test_an_endpoint_without_calls_can_be_deleted_with_its_refusals(
    ours: House, member: Callable[..., Client]
) -> None:
    client = member(ours.account, Role.EDITOR)
    spare = make_endpoint(ours.account, name="Spare")
    Refusal.objects.create(endpoint=spare, rule="x", code="y", door="embed")
    assert client.post(page_of(spare, "delete"), {"post": "yes"}).status_code == 302
    assert not Endpoint.objects.filter(pk=spare.pk).exists()
    client.post(page_of(ours.endpoint, "delete"), {"post": "yes"})
    assert Endpoint.objects.filter(pk=ours.endpoint.pk).exists()  # its calls keep it


def test_members_are_named_by_user_name(ours: House, member: Callable[..., Client]) -> None:
    from django.contrib.auth.models import User

    User.objects.create_user("newcomer")
    client = member(ours.account, Role.MANAGER)
    page = page_of(ours.account)
    added = {
        "memberships-TOTAL_FORMS": "3",
        "memberships-2-account": ours.account.pk,
        "memberships-2-role": "viewer",
    }
    wrong = client.post(page, filled_form(client.get(page), **added, **{"memberships-2-user": "x"}))
    assert "There is no user with this name." in wrong.content.decode()
    posted = filled_form(client.get(page), **added, **{"memberships-2-user": "newcomer"})
    assert client.post(page, posted).status_code == 302
    assert Membership.objects.filter(account=ours.account, user__username="newcomer").exists()
    assert OwnedNumber.objects.get(pk=ours.number.pk).provider_aliases == []
