"""`{% click_to_call %}`: one element each, one script per page, a context nobody can forge."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
import time_machine
from django.core.management import call_command
from django.template import Context, Template, TemplateSyntaxError, engines
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from phonenumber_field.phonenumber import PhoneNumber

from clicktocall.endpoints.context import read_context, sign_context
from clicktocall.models import Endpoint
from tests.factories import make_endpoint

pytestmark = pytest.mark.django_db


def render(tag: str, **context: Any) -> str:
    return Template("{% load clicktocall %}" + tag).render(Context(context)).strip()


def test_an_endpoint_or_its_id() -> None:
    endpoint = make_endpoint(fallback_phone="+442079460199", allowed_countries=["GB"])
    expected = (
        '<script async src="http://127.0.0.1:8000/static/clicktocall/widget.js" '
        'data-api="http://127.0.0.1:8000/clicktocall/"></script>'
        f'<click-to-call endpoint="{endpoint.pk}">'
        '<a href="tel:+442079460199">Call us on 020 7946 0199</a></click-to-call>'
    )
    assert render("{% click_to_call endpoint %}", endpoint=endpoint) == expected
    assert render("{% click_to_call id %}", id=endpoint.pk) == expected
    assert render(f'{{% click_to_call "{endpoint.pk}" %}}') == expected


def test_the_script_stands_once_per_page() -> None:
    one, two = make_endpoint(), make_endpoint()
    both = "{% click_to_call one %}{% for _ in 'ab' %}{% click_to_call two %}{% endfor %}"
    page = render(both, one=one, two=two)
    assert page.count("<script") == 1
    assert page.count("<click-to-call") == 3
    assert render(both, one=one, two=two).count("<script") == 1  # the next page has its own


def test_the_script_stands_once_with_included_and_inherited_templates() -> None:
    from django.template import Engine

    engine = Engine(
        libraries={"clicktocall": "clicktocall.templatetags.clicktocall"},
        dirs=[str(Path(__file__).resolve().parents[2] / "templates")],
        loaders=[
            (
                "django.template.loaders.locmem.Loader",
                {
                    "base": "{% load clicktocall %}{% click_to_call e %}"
                    "{% block b %}{% endblock %}",
                    "page": "{% extends 'base' %}{% load clicktocall %}{% block b %}"
                    "{% click_to_call e %}{% include 'part' %}{% include 'part' with e=e only %}"
                    "{% endblock %}",
                    "part": "{% load clicktocall %}{% click_to_call e %}",
                },
            ),
            "django.template.loaders.filesystem.Loader",
        ],
    )
    page = engine.get_template("page").render(Context({"e": make_endpoint()}))
    assert page.count("<click-to-call") == 4
    assert page.count("<script") == 1


def test_words_and_mode_are_escaped() -> None:
    page = render(
        "{% click_to_call e label=label mode='floating' %}",
        e=make_endpoint(),
        label='"><script>alert(1)</script>',
    )
    assert 'label="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" mode="floating"' in page
    assert page.count("<script") == 1


def test_the_context_travels_signed() -> None:
    endpoint, other = make_endpoint(), make_endpoint()
    about = {"order": 17, "total": Decimal("9.90"), "who": "Zoë <b>"}
    page = render("{% click_to_call e context=about %}", e=endpoint, about=about)
    signed = re.findall(r' context="([^"]+)"', page)[0]
    assert read_context(endpoint.pk, signed) == {"order": 17, "total": "9.90", "who": "Zoë <b>"}
    assert read_context(other.pk, signed) is None
    assert read_context(endpoint.pk, signed[:-1] + ("A" if signed[-1] != "A" else "B")) is None
    assert read_context(endpoint.pk, "") is None
    assert " context=" not in render("{% click_to_call e context=about %}", e=endpoint, about={})


@pytest.mark.parametrize(
    "spelling",
    [
        "020 7946 0101",
        "+44 (20) 7946-0101",
        "  00442079460101 ",
        PhoneNumber.from_string("+442079460101"),
        PhoneNumber.from_string("020 7946 0101", region="GB"),
        PhoneNumber(raw_input="020 7946 0101"),
        phonenumbers.parse("+442079460101"),
        SimpleLazyObject(lambda: PhoneNumber.from_string("+442079460101")),
        gettext_lazy("020 7946 0101"),
        SafeString("020 7946 0101"),
    ],
    ids=lambda spelling: type(spelling).__name__,
)
def test_a_known_number_is_said_in_its_international_form(spelling: object) -> None:
    page = render(
        "{% click_to_call e contact=phone %}",
        e=make_endpoint(allowed_countries=["GB", "US"]),
        phone=spelling,
    )
    assert ' contact="+442079460101" country="GB">' in page


def test_a_number_s_country_is_said_where_it_may_be_called() -> None:
    endpoint = make_endpoint(allowed_countries=["GB", "US"])
    tag = "{% click_to_call e contact=phone %}"
    assert ' contact="+12025550101" country="US">' in render(
        tag, e=endpoint, phone="+1 202 555 0101"
    )
    french = render(tag, e=endpoint, phone="+33 1 99 00 12 34")
    assert ' contact="+33199001234">' in french


def test_the_host_s_way_of_showing_numbers_does_not_matter(settings: Any) -> None:
    settings.PHONENUMBER_DEFAULT_FORMAT = "NATIONAL"
    page = render(
        "{% click_to_call e contact=phone %}",
        e=make_endpoint(allowed_countries=["GB", "US"]),
        phone=PhoneNumber.from_string("+12025550101"),
    )
    assert ' contact="+12025550101" country="US">' in page


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        "",
        "12345",
        "none of your business",
        "020 7946 0101 ext. 7",
        "tel:+442079460101",
        '+442079460101" onfocus="alert(1)',
        "<script>alert(1)</script>",
        "\x00\ud800",
        "9" * 10_000,
        PhoneNumber(),
        PhoneNumber(raw_input="ring me"),
        PhoneNumber(country_code=44),
        PhoneNumber(country_code=44, national_number=2079460101, extension="7"),
        object(),
        {},
    ],
    ids=lambda nothing: type(nothing).__name__,
)
def test_what_is_no_number_is_left_out(nothing: object) -> None:
    endpoint = make_endpoint(allowed_countries=["GB"])
    page = render("{% click_to_call e contact=phone %}", e=endpoint, phone=nothing)
    assert page == render("{% click_to_call e %}", e=endpoint)


def test_a_user_without_a_number_or_an_endpoint_without_countries_is_no_error() -> None:
    tag = "{% click_to_call e contact=user.phone %}"
    endpoint = make_endpoint(allowed_countries=[])
    assert " contact=" not in render(tag, e=endpoint)
    assert " contact=" not in render(tag, e=endpoint, user={"phone": "020 7946 0101"})
    page = render(tag, e=endpoint, user={"phone": "+44 20 7946 0101"})
    assert ' contact="+442079460101">' in page


def test_a_context_lives_a_day_and_is_small() -> None:
    endpoint = make_endpoint()
    signed = sign_context(endpoint.pk, {"order": 1})
    with time_machine.travel(timedelta(hours=23, minutes=59), tick=False):
        assert read_context(endpoint.pk, signed) == {"order": 1}
    with time_machine.travel(timedelta(hours=24, minutes=1), tick=False):
        assert read_context(endpoint.pk, signed) is None
    with pytest.raises(ValueError, match="2048"):
        sign_context(endpoint.pk, {"text": "x" * 2048})


def test_an_endpoint_that_is_gone_breaks_no_page(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert render('{% click_to_call "feed" %}') == ""
    assert render("{% click_to_call nothing %}") == ""
    assert "there is no endpoint" in caplog.text
    settings.DEBUG = True
    with pytest.raises(Endpoint.DoesNotExist):
        render('{% click_to_call "feed" %}')


def test_an_endpoint_that_is_off_is_a_telephone_link() -> None:
    page = render("{% click_to_call e %}", e=make_endpoint(active=False))
    assert "<script" not in page
    assert 'href="tel:' in page


def test_what_the_tag_does_not_know_is_an_error() -> None:
    with pytest.raises(TemplateSyntaxError):
        render("{% click_to_call e colour='red' %}", e=make_endpoint())


def test_the_collected_script_is_used_by_its_hashed_name(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    page = render("{% click_to_call e %}", e=make_endpoint())
    assert re.search(r'src="http://127\.0\.0\.1:8000/static/clicktocall/widget\.\w{12}\.js"', page)


def test_it_works_with_the_project_s_own_engine() -> None:
    template = engines["django"].from_string("{% load clicktocall %}{% click_to_call e %}")
    assert "<click-to-call" in template.render({"e": make_endpoint()})
