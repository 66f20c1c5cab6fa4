"""Answers that do not fit together are shown once more before sending, and never stand in the way of it."""

import html
import re
from unittest import mock

import pytest

from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db
LISINOPRIL = {".name": ["lisinopril"], ".dose": ["10 mg"], ".frequency": [""], ".reason": [""]}
NOTE = "Please look at these once more"


@pytest.fixture
def looked_at(published, clinic):
    """`looked_at(**answers)`: the questions that the page to check answers asks to look at again, group by group."""

    def check(**answers):
        patient = PatientBrowser(clinic, answers).fill_in()
        shown = patient.client.get(f"/intake/{patient.public_id}/check/")
        groups = shown.context["looks"]
        assert (NOTE in html.unescape(shown.content.decode())) == bool(groups)
        return patient, [[row["link_id"] for row in group] for group in groups]

    return check


def test_answers_that_fit_are_not_asked_about(looked_at):
    assert looked_at()[1] == []


def test_a_medicine_for_what_was_denied_is_asked_about(looked_at):
    _patient, [group] = looked_at(medicines=LISINOPRIL)
    assert {"medicines", "high_blood_pressure_diagnosed"} <= set(group)


def test_a_medicine_for_what_was_told_is_not(looked_at):
    assert looked_at(medicines=LISINOPRIL, high_blood_pressure_diagnosed={"": "yes"})[1] == []


@pytest.mark.parametrize(
    ("systolic", "diastolic", "asked"), [("139", "89", False), ("140", "89", True), ("139", "90", True)]
)
def test_a_raised_reading_beside_a_denied_condition_is_asked_about(looked_at, systolic, diastolic, asked):
    _patient, groups = looked_at(blood_pressure={".systolic": systolic, ".diastolic": diastolic})
    assert groups == ([["blood_pressure", "high_blood_pressure_diagnosed"]] if asked else [])


def test_what_does_not_fit_does_not_stop_the_sending(looked_at):
    patient, groups = looked_at(medicines=LISINOPRIL, blood_pressure={".systolic": "150", ".diastolic": "95"})
    assert len(groups) == 2
    assert patient.submit().status_code == 303
    assert not patient.response.is_draft


def test_a_failure_to_look_shows_nothing_and_stops_nothing(published, clinic):
    patient = PatientBrowser(clinic, {"medicines": LISINOPRIL}).fill_in()
    with mock.patch("screening.contradictions.current_rule_set", side_effect=RuntimeError("broken")):
        shown = patient.client.get(f"/intake/{patient.public_id}/check/")
        assert (shown.status_code, shown.context["looks"]) == (200, [])
        assert patient.submit().status_code == 303


def test_a_changed_answer_says_how_long_it_stood(published, clinic, staff, signed_in):
    patient = PatientBrowser(clinic, {"psychosis_symptoms_past_month": {"": "yes"}}).fill_in()
    patient.save("psychosis_symptoms_past_month", psychosis_symptoms_past_month={"": "no"})
    patient.submit()
    page = signed_in(staff("clinician")).get(f"/review/{patient.response.reference}/").content.decode()
    assert re.search(r"Was: <s[^>]*>Yes</s> <span[^>]*>for \d+ (s|min), until ", page)
