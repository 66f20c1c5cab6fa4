"""The tag for rows of long lists: the same text as without it, and nothing that it can not show alike."""

import pytest
from django.template import Context, Template, TemplateSyntaxError

ROW = {"name": "<b>\"Ann\" & 'Bo'</b>", "share": "5 %s"}
MARKUP = '<p class="{{ row.share }}" style="width: 100%">{{ row.name }} {{ other }}</p>'


def rendered(markup):
    return Template("{% load plainly %}" + markup).render(Context({"row": ROW, "other": "<i>"}))


def test_it_shows_and_escapes_what_django_does():
    assert rendered("{% plainly %}" + MARKUP + "{% endplainly %}") == rendered(MARKUP)
    assert "<b>" not in rendered(MARKUP)


@pytest.mark.parametrize(
    "markup",
    ["{{ row.name|safe }}", "{% if row %}{% endif %}", "{{ row.name.first }}", "{{ 'text' }}", "{% now 'Y' %}"],
)
def test_whatever_else_stands_in_it_is_refused_when_the_template_is_read(markup):
    with pytest.raises(TemplateSyntaxError):
        Template("{% load plainly %}{% plainly %}" + markup + "{% endplainly %}")


@pytest.mark.parametrize(("row", "error"), [({"name": 1}, AttributeError), ({}, KeyError)])
def test_what_is_missing_or_no_text_is_an_error_and_not_an_empty_place(row, error):
    template = Template("{% load plainly %}{% plainly %}{{ row.name }}{% endplainly %}")
    with pytest.raises(error):
        template.render(Context({"row": row}))
