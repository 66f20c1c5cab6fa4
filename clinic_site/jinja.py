"""The second template language, for the parts of pages that are shown a hundred times over or by the busiest views.

Jinja compiles a template to Python once; such a part costs a tenth of what it costs in Django's language (ADR 21). Its
templates stand under `templates/jinja2/`; everything in them is escaped, and a name that is not there is an error.
"""

import datetime
from collections.abc import Mapping
from functools import cache
from typing import Any

from crispy_forms.templatetags.crispy_forms_filters import as_crispy_form
from django.template.defaultfilters import date, linebreaksbr
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext
from jinja2 import Environment, StrictUndefined, select_autoescape
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Expr
from markupsafe import _escape_inner as escape_text
from markupsafe import escape

from clinic_site.templatetags.wording import in_language, paragraphs


def _printed(value: Any) -> str:
    """What `markupsafe.escape` gives, as plain text where it was: a template joins what it prints, and `Markup` around
    each of the 900 texts of a case took more than half of the time in which its answers are written."""
    return escape_text(value) if type(value) is str else escape(value)


class _Generator(CodeGenerator):
    """Prints by `_printed` what Jinja would print by `escape`."""

    def _output_child_pre(self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.printed(")


class _Environment(Environment):
    code_generator_class = _Generator
    printed = staticmethod(_printed)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """In Django's order: what a dictionary holds comes first, and no exception is raised on the way to it."""
        return obj[attribute] if type(obj) is dict and attribute in obj else super().getattr(obj, attribute)


def environment(**options: Any) -> Environment:
    """What settings.TEMPLATES names; the options are those of Django's backend."""
    always = select_autoescape(default_for_string=True, default=True)
    made = _Environment(**(options | {"autoescape": always, "undefined": StrictUndefined}))
    made.trim_blocks = made.lstrip_blocks = True
    made.globals |= {"_": gettext, "url": _address}
    made.filters |= {"in_language": in_language, "paragraphs": paragraphs, "linebreaksbr": linebreaksbr}
    made.filters |= {"date": _local_date, "crispy": as_crispy_form}
    return made


def _address(name: str, *args: Any) -> str:
    return reverse(name, args=args) if args else _fixed_address(name)


@cache
def _fixed_address(name: str) -> str:
    """Looked up once, because five of them stand at the top of every page of staff."""
    return reverse(name)


def _local_date(moment: datetime.date, form: str) -> str:
    """As Django's own templates show it: a moment in the time zone of the page, a day as it is."""
    return date(localtime(moment) if isinstance(moment, datetime.datetime) else moment, form)


def part(name: str, context: Mapping[Any, Any]) -> str:
    """A part of a page, as markup that may stand in another template."""
    return mark_safe(render_to_string(name, dict(context), using="jinja2"))  # noqa: S308 - the environment escaped it
