"""The one form that renders and reads every page of every questionnaire."""

import datetime
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, LayoutObject
from django import forms
from django.http import QueryDict
from django.template import Context
from django.utils.translation import gettext as _

from clinic_site.jinja import part
from intake.answer_types import FIELDS, MOST_KEPT_CHARACTERS, AnswerField, part_name
from intake.answers import AnswerDocument, Reply, State
from intake.questionnaires import Page

# Fields that belong to the page itself and not to a question on it.
PAGE_FIELDS = {"csrfmiddlewaretoken", "ticket", "change", "add"}


class Question(LayoutObject):
    """Lays out one question with the template of its answer type."""

    def __init__(self, link_id: str) -> None:
        self.link_id = link_id

    def render(self, form: "PageForm", context: Any, template_pack: Any = None, **kwargs: Any) -> str:
        field, anchor = form.questions[self.link_id], form.anchor(self.link_id)
        item, errors = field.item, list(form.errors.get(self.link_id, []))
        return part(
            f"intake/answers/{field.template}.html",
            {
                "item": item,
                "field": field,
                "name": self.link_id,
                "anchor": anchor,
                "optional": not (item.required or item.clinical),
                "described": " ".join([f"{anchor}-help"] * bool(item.help) + [f"{anchor}-error"] * bool(errors)),
                "raw": form.raw(self.link_id),
                "errors": errors,
                "alone": len(form.fields) == 1,
                "language": form.language,
                "rows": form.medicine_rows(self.link_id) if item.type == "medicines" else None,
                "page_text": form.page.item,
                "autofills": form.own_device,
                "instrument": form.instrument(item.instrument),
            },
        )


class PageForm(forms.Form):
    """The questions of one page. Bound, it yields a reply for each, readable or not, so that nothing typed is lost."""

    def __init__(
        self,
        page: Page,
        document: AnswerDocument,
        *,
        language: str,
        today: datetime.date,
        data: QueryDict | None = None,
        own_device: bool = False,
    ) -> None:
        """`own_device` lets the browser fill in names and addresses.

        On a shared one it would offer those of others and keep these.
        """
        super().__init__(data)
        self.own_device = own_device
        self.page, self.document, self.language = page, document, language
        self.questions: dict[str, AnswerField] = {}
        for item in page.questions:
            self.fields[item.link_id] = self.questions[item.link_id] = FIELDS[item.type](
                item, language=language, today=today
            )
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(*[Question(link_id) for link_id in self.fields])

    def questions_html(self) -> str:
        """The layout alone. Crispy's tag would render a frame around it, which this form has none of."""
        return self.helper.render_layout(self, Context())

    def anchor(self, link_id: str) -> str:
        """Where a link to the question leads. By its place on the page: addresses do not say what is asked."""
        return f"q{list(self.questions).index(link_id) + 1}"

    def instrument(self, code: str) -> Any:
        return next((i for i in self.page.section.instruments if i.code == code), None)

    def clean(self) -> dict[str, Any]:
        self.readable: dict[str, Reply] = dict(self.cleaned_data)
        for link_id, reply in self.readable.items():
            field = self.questions[link_id]
            repeated = self.document.value(link_id) == reply.value
            if reply.state is State.ANSWERED and not repeated and (doubt := field.doubt(reply.value)):
                self.add_error(link_id, doubt)
        for name in self._unexpected():
            self.add_error(
                None,
                _("This page was sent something it does not ask for (%(name)s). What you answered is kept.")
                % {"name": name[:40]},
            )
        return self.cleaned_data

    def _unexpected(self) -> list[str]:
        expected = set(PAGE_FIELDS)
        for link_id, field in self.questions.items():
            expected |= {part_name(link_id, part) for part in field.widget.parts}
        return sorted(set(self.data) - expected)

    def replies(self) -> dict[str, Reply]:
        """A reply for every question of the page, valid or not."""
        self.errors  # noqa: B018 - validates on first access
        return {link_id: self.readable.get(link_id) or self._unreadable(link_id) for link_id in self.fields}

    def _unreadable(self, link_id: str) -> Reply:
        raw = {part: texts for part, texts in self.raw(link_id).items() if any(text.strip() for text in texts)}
        if salvaged := self.questions[link_id].salvage(raw):
            return salvaged
        size = sum(len(text) for texts in raw.values() for text in texts)
        if not raw:
            return Reply(State.SKIPPED)
        if size > MOST_KEPT_CHARACTERS:
            return Reply(State.UNPARSEABLE, None, _("(too long to keep)"))
        shown = " ".join(text for texts in raw.values() for text in texts)
        return Reply(State.UNPARSEABLE, raw, shown.replace("\x00", ""))

    def typed(self) -> list[str]:
        """What was given to each question, in words, also where it is too long or can not be read."""
        found = []
        for link_id, reply in self.replies().items():
            texts = [text for texts in self.raw(link_id).values() for text in texts]
            found.append(" ".join(texts) if reply.state is State.UNPARSEABLE else reply.shown)
        return [text for text in found if text.strip()]

    def raw(self, link_id: str) -> dict[str, list[str]]:
        """What the parts of a question hold: as just posted, else as saved."""
        field = self.questions[link_id]
        if self.is_bound:
            return field.widget.value_from_datadict(self.data, self.files, link_id)
        answer = self.document.get(link_id)
        if answer is None:
            return {}
        if answer.state is State.ANSWERED:
            return field.raw(answer.value)
        if answer.state is State.UNPARSEABLE:
            return answer.value or {}
        if answer.state in (State.NOT_SURE, State.PREFER_NOT_TO_SAY):
            return (
                {"": [answer.state.value]}
                if field.template in ("choice", "multiple_choice")
                else {"absent": [answer.state.value]}
            )
        return {}

    def medicine_rows(self, link_id: str) -> list[list[tuple[str, str]]]:
        """The rows to show: those with something in them, and one empty row to write in (two at the start)."""
        field = self.questions[link_id]
        raw = self.raw(link_id)
        columns = {column: raw.get(column, []) for column in field.columns}
        count = max((len(texts) for texts in columns.values()), default=0)
        rows = [[(column, (columns[column] + [""] * count)[n]) for column in field.columns] for n in range(count)]
        rows = [row for row in rows if any(text.strip() for _column, text in row)]
        return [*rows, [(column, "") for column in field.columns]]
