"""What the patient's pages show, as plain values for the templates."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.answers import Answer, AnswerDocument, State
from intake.completeness import (
    Gap,
    GapKind,
    Progress,
    asked_pages,
    first_open_page,
    gaps,
    is_done,
    section_progress,
    unanswered,
)
from intake.forms import PageForm
from intake.models import QuestionnaireResponse
from intake.published import questionnaire_of
from intake.questionnaires import Item, Page, Questionnaire, Section


def page_url(response: QuestionnaireResponse, page: Page, *, change: bool = False) -> str:
    return reverse("intake:page", args=[response.public_id, page.number]) + ("?change=1" if change else "")


def continue_url(response: QuestionnaireResponse) -> str:
    """Where somebody goes on: the first page not done, then the check page; once it was sent, the confirmation."""
    if not response.is_draft:
        return reverse("intake:done", args=[response.public_id])
    questionnaire, document = questionnaire_of(response), response.document()
    following = first_open_page(asked_pages(questionnaire, document), document)
    return page_url(response, following) if following else reverse("intake:check", args=[response.public_id])


def page_context(response: QuestionnaireResponse, pages: list[Page], form: PageForm, *, change: bool) -> dict[str, Any]:
    page = form.page
    sections = list(dict.fromkeys(p.section for p in pages))
    before = [p for p in pages if p.number < page.number]
    after = [p for p in pages if p.number > page.number]
    back = reverse("intake:check" if change else "intake:tasks", args=[response.public_id])
    if before and not change:
        back = page_url(response, before[-1])
    onward = (
        page_url(response, after[0]) if after and not change else reverse("intake:check", args=[response.public_id])
    )
    return {
        "form": form,
        "page": page,
        "section_number": sections.index(page.section) + 1 if page.section in sections else 1,
        "section_count": len(sections),
        "heading": page.item.text[response.language] if page.item.type in ("group", "display") else "",
        "show_section_intro": not any(p.section is page.section for p in before),
        "change": change,
        "back_url": back,
        "skip_url": onward if all(not item.required for item in page.questions) and form.errors else None,
    }


def problems_of_form(form: PageForm) -> list[tuple[str, str]]:
    """(link, sentence) for the error summary, in the order of the page."""
    several = len(form.questions) > 1
    own = []
    for name, field in form.questions.items():
        about = field.words(field.item.summary) if several else ""
        label = f"{about[:1].upper()}{about[1:]}: " if about else ""
        own += [(f"#{form.anchor(name)}", label + str(text)) for text in form.errors.get(name, [])]
    return [*own, *(("#main", str(text)) for text in form.non_field_errors())]


def problems_of_gaps(response: QuestionnaireResponse, missing: list[Gap]) -> list[tuple[str, str]]:
    sentences = {
        GapKind.REQUIRED: _("Fill in: %(question)s"),
        GapKind.UNSIGNED: _("Read and sign: %(question)s"),
        GapKind.OUT_OF_DATE: _("Answer again, because a day has passed: %(question)s"),
    }
    return [
        (
            page_url(response, gap.page, change=True),
            sentences[gap.kind] % {"question": gap.item.text[response.language]},
        )
        for gap in missing
    ]


def task_list(
    response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument
) -> dict[str, Any]:
    pages = asked_pages(questionnaire, document)
    labels = {Progress.NOT_STARTED: _("Not started"), Progress.STARTED: _("Not finished"), Progress.DONE: _("Done")}
    rows = []
    for number, section in enumerate(dict.fromkeys(page.section for page in pages), 1):
        progress = section_progress(section, pages, document)
        rows.append(
            {
                "title": section.title[response.language],
                "number": number,
                "status": progress.value,
                "status_label": labels[progress],
                "url": page_url(response, _entry(section, pages, document)),
            }
        )
    following = first_open_page(pages, document)
    check_url = reverse("intake:check", args=[response.public_id])
    return {
        "sections": rows,
        "next_url": page_url(response, following) if following else check_url,
        "check_url": check_url,
    }


def _entry(section: Section, pages: list[Page], document: AnswerDocument) -> Page:
    """Where a section is entered: its first page that is not done, else its first."""
    own = [page for page in pages if page.section is section]
    return next((page for page in own if not is_done(page, document)), own[0])


def check_rows(
    response: QuestionnaireResponse,
    questionnaire: Questionnaire,
    document: AnswerDocument,
    *,
    doubtful: Iterable[tuple[str, ...]] = (),
) -> dict[str, Any]:
    """`doubtful` are groups of questions whose answers do not seem to fit together."""
    pages = asked_pages(questionnaire, document)
    sections = []
    for section in dict.fromkeys(page.section for page in pages):
        rows = [
            _row(response, page, item, document.get(item.link_id))
            for page in pages
            if page.section is section
            for item in page.questions
        ]
        if rows:
            sections.append({"title": section.title[response.language], "rows": rows})
    left = [
        {"question": item.text[response.language], "url": page_url(response, page, change=True)}
        for page, item in unanswered(pages, document)
    ]
    blocking = problems_of_gaps(response, gaps(questionnaire, document, now=timezone.now()))
    looks = [
        [_row(response, questionnaire.page_of[n], questionnaire.questions[n], document.get(n)) for n in link_ids]
        for link_ids in doubtful
    ]
    return {"sections": sections, "unanswered": left, "missing": blocking, "looks": looks}


def _row(response: QuestionnaireResponse, page: Page, item: Item, answer: Answer | None) -> dict[str, Any]:
    return {
        "question": item.text[response.language],
        "link_id": item.link_id,
        "state": answer.state.value if answer else State.SKIPPED.value,
        "shown": answer.shown if answer else "",
        "lines": answer.shown.splitlines() if answer and "\n" in answer.shown else [],
        "change_url": page_url(response, page, change=True),
    }
