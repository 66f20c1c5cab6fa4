"""Answer sets, as demo files and tests write them, and what a browser would post for them.

An answer set maps link_ids to answers: an option code, a list of codes, a text, a mapping of parts such as
`{systolic: "118", diastolic: "76"}`, a list of medicines or `none`, a date as `1984-05-17` or `3 days ago`, `signed` or
`declined`; `not_sure` and `prefer_not_to_say` anywhere; None for a question left blank. A question that is not in the
set is answered as somebody with nothing to declare would: "no", "none of these", the least of a scale, signed; else it
is left blank.
"""

import datetime
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.http import QueryDict

from clinic_site.publishing.documents import parse_source, read_source
from intake.answer_types import AnswerField, Medicines, part_name
from intake.answers import State
from intake.forms import PageForm
from intake.questionnaires import Item

Answers = Mapping[str, Any]
FOLDER = Path(__file__).parents[1] / "content" / "demo"
_DAYS_AGO = re.compile(r"(\d+) days? ago")
_ABSENT = (State.NOT_SURE.value, State.PREFER_NOT_TO_SAY.value)


class AnswersRefused(ValueError):
    """An answer set holds something that the page does not take."""


@cache
def demo_files() -> dict[str, Any]:
    """What the demo's content files say, by file name."""
    return parse_source(read_source(FOLDER))


def complete_answers(**overrides: Any) -> dict[str, Any]:
    """The answers of somebody with nothing to declare, with `overrides` by link_id."""
    return {**demo_files()["nothing-to-declare.yaml"]["answers"], **overrides}


def posted(form: PageForm, answers: Answers, *, today: datetime.date) -> QueryDict:
    """The fields that a browser sends for the questions of an (unbound) page form."""
    data = QueryDict(mutable=True)
    for link_id, field in form.fields.items():
        assert isinstance(field, AnswerField)  # noqa: S101 - for mypy
        given = answers[link_id] if link_id in answers else _nothing_to_declare(field.item)
        for part, texts in _parts(field, given, answers, today).items():
            data.setlist(part_name(link_id, part), texts)
    return data


def _nothing_to_declare(item: Item) -> Any:
    if item.type == "signature":
        return "signed"
    code = nothing_to_declare_code(item)
    return [code] if code and item.type == "multiple_choice" else code


def nothing_to_declare_code(item: Item) -> str | None:
    """The option that somebody with nothing to declare picks; None when no option says so."""
    for code in ("no", "never"):
        if item.option(code):
            return code
    nothing = [option.code for option in item.options if option.exclusive or option.rest]
    least = min((o for o in item.options if o.score is not None), key=lambda o: o.score or 0, default=None)
    return nothing[0] if nothing else least.code if least else None


def _parts(field: AnswerField, given: Any, answers: Answers, today: datetime.date) -> dict[str, list[str]]:
    if given is None:
        return {}
    if given in _ABSENT:
        return {"": [given]} if field.item.options else {"absent": [given]}
    try:
        return field.raw(_value(field.item, given, answers, today))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnswersRefused(f"{field.item.link_id}: {given!r} is no answer of type {field.item.type}") from error


def _value(item: Item, given: Any, answers: Answers, today: datetime.date) -> Any:
    """The answer in the shape in which its type keeps it."""
    match item.type:
        case "date" | "partial_date" if days := _DAYS_AGO.fullmatch(given):
            return (today - datetime.timedelta(days=int(days[1]))).isoformat()
        case "phone" if isinstance(given, str):
            return {"typed": given}
        case "signature" if isinstance(given, str):
            name = f"{answers.get('legal_given_name') or 'Sam'} {answers.get('legal_family_name') or 'Sample'}"
            return {"decision": given, "name": name}
        case "medicines" if given == "none":
            return {"none": True, "rows": []}
        case "medicines" if isinstance(given, list):
            return {"none": False, "rows": [{**dict.fromkeys(Medicines.columns, ""), **row} for row in given]}
        case "height" | "weight" | "blood_pressure":
            return {part: str(number) for part, number in given.items()}
    return given
