"""The parts of pages in the second template language: escaped, strict, and with what the page around them has."""

import datetime
import zoneinfo

import pytest
from django.template import Context, Template, engines
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from jinja2 import UndefinedError
from markupsafe import escape

HOSTILE = '<b title="x">\'&'


def rendered(markup, **names):
    return engines["jinja2"].from_string(markup).render(names)


def test_everything_is_escaped():
    assert rendered("{{ words }}", words=HOSTILE) == "&lt;b title=&#34;x&#34;&gt;&#39;&amp;"


class Words(str):
    """A text that is not quite one, as a choice of Django's is."""


class Markup:
    def __html__(self):
        return "<i>ours</i>"


@pytest.mark.parametrize(
    "value",
    [
        "",
        HOSTILE,
        Words(HOSTILE),
        mark_safe("<i>ours</i>"),
        Markup(),
        gettext_lazy("Save"),
        7,
        1.5,
        None,
        [HOSTILE],
        b"<b>",
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(
    "markup",
    [
        "{{ value }}",
        "{% for one in [value] %}{{ one }}{% endfor %}",
        "{% macro shown(value) %}{{ value }}{% endmacro %}{{ shown(value) }}",
        "{% set shown %}{{ value }}{% endset %}{{ shown }}",
        "{% autoescape on %}{{ value }}{% endautoescape %}",
    ],
)
def test_a_value_is_printed_as_markupsafe_escapes_it(value, markup):
    assert rendered(markup, value=value, on=True) == str(escape(value))


def test_what_is_missing_is_an_error_and_not_an_empty_place():
    for markup in ("{{ words }}", "{{ row.words }}", "{% if row.words %}{% endif %}"):
        with pytest.raises(UndefinedError):
            rendered(markup, row={})


def test_what_a_dictionary_holds_comes_before_what_it_can_do():
    assert rendered("{{ row.items }} {{ row.get('items') }}", row={"items": "seven"}) == "seven seven"


def test_a_part_sees_what_the_page_sees():
    page = Template('{% load jinja %}{% jinja "screening/timeline.html" %}')
    step = {
        "at": datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC),
        "what": HOSTILE,
        "detail": "",
        "reason": "",
        "by": None,
    }
    shown = page.render(Context({"timeline": [step]}))
    assert "<time>Nov 24, 2026, 12:00 AM</time>" in shown
    assert HOSTILE not in shown


@pytest.mark.parametrize(("zone", "shown"), [("UTC", "Nov 24, 2:30 AM"), ("America/New_York", "Nov 23, 9:30 PM")])
def test_a_moment_is_shown_in_the_time_zone_of_the_page(zone, shown):
    moment = datetime.datetime(2026, 11, 24, 2, 30, tzinfo=datetime.UTC)
    with timezone.override(zoneinfo.ZoneInfo(zone)):
        ours = rendered('{{ moment|date("M j, g:i A") }}', moment=moment)
        djangos = Template('{{ moment|date:"M j, g:i A" }}').render(Context({"moment": moment}))
    assert ours == djangos == shown
