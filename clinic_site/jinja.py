"""The second template language, for the parts of pages that are shown a hundred times over or by the busiest views.

Jinja compiles a template to Python once; such a part costs a tenth of what it costs in Django's language (ADR 21). Its
templates stand under `templates/jinja2/`; everything in them is escaped, and a name that is not there is an error.
"""

from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import linebreaksbr
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from jinja2 import Environment, StrictUndefined, select_autoescape

from clinic_site.templatetags.wording import in_language, paragraphs


def environment(**options: Any) -> Environment:
    """What settings.TEMPLATES names; the options are those of Django's backend."""
    always = select_autoescape(default_for_string=True, default=True)
    made = Environment(**(options | {"autoescape": always, "undefined": StrictUndefined}))  # noqa: S701 - always on
    made.trim_blocks = made.lstrip_blocks = True
    made.globals |= {"_": gettext, "url": lambda name, *args: reverse(name, args=args)}
    made.filters |= {"in_language": in_language, "paragraphs": paragraphs, "linebreaksbr": linebreaksbr}
    return made


def part(name: str, context: Mapping[Any, Any]) -> str:
    """A part of a page, as markup that may stand in another template."""
    return mark_safe(render_to_string(name, dict(context), using="jinja2"))  # noqa: S308 - the environment escaped it
