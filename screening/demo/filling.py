"""A patient without a browser: every page asked, in order, through the form and the services that real pages use."""

import datetime
from collections.abc import Set

from clinic_site.clinics.models import Clinic
from clinic_site.records.identifiers import uuid7
from intake.answers import Answer, AnswerDocument, Reply, State
from intake.branching import retire_unasked, what_is_asked
from intake.completeness import asked_pages
from intake.forms import PageForm
from intake.models import QuestionnaireResponse
from intake.published import questionnaire_of
from intake.questionnaires import Page, Questionnaire
from intake.services import SavedPage, record_help_reply, save_page, start_response, submit_response
from intake.truth import Truth
from screening.demo.answers import Answers, AnswersRefused, posted


def fill_in(
    clinic: Clinic, answers: Answers, *, changes: Answers | None = None, on_help: str = ""
) -> QuestionnaireResponse:
    """Starts a response, answers it, goes back to change what `changes` says, and submits it.

    `on_help` is the code of what the person presses when the help page comes. Raises AnswersRefused for an answer that
    its page can not read, and intake's Incomplete when something required is missing.
    """
    response = answer_draft(clinic, answers, on_help=on_help)
    if changes:
        _answer_pages(response, {**answers, **changes}, changed=set(changes), on_help=on_help)
    return submit_response(response, idempotency_key=uuid7())


def answer_draft(clinic: Clinic, answers: Answers, *, until: str = "", on_help: str = "") -> QuestionnaireResponse:
    """Starts a response and answers its pages, through to that of `until`; all of them when no question is named."""
    response, _token = start_response(clinic, language="en")
    _answer_pages(response, answers, until=until, on_help=on_help)
    return _reread(response)


def _answer_pages(
    response: QuestionnaireResponse, answers: Answers, *, until: str = "", changed: Set[str] = frozenset(), on_help: str
) -> None:
    """Answers every page without an answer or with a `changed` question, and those that open up on the way."""
    questionnaire, document = questionnaire_of(response), _reread(response).document()
    last = questionnaire.page_of[until].number if until else len(questionnaire.pages)
    number = 0
    while page := next((p for p in asked_pages(questionnaire, document) if number < p.number <= last), None):
        number = page.number
        if _is_due(page, document, changed):
            saved = _answer_page(response, page, answers)
            document = saved.document
            if saved.emergency_rules and on_help:
                record_help_reply(response.public_id, code=on_help)


def _answer_page(response: QuestionnaireResponse, page: Page, answers: Answers) -> SavedPage:
    """Saves one page as its view does, also with a question left blank or a measure that it asks about once more."""
    current = _reread(response)
    today, document = current.clinic.today(), current.document()
    blank_form = PageForm(page, document, language=current.language, today=today)
    data = posted(blank_form, answers, today=today)
    form = PageForm(page, document, language=current.language, today=today, data=data)
    replies = form.replies()
    refused = [link_id for link_id, reply in replies.items() if reply.state is State.UNPARSEABLE]
    if refused or form.non_field_errors():
        raise AnswersRefused(f"page {page.number} ({', '.join(refused) or page.item.link_id}): {form.errors.as_text()}")
    return save_page(current, page, replies, loaded_revision=current.revision)


def answered(
    questionnaire: Questionnaire, answers: Answers, *, now: datetime.datetime, changes: Answers | None = None
) -> AnswerDocument:
    """What these answers come to, through the same forms, without a database.

    `changes` is what the person went back to afterwards.
    """
    document = AnswerDocument()
    _fill(questionnaire, document, answers, now=now)
    if changes:
        _fill(questionnaire, document, {**answers, **changes}, now=now, changed=set(changes))
    return document


def _fill(
    questionnaire: Questionnaire,
    document: AnswerDocument,
    answers: Answers,
    *,
    now: datetime.datetime,
    changed: Set[str] = frozenset(),
) -> None:
    for page in questionnaire.pages:
        # Branching is worked out only where it can close a page: thousands of people are filled in so.
        if page.item.enable_when and what_is_asked(questionnaire, document)[page.number] is Truth.FALSE:
            continue
        if not _is_due(page, document, changed):
            continue
        form = PageForm(page, document, language="en", today=now.date())
        data = posted(form, answers, today=now.date())
        replies = PageForm(page, document, language="en", today=now.date(), data=data).replies()
        for link_id, reply in (replies or {page.item.link_id: Reply(State.SEEN)}).items():
            document.put(
                Answer(link_id, reply.state, reply.value, "", reply.shown, "en", "self", now.isoformat(), page.number)
            )
        if changed:
            retire_unasked(questionnaire, document, at=now.isoformat())


def _is_due(page: Page, document: AnswerDocument, changed: Set[str]) -> bool:
    """Whether a page holds a question that changes, or has no answer yet."""
    link_ids = {item.link_id for item in (page.item, *page.questions)}
    return bool(link_ids & changed) or not link_ids & document.answers.keys()


def _reread(response: QuestionnaireResponse) -> QuestionnaireResponse:
    return QuestionnaireResponse.objects.select_related("clinic", "data_key").get(pk=response.pk)
