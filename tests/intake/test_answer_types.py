"""What each type of answer takes, refuses and shows again. The clinic's date is 23 November 2026."""

import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic_site.publishing.documents import parse_source
from intake.answer_types import FIELDS, AnswerField
from intake.answers import Answer, AnswerDocument, Reply, State
from intake.forms import PageForm
from intake.questionnaire_reader import questionnaire_from_tree
from intake.questionnaires import Page

TODAY = datetime.date(2026, 11, 23)
HEADER = """
questionnaire: types
version: "1"
languages: [en]
minimum_age_years: 18
title: {en: Every type}
"""
SECTION = """
section: types
title: {en: Types}
sensitivity: none
instruments:
  asq: {name: {en: ASQ}, licence: free, attribution: NIMH, source: "https://example.org"}
items:
  - {link_id: choice, type: choice, text: {en: Q}, options: &pair [{code: "yes", label: {en: "Yes"}}, {code: "no", label: {en: "No"}}]}
  - {link_id: asq_item, type: choice, instrument: asq, text: {en: Q}, options: *pair}
  - {link_id: plain_choice, type: choice, clinical: false, text: {en: Q}, options: *pair, error: {en: "Choose one of the two"}}
  - link_id: several
    type: multiple_choice
    text: {en: Q}
    options:
      - {code: "pain", label: {en: "Pain"}}
      - {code: "fever", label: {en: "Fever"}}
      - {code: "none", label: {en: "None of these"}, exclusive: true}
  - {link_id: drinks, type: number, decimals: 1, unit: {en: drinks}, min: 0, max: 40, text: {en: Q}}
  - {link_id: height, type: height, min: 122, max: 229, text: {en: Q}}
  - {link_id: weight, type: weight, min: 27, max: 318, text: {en: Q}}
  - link_id: blood_pressure
    type: blood_pressure
    systolic: {min: 70, max: 260}
    diastolic: {min: 40, max: 150}
    text: {en: Q}
  - {link_id: date, type: date, text: {en: Q}}
  - {link_id: any_date, type: date, not_in_future: false, text: {en: Q}}
  - {link_id: partial_date, type: partial_date, text: {en: Q}}
  - {link_id: short_text, type: short_text, text: {en: Q}}
  - {link_id: optional_text, type: short_text, clinical: false, required: false, text: {en: Q}}
  - {link_id: required_text, type: short_text, clinical: false, text: {en: Q}, error: {en: "Write it"}}
  - {link_id: long_text, type: long_text, text: {en: Q}}
  - {link_id: phone, type: phone, text: {en: Q}}
  - {link_id: email, type: email, text: {en: Q}}
  - {link_id: address, type: address, text: {en: Q}}
  - {link_id: medicines, type: medicines, none_label: {en: I take none}, text: {en: Q}}
  - {link_id: consent, type: signature, consent: true, version: "1", text: {en: Q}, body: {en: B}, statement: {en: I agree}}
  - link_id: notice
    type: signature
    may_decline: true
    decline_label: {en: I would rather not}
    version: "1"
    text: {en: Q}
    body: {en: B}
    statement: {en: I have read it}
"""
QUESTIONNAIRE = questionnaire_from_tree(parse_source({"questionnaire.yaml": HEADER, "01-types.yaml": SECTION}))
CLINICAL = [name for name, item in QUESTIONNAIRE.questions.items() if item.clinical]
Raw = dict[str, list[str]]


def field_of(link_id: str) -> AnswerField:
    item = QUESTIONNAIRE.questions[link_id]
    return FIELDS[item.type](item, language="en", today=TODAY)


def reply_to(link_id: str, **parts: Any) -> Reply:
    """The reply to what a browser posts; `own` is the question's part without a name."""
    field = field_of(link_id)
    posted = {"" if part == "own" else part: texts for part, texts in parts.items()}
    raw = {part: posted.get(part, []) for part in field.widget.parts}
    return field.clean({part: [texts] if isinstance(texts, str) else texts for part, texts in raw.items()})


def refusal_of(link_id: str, **parts: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        reply_to(link_id, **parts)
    return str(refused.value.messages[0])


# ── what is taken ──────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = [
    ("choice", {"own": "no"}, "no", "No"),
    ("asq_item", {"own": "yes"}, "yes", "Yes"),
    ("several", {"own": ["fever", "pain"]}, ["pain", "fever"], "Pain; Fever"),
    ("several", {"own": ["none"]}, ["none"], "None of these"),
    ("drinks", {"own": "0"}, "0", "0 drinks"),
    ("drinks", {"own": " 2,5 "}, "2.5", "2.5 drinks"),
    ("height", {"feet": "5", "inches": "8"}, {"feet": "5", "inches": "8"}, "5 ft 8 in"),
    ("height", {"feet": "6", "inches": ""}, {"feet": "6"}, "6 ft 0 in"),
    ("height", {"cm": "172.5"}, {"cm": "172.5"}, "172.5 cm"),
    ("weight", {"pounds": "160"}, {"pounds": "160"}, "160 lb"),
    ("weight", {"kg": "72,5"}, {"kg": "72,5"}, "72,5 kg"),
    ("blood_pressure", {"systolic": "118", "diastolic": "76"}, {"systolic": "118", "diastolic": "76"}, "118 over 76"),
    ("date", {"month": "11", "day": "23", "year": "2026"}, "2026-11-23", "November 23, 2026"),
    ("date", {"month": "02", "day": "29", "year": "2024"}, "2024-02-29", "February 29, 2024"),
    ("any_date", {"month": "1", "day": "1", "year": "2027"}, "2027-01-01", "January 1, 2027"),
    ("partial_date", {"year": "2019"}, "2019", "2019"),
    ("partial_date", {"month": "3", "year": "2019"}, "2019-03", "March 2019"),
    ("partial_date", {"month": "3", "day": "5", "year": "2019"}, "2019-03-05", "March 5, 2019"),
    ("partial_date", {"year": "2026"}, "2026", "2026"),
    ("short_text", {"own": "  Ana María  "}, "Ana María", "Ana María"),
    ("long_text", {"own": "one\r\ntwo"}, "one\ntwo", "one\ntwo"),
    ("phone", {"own": "(212) 555-0100"}, {"typed": "(212) 555-0100", "e164": "+12125550100"}, "(212) 555-0100"),
    ("phone", {"own": "+44 20 7946 0018"}, {"typed": "+44 20 7946 0018", "e164": "+442079460018"}, "+44 20 7946 0018"),
    ("email", {"own": "sam@example.com"}, "sam@example.com", "sam@example.com"),
    (
        "address",
        {"line1": "1 Example Street", "line2": "", "city": "Albany", "state": "NY", "postal_code": "12207"},
        {"line1": "1 Example Street", "city": "Albany", "state": "NY", "postal_code": "12207"},
        "1 Example Street, Albany, NY, 12207",
    ),
    ("medicines", {"none": "1"}, {"none": True, "rows": []}, "I take none"),
    (
        "medicines",
        {"name": ["Zoloft", ""], "dose": ["50 mg", ""], "frequency": ["", ""], "reason": ["mood", ""]},
        {"none": False, "rows": [{"name": "Zoloft", "dose": "50 mg", "frequency": "", "reason": "mood"}]},
        "Zoloft, 50 mg, mood",
    ),
    ("consent", {"agree": "signed", "name": "Sam Sample"}, {"decision": "signed", "name": "Sam Sample"}, "Signed by Sam Sample"),
    ("notice", {"agree": "declined"}, {"decision": "declined", "name": ""}, "I would rather not"),
]  # fmt: skip


@pytest.mark.parametrize(("link_id", "parts", "value", "shown"), GOOD)
def test_a_good_answer_is_kept_and_shown_in_words(link_id, parts, value, shown):
    assert reply_to(link_id, **parts) == Reply(State.ANSWERED, value, shown)


@pytest.mark.parametrize("month", ["3", "03", "Mar", "mar.", "March", "MARCH"])
def test_a_month_can_be_a_number_or_a_name(month):
    assert reply_to("date", month=month, day="5", year="2019").value == "2019-03-05"


@pytest.mark.parametrize("number", range(1, 13))
def test_every_month_is_known_by_its_name(number):
    name = datetime.date(2019, number, 1).strftime("%B")
    assert reply_to("partial_date", month=name, year="2019").value == f"2019-{number:02d}"


# ── what is refused ────────────────────────────────────────────────────────────────────────────────────────────────

LONG = "1" * 5000
BAD = [
    ("choice", {"own": "maybe"}, "Choose one"),
    ("choice", {"own": "Yes"}, "Choose one"),
    ("choice", {"own": ["yes", "no"]}, "more than once"),
    ("choice", {"own": ["yes", "yes"]}, "more than once"),
    ("several", {"own": ["pain", "none"]}, "“None of these” only when nothing else"),
    ("several", {"own": ["pain", "cough"]}, "Choose from the answers"),
    ("drinks", {"own": "two"}, "in digits"),
    ("drinks", {"own": "-2"}, "in digits"),
    ("drinks", {"own": "1e3"}, "in digits"),
    ("drinks", {"own": "NaN"}, "in digits"),
    ("drinks", {"own": "1.2.3"}, "in digits"),
    ("drinks", {"own": "."}, "in digits"),
    ("drinks", {"own": "٣"}, "in digits"),
    ("drinks", {"own": LONG}, "in digits"),
    ("height", {"feet": "5", "cm": "172"}, "one kind of unit"),
    ("height", {"inches": "8"}, "one kind of unit"),
    ("height", {"feet": "five"}, "in digits"),
    ("weight", {"pounds": "160", "kg": "72"}, "one kind of unit"),
    ("blood_pressure", {"systolic": "120"}, "both numbers"),
    ("blood_pressure", {"systolic": "120/80", "diastolic": "80"}, "both numbers"),
    ("date", {"month": "2", "day": "30", "year": "2020"}, "no such day"),
    ("date", {"month": "2", "day": "29", "year": "2023"}, "no such day"),
    ("date", {"month": "13", "day": "1", "year": "2020"}, "month"),
    ("date", {"month": "0", "day": "1", "year": "2020"}, "month"),
    ("date", {"month": "M", "day": "1", "year": "2020"}, "month"),
    ("date", {"month": "Ju", "day": "1", "year": "2020"}, "month"),
    ("date", {"month": "12" + LONG, "day": "1", "year": "2020"}, "month"),
    ("date", {"month": "001" + LONG, "day": "1", "year": "2020"}, "month"),
    ("date", {"month": "1", "day": LONG, "year": "2020"}, "day"),
    ("date", {"month": "1", "day": "1", "year": "85"}, "four digits"),
    ("date", {"month": "1", "day": "1", "year": LONG}, "four digits"),
    ("date", {"month": "1", "day": "1", "year": "٢٠٢٠"}, "four digits"),
    ("date", {"month": "1", "year": "2020"}, "the day"),
    ("date", {"year": "2020"}, "the month"),
    ("date", {"month": "11", "day": "24", "year": "2026"}, "still to come"),
    ("partial_date", {"year": "2027"}, "still to come"),
    ("partial_date", {"month": "12", "year": "2026"}, "still to come"),
    ("partial_date", {"day": "5", "year": "2019"}, "month"),
    ("partial_date", {"month": "3"}, "year"),
    ("partial_date", {"year": "about 2019"}, "four digits"),
    ("short_text", {"own": "x" * 201}, "too long"),
    ("short_text", {"own": ["a", "b"]}, "more than once"),
    ("long_text", {"own": "x" * 100_000}, "too long (100000 characters)"),
    ("phone", {"own": "call me"}, "phone number"),
    ("phone", {"own": "555 0100"}, "10 digits"),
    ("phone", {"own": "911"}, "10 digits"),
    ("phone", {"own": LONG}, "too long"),
    ("email", {"own": "sam at example"}, "name@example.com"),
    ("address", {"line1": "1 Example Street"}, "street, city, state and ZIP"),
    ("address", {"line1": "x" * 121, "city": "A", "state": "NY", "postal_code": "1"}, "too long"),
    ("medicines", {"none": "1", "name": ["Zoloft"]}, "Keep one of them"),
    ("medicines", {"name": [""], "dose": ["50 mg"]}, "the name of each medicine"),
    ("medicines", {"name": ["x" * 201]}, "too long"),
    ("consent", {"name": "Sam Sample"}, "tick the sentence"),
    ("consent", {"agree": "signed"}, "full name"),
    ("consent", {"agree": "signed", "name": "S"}, "full name"),
    ("consent", {"agree": "declined", "name": "Sam Sample"}, "tick the sentence"),
    ("consent", {"agree": ["signed", "declined"], "name": "Sam"}, "more than once"),
    ("notice", {"name": "Sam Sample"}, "Choose one"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("link_id", "parts", "advice"), BAD, ids=[f"{n}-{link_id}" for n, (link_id, *_) in enumerate(BAD)]
)
def test_a_bad_answer_is_refused_with_what_to_do(link_id, parts, advice):
    assert advice in refusal_of(link_id, **parts)


TYPED = {
    "drinks": {"own": "2"},
    "height": {"cm": "170"},
    "weight": {"kg": "70"},
    "blood_pressure": {"systolic": "118", "diastolic": "76"},
    "date": {"month": "1", "day": "2", "year": "2020"},
    "partial_date": {"year": "2020"},
    "short_text": {"own": "a"},
    "long_text": {"own": "a"},
    "phone": {"own": "212 555 0100"},
    "email": {"own": "sam@example.com"},
    "address": {"line1": "1 Example Street", "city": "Albany", "state": "NY", "postal_code": "12207"},
    "medicines": {"name": ["Zoloft"]},
    "choice": {"own": "yes"},
    "several": {"own": ["pain"]},
}


@pytest.mark.parametrize("link_id", CLINICAL)
def test_a_blank_clinical_question_offers_the_way_out(link_id):
    assert refusal_of(link_id)


@pytest.mark.parametrize(
    ("link_id", "advice"), [("required_text", "Write it"), ("plain_choice", "Choose one of the two")]
)
def test_a_blank_that_may_not_be_is_answered_with_the_sentence_of_its_question(link_id, advice):
    assert refusal_of(link_id, own="  ") == advice


def test_an_optional_question_may_stay_blank():
    assert reply_to("optional_text", own="") == Reply(State.SKIPPED)


@pytest.mark.parametrize("link_id", TYPED)
@pytest.mark.parametrize("state", [State.NOT_SURE, State.PREFER_NOT_TO_SAY])
def test_not_sure_and_prefer_not_to_say_are_states_without_a_value(link_id, state):
    assert (reply_to(link_id, absent=state.value).state, reply_to(link_id, absent=state.value).value) == (state, None)


@pytest.mark.parametrize("link_id", TYPED)
def test_an_answer_given_together_with_not_sure_is_asked_about(link_id):
    assert "Keep one of them" in refusal_of(link_id, **TYPED[link_id], absent="not_sure")


@pytest.mark.parametrize("link_id", TYPED)
def test_two_ways_out_at_once_are_refused(link_id):
    assert refusal_of(link_id, absent=["not_sure", "prefer_not_to_say"])


def test_not_sure_comes_as_one_more_option_of_a_choice():
    assert reply_to("choice", own="not_sure").state is State.NOT_SURE
    assert reply_to("several", own=["prefer_not_to_say"]).state is State.PREFER_NOT_TO_SAY


def test_not_sure_ticked_beside_an_option_is_asked_about():
    assert "Keep one of them" in refusal_of("several", own=["pain", "not_sure"])


def test_a_question_of_a_published_scale_offers_only_one_way_out():
    assert field_of("asq_item").absent_choices == [("prefer_not_to_say", "I’d rather not answer this")]
    assert reply_to("asq_item", own="prefer_not_to_say").state is State.PREFER_NOT_TO_SAY
    assert refusal_of("asq_item", own="not_sure")


@pytest.mark.parametrize("link_id", ["required_text", "plain_choice", "consent"])
def test_a_question_that_is_not_clinical_has_no_way_out(link_id):
    assert field_of(link_id).absent_choices == []
    assert "absent" not in field_of(link_id).widget.parts


# ── text as people write it ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", ["שלום עולם", "‏عربي‏", "👩🏽‍⚕️ says hi", "a\tb", "Nguyễn Văn", "<script>alert(1)</script> {{ x }}"]
)
def test_text_of_any_script_is_kept_as_it_was_written(text):
    assert reply_to("long_text", own=text).value == text


def test_letters_with_their_accent_apart_are_joined():
    assert reply_to("short_text", own="Jose\u0301").value == "José"


@pytest.mark.parametrize("link_id", ["short_text", "choice", "date", "medicines", "consent", "drinks"])
def test_a_nul_is_refused_with_a_sentence(link_id):
    part = field_of(link_id).widget.parts[-1 if link_id in ("medicines", "consent") else 0]
    if link_id == "medicines":
        part = "name"
    assert "can not be stored" in refusal_of(link_id, **{part or "own": "a\x00b"})


def test_control_characters_that_nobody_types_are_dropped():
    assert reply_to("short_text", own="a\x07b\x1b").value == "ab"


# ── medicines ──────────────────────────────────────────────────────────────────────────────────────────────────────


def medicine_rows(count: int) -> Raw:
    return {"name": [f"Medicine {n}" for n in range(count)], "dose": ["5 mg"] * count}


@pytest.mark.parametrize("count", [1, 60, 500, 600])
def test_a_long_list_of_medicines_is_taken_whole(count):
    assert len(reply_to("medicines", **medicine_rows(count)).value["rows"]) == count


def test_a_list_of_601_medicines_is_refused_with_what_to_do():
    assert "call us about the rest" in refusal_of("medicines", **medicine_rows(601))


def test_a_row_that_was_emptied_is_off_the_list():
    rows = reply_to("medicines", name=["A", "", "B"], dose=["1", "", "2"]).value["rows"]
    assert [(row["name"], row["dose"]) for row in rows] == [("A", "1"), ("B", "2")]


# ── shown again as it was posted ───────────────────────────────────────────────────────────────────────────────────


def again(link_id: str, reply: Reply) -> Reply:
    """The reply to what the page posts when it is opened again and saved as it stands."""
    field = field_of(link_id)
    raw = field.raw(reply.value)
    return field.clean({part: raw.get(part, []) for part in field.widget.parts})


@pytest.mark.parametrize(("link_id", "parts"), [(link_id, parts) for link_id, parts, *_ in GOOD])
def test_a_saved_answer_posts_itself_again(link_id, parts):
    reply = reply_to(link_id, **parts)
    assert again(link_id, reply) == reply


words = st.text(max_size=60).filter(lambda text: "\x00" not in text)


@given(words)
@settings(max_examples=80, deadline=None)
def test_any_text_that_is_taken_posts_itself_again(text):
    try:
        reply = reply_to("long_text", own=text)
    except ValidationError:
        return
    assert again("long_text", reply) == reply


@given(st.dates(min_value=datetime.date(1900, 1, 1), max_value=TODAY))
@settings(max_examples=80, deadline=None)
def test_every_day_is_read_as_that_day(day):
    reply = reply_to("date", month=str(day.month), day=str(day.day), year=str(day.year))
    assert reply.value == day.isoformat()
    assert again("date", reply) == reply


@given(st.lists(st.tuples(words, words, words, words), max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_list_of_medicines_that_is_taken_posts_itself_again(rows):
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    try:
        reply = reply_to("medicines", **dict(zip(["name", "dose", "frequency", "reason"], columns, strict=True)))
    except ValidationError:
        return
    assert again("medicines", reply) == reply


@given(
    st.sampled_from(sorted(QUESTIONNAIRE.questions)), st.lists(st.lists(st.text(max_size=12), max_size=2), max_size=5)
)
@settings(max_examples=300, deadline=None)
def test_nothing_that_can_be_posted_breaks_a_field(link_id, texts):
    field = field_of(link_id)
    raw = {part: texts[n] if n < len(texts) else [] for n, part in enumerate(field.widget.parts)}
    try:
        reply = field.clean(raw)
    except ValidationError:
        return
    assert (reply.value is not None) == (reply.state is State.ANSWERED)


# ── measures that can hardly be ────────────────────────────────────────────────────────────────────────────────────


def page_of(link_id: str) -> Page:
    return QUESTIONNAIRE.page_of[link_id]


def form_for(link_id: str, document: AnswerDocument, **parts: str) -> PageForm:
    posted = QueryDict(mutable=True)
    for part, text in parts.items():
        posted[f"{link_id}.{part}" if part != "own" else link_id] = text
    return PageForm(page_of(link_id), document, language="en", today=TODAY, data=posted)


def document_with(link_id: str, reply: Reply) -> AnswerDocument:
    document = AnswerDocument()
    at = "2026-11-23T12:00:00+00:00"
    document.put(Answer(link_id, reply.state, reply.value, "Q", reply.shown, "en", "self", at, 1))
    return document


IMPLAUSIBLE = [
    ("height", {"feet": "4", "inches": "0"}, False),  # 121.92 cm
    ("height", {"feet": "4", "inches": "1"}, True),
    ("height", {"cm": "121.9"}, False),
    ("height", {"cm": "122"}, True),
    ("height", {"cm": "229"}, True),
    ("height", {"cm": "229.1"}, False),
    ("height", {"cm": "0"}, False),
    ("weight", {"kg": "26.9"}, False),
    ("weight", {"kg": "27"}, True),
    ("weight", {"pounds": "701"}, True),
    ("weight", {"pounds": "702"}, False),  # 318.4 kg
    ("blood_pressure", {"systolic": "260", "diastolic": "150"}, True),
    ("blood_pressure", {"systolic": "261", "diastolic": "80"}, False),
    ("blood_pressure", {"systolic": "200", "diastolic": "151"}, False),
    ("blood_pressure", {"systolic": "69", "diastolic": "40"}, False),
    ("blood_pressure", {"systolic": "70", "diastolic": "39"}, False),
    ("blood_pressure", {"systolic": "80", "diastolic": "120"}, False),
    ("blood_pressure", {"systolic": "100", "diastolic": "100"}, False),
    ("drinks", {"own": "40"}, True),
    ("drinks", {"own": "41"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("link_id", "parts", "plausible"), IMPLAUSIBLE)
def test_a_measure_outside_its_plausible_range_is_asked_about(link_id, parts, plausible):
    form = form_for(link_id, AnswerDocument(), **parts)
    assert form.is_valid() == plausible
    assert plausible or "Please check this" in form.errors[link_id][0]


@pytest.mark.parametrize(("link_id", "parts"), [case[:2] for case in IMPLAUSIBLE if not case[2]])
def test_an_unlikely_measure_is_kept_and_taken_the_second_time(link_id, parts):
    first = form_for(link_id, AnswerDocument(), **parts).replies()[link_id]
    assert first.state is State.ANSWERED
    assert form_for(link_id, document_with(link_id, first), **parts).is_valid()


def test_another_unlikely_measure_is_asked_about_anew():
    first = form_for("height", AnswerDocument(), cm="17").replies()["height"]
    assert not form_for("height", document_with("height", first), cm="18").is_valid()


def test_what_can_not_be_read_is_kept_as_it_was_typed():
    reply = form_for("date", AnswerDocument(), month="Smarch", day="13", year="1990").replies()["date"]
    assert reply == Reply(State.UNPARSEABLE, {"month": ["Smarch"], "day": ["13"], "year": ["1990"]}, "Smarch 13 1990")


def test_what_could_not_be_read_stands_in_the_boxes_again():
    reply = form_for("date", AnswerDocument(), month="Smarch", day="13", year="1990").replies()["date"]
    form = PageForm(page_of("date"), document_with("date", reply), language="en", today=TODAY)
    assert form.raw("date")["month"] == ["Smarch"]
