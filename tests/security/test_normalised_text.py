"""What is taken out of a typed text, for patients and staff by one function, and what is kept."""

import pytest
from django.http import QueryDict

from clinic_site.records.text import normalised
from intake.answer_types.base import Unreadable
from intake.answer_types.texts import LongText
from screening.forms import CloseFlagForm, FindPatientForm
from tests.conftest import shipped_questionnaire

TABLE = [
    ("plain", "plain"),
    ("", ""),
    ("e\u0301", "\u00e9"),  # composed
    ("\u212b", "\u00c5"),
    ("one\r\ntwo\rthree", "one\ntwo\nthree"),
    ("a\tb", "a\tb"),
    ("a\x07b\x1b[31mc\x7f\x9b", "ab[31mc"),
    ("a\ud800b", "ab"),  # half a character
    ("\u202eevil\u202c", "evil"),
    ("\u2066x\u2069\u2067y\u2068", "xy"),
    ("שלום\u200f!", "שלום\u200f!"),  # typed by a right-to-left keyboard
    ("👩\u200d⚕️", "👩\u200d⚕️"),  # a joiner within one sign
    ("a\x00b", "a\x00b"),  # for the field to refuse
]


@pytest.mark.parametrize(("typed", "kept"), TABLE)
def test_a_text_is_composed_and_loses_what_can_not_be_seen(typed, kept):
    assert normalised(typed) == kept
    assert normalised(kept) == kept


@pytest.mark.parametrize(("typed", "kept"), [pair for pair in TABLE if "\x00" not in pair[0] and pair[1].strip()])
def test_patients_and_staff_are_read_by_the_same_rule(typed, kept):
    item = shipped_questionnaire().questions["other_allergies"]
    assert LongText(item, language="en", today=None).clean({"": [typed]}).value == kept.strip()
    form = CloseFlagForm(posted(reason="clarified", words=f"{typed} and ten letters"))
    form.is_valid()
    assert form.cleaned_data["words"] == f"{kept} and ten letters".strip()


def test_a_nul_is_refused_by_the_field_of_a_patient_and_of_staff():
    item = shipped_questionnaire().questions["other_allergies"]
    with pytest.raises(Unreadable):
        LongText(item, language="en", today=None).clean({"": ["a\x00b"]})
    form = CloseFlagForm(posted(reason="clarified", words="long enough, but \x00"))
    assert "words" in form.errors


def test_the_length_is_counted_after_cleaning():
    item = shipped_questionnaire().questions["other_allergies"]
    field = LongText(item, language="en", today=None)
    assert len(field.clean({"": ["e\u0301" * item.max_length]}).value) == item.max_length
    with pytest.raises(Unreadable):
        field.clean({"": ["e\u0301" * (item.max_length + 1)]})


def test_what_comes_twice_is_refused_with_a_sentence():
    form = FindPatientForm(QueryDict("given_name=Sam&given_name=Alex&family_name=S&date_of_birth=1985-04-27"))
    assert "This came more than once. Fill it in once." in form.errors["given_name"]


def posted(**fields):
    data = QueryDict(mutable=True)
    data.update(fields)
    return data
