"""Finding a person: two exact identifiers, few rows, few tries, and a trace of each row."""

import pytest

from clinic_site.audit.models import AuditEvent
from intake.models import Patient
from screening import look_up as look_up_module
from screening.models import Case
from tests.conftest import make_clinic, make_user
from tests.screening.cases import submitted_case

pytestmark = pytest.mark.django_db
BORN = {"date_of_birth": "1985-04-27"}
NAME = {"given_name": "Sam", "family_name": "Sample"}
PHONE = {"phone": "(212) 555-0100"}


@pytest.fixture
def case(published, clinic):
    return submitted_case(clinic)


@pytest.fixture
def find(case, staff, signed_in):
    client = signed_in(staff("front-desk"))
    return lambda **posted: client.post("/review/find/", posted)


def references(answer):
    assert answer.status_code == 200
    return [row["reference"] for row in answer.context["results"]]


@pytest.mark.parametrize("other", [NAME, PHONE, {"phone": "+1 212.555.0100"}, {**NAME, **PHONE}])
def test_a_birth_date_and_one_more_exact_identifier_find_the_person(case, find, other):
    assert references(find(**BORN, **other)) == [case.reference]


def test_a_reference_finds_the_person_however_it_was_read_out_if_the_birth_date_is_right(case, find):
    spoken = case.reference.lower().replace("-", " ")
    assert references(find(**BORN, reference=spoken)) == references(find(**BORN, reference=case.reference))
    assert references(find(**BORN, reference=spoken)) == [case.reference]
    assert references(find(date_of_birth="1985-04-28", reference=case.reference)) == []


@pytest.mark.parametrize("other", [NAME, PHONE])
def test_with_another_birth_date_nobody_is_found(find, other):
    assert references(find(date_of_birth="1985-04-28", **other)) == []


def test_every_identifier_that_is_given_must_be_right(case, find):
    assert references(find(**BORN, **NAME, phone="212 555 0101")) == []
    assert references(find(**BORN, **NAME, reference="AAAA-AAAA")) == []
    assert references(find(**BORN, given_name="Robin", family_name="Sample", reference=case.reference)) == []


@pytest.mark.parametrize(
    "posted",
    [
        BORN, NAME, PHONE, {**NAME, **PHONE}, {**BORN, "given_name": "Sam"}, {**BORN, "family_name": "Sample"},
        {"date_of_birth": "1985", **NAME}, {**BORN, "phone": "none"}, {**BORN, "given_name": " ", "family_name": " "}, {},
    ],
)  # fmt: skip
def test_one_identifier_is_not_enough(find, posted):
    answer = find(**posted)
    assert (answer.status_code, answer.context["results"]) == (422, None)
    assert not AuditEvent.objects.filter(action="patient.found").exists()


def test_neither_is_a_reference_alone(case, find):
    assert find(reference=case.reference).status_code == 422


@pytest.mark.parametrize("wild", ["%", "_am", "S%", "*", "S.m", "Sa", "' OR '1'='1"])
def test_nothing_stands_for_a_part_of_a_name_a_number_or_a_reference(find, wild):
    assert references(find(**BORN, given_name=wild, family_name="Sample")) == []
    assert references(find(**BORN, given_name="Sam", family_name=wild)) == []
    assert references(find(**BORN, reference=wild)) == []


def test_a_number_of_the_same_digits_in_part_finds_nobody(find):
    assert references(find(**BORN, phone="555 0100")) == []


def test_nobody_of_another_clinic_is_found_by_any_identifier(case, signed_in):
    client = signed_in(make_user("clinician", make_clinic("hillside")))
    for other in (NAME, PHONE, {"reference": case.reference}):
        assert references(client.post("/review/find/", {**BORN, **other})) == []


def test_at_most_twenty_are_shown_and_each_is_on_record(case, find, monkeypatch):
    monkeypatch.setattr(look_up_module, "MOST_FOUND", 2)
    for _ in range(2):
        submitted_case(case.clinic)
    found = references(find(**BORN, **NAME))
    assert len(found) == 2 < Patient.objects.count()
    listed = AuditEvent.objects.filter(action="patient.found")
    assert {event.entity_id for event in listed} == set(
        Case.objects.filter(reference__in=found).values_list("id", flat=True)
    )


def test_no_more_than_twenty_are_ever_shown():
    assert look_up_module.MOST_FOUND <= 20


def test_after_thirty_searches_in_an_hour_the_next_is_refused_and_keeps_what_was_typed(find, monkeypatch):
    monkeypatch.setattr(look_up_module, "SEARCHES_AN_HOUR", 3)
    assert [find(**BORN, **NAME).status_code for _ in range(3)] == [200, 200, 200]
    refused = find(**BORN, **NAME)
    assert (refused.status_code, refused.context["results"]) == (429, None)
    assert 'value="Sample"' in refused.content.decode()
    assert AuditEvent.objects.filter(action="patient.searched").count() == 3
    assert AuditEvent.objects.filter(action="patient.search-refused").count() == 1


def test_the_limit_is_each_person_s_own(find, staff, signed_in, monkeypatch):
    monkeypatch.setattr(look_up_module, "SEARCHES_AN_HOUR", 1)
    assert [find(**BORN, **NAME).status_code for _ in range(2)] == [200, 429]
    assert signed_in(staff("front-desk")).post("/review/find/", {**BORN, **NAME}).status_code == 200


def test_a_search_that_lacks_an_identifier_is_not_counted(find, monkeypatch):
    monkeypatch.setattr(look_up_module, "SEARCHES_AN_HOUR", 1)
    assert [find(**BORN).status_code, find(**BORN, **NAME).status_code] == [422, 200]
