"""How far a response has come: what is left to answer, and what stands in the way of submitting it."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from intake.answers import AnswerDocument, State
from intake.branching import what_is_asked
from intake.questionnaires import Item, Page, Questionnaire, Section
from intake.truth import Truth

RIGHT_NOW_LASTS = datetime.timedelta(hours=24)


class Progress(Enum):
    NOT_STARTED = "not-started"
    STARTED = "started"
    DONE = "done"
    NOT_ASKED = "not-asked"


class GapKind(Enum):
    REQUIRED = "required"
    UNSIGNED = "unsigned"
    OUT_OF_DATE = "out-of-date"


@dataclass(frozen=True)
class Gap:
    """A question that must be answered (again) before the response can be submitted."""

    kind: GapKind
    page: Page
    item: Item


def asked_pages(questionnaire: Questionnaire, document: AnswerDocument) -> list[Page]:
    """The pages to go through, in order."""
    asked = what_is_asked(questionnaire, document)
    return [page for page in questionnaire.pages if asked[page.number] is not Truth.FALSE]


def is_done(page: Page, document: AnswerDocument) -> bool:
    """Whether the page was gone through.

    Each question has an answer that says something, even "Not sure"; an optional one may be blank.
    """
    if not page.questions:
        return document.get(page.item.link_id) is not None
    for item in page.questions:
        answer = document.get(item.link_id)
        if answer is None or answer.state is State.UNPARSEABLE:
            return False
        if answer.state is State.SKIPPED and (item.clinical or item.required):
            return False
    return True


def is_out_of_date(item: Item, document: AnswerDocument, *, now: datetime.datetime) -> bool:
    """Whether the answer is to a question about "right now" and was given more than 24 hours ago."""
    answer = document.get(item.link_id)
    return item.right_now and answer is not None and answer.age(now) > RIGHT_NOW_LASTS


def section_progress(section: Section, pages: list[Page], document: AnswerDocument) -> Progress:
    own = [page for page in pages if page.section is section]
    if not own:
        return Progress.NOT_ASKED
    if all(is_done(page, document) for page in own):
        return Progress.DONE
    touched = any(document.get(item.link_id) for page in own for item in (page.item, *page.questions))
    return Progress.STARTED if touched else Progress.NOT_STARTED


def first_open_page(pages: Iterable[Page], document: AnswerDocument) -> Page | None:
    return next((page for page in pages if not is_done(page, document)), None)


def unanswered(pages: list[Page], document: AnswerDocument) -> list[tuple[Page, Item]]:
    """Questions that were asked and hold nothing: they may be submitted so, and stay unknown."""
    return [
        (page, item)
        for page in pages
        for item in page.questions
        if item.clinical and (document.get(item.link_id) is None or document.get(item.link_id).state is State.SKIPPED)  # type: ignore[union-attr]
    ]


def gaps(questionnaire: Questionnaire, document: AnswerDocument, *, now: datetime.datetime) -> list[Gap]:
    """What stands in the way of submitting.

    Unsigned consents, missing identity and contact, and answers about "right now" that are old.
    """
    found = []
    for page in asked_pages(questionnaire, document):
        for item in page.questions:
            value = document.value(item.link_id)
            if item.type == "signature":
                signed = value is not None and (value["decision"] == "signed" or item.may_decline)
                if item.consent and not signed or item.required and value is None:
                    found.append(Gap(GapKind.UNSIGNED, page, item))
            elif item.required and value is None:
                found.append(Gap(GapKind.REQUIRED, page, item))
            elif is_out_of_date(item, document, now=now):
                found.append(Gap(GapKind.OUT_OF_DATE, page, item))
    return found


def is_under_age(questionnaire: Questionnaire, document: AnswerDocument, today: datetime.date) -> bool:
    """Whether the date of birth, once given, says that the person is younger than the clinic treats."""
    born = document.value("date_of_birth")
    if not isinstance(born, str):
        return False
    birth = datetime.date.fromisoformat(born)
    age = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    return age < questionnaire.minimum_age_years
