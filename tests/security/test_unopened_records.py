"""What was altered, moved or damaged in the database is never shown, never looks empty, and never lets anyone sign."""

import pytest
from django.db import connection, transaction

from clinic_site.audit.models import AuditEvent
from clinic_site.messaging.models import OutboxMessage
from intake.models import QuestionnaireResponse
from screening.models import Decision, Disposition, Observation
from screening.opening import CANNOT_SHOW
from screening.verification import verified
from tests.conftest import make_clinic, owner_of_tables
from tests.patients import PatientBrowser
from tests.screening.cases import Desk, submitted_case

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("published")]


def overwrite(row, column: str, value: bytes) -> None:
    """As somebody who owns the database could: with the triggers off."""
    table = row._meta.db_table
    with transaction.atomic(), owner_of_tables(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', [value, row.id])  # noqa: S608
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')
    row.refresh_from_db()


def altered(value) -> bytes:
    value = bytearray(bytes(value))
    value[-1] ^= 1
    return bytes(value)


@pytest.fixture
def case(clinic):
    return submitted_case(clinic, aneurysm_or_avm="yes")


@pytest.fixture
def desk(staff, case) -> Desk:
    desk = Desk(staff("clinician"), case)
    desk.claim()
    return desk


@pytest.fixture
def front_desk(staff, case) -> Desk:
    return Desk(staff("front-desk"), case)


def lose_answers(case) -> None:
    overwrite(case.response, "answers", altered(case.response.answers))


def text_of(page) -> str:
    return page.content.decode()


class TestAnswers:
    def test_the_case_page_says_so_at_every_answer_and_shows_the_flags(self, desk, case):
        lose_answers(case)
        shown = desk.open()
        assert shown.status_code == 200
        rows = [row for section in shown.context["sections"] for row in (*section["rows"], *section["not_asked"])]
        assert len(rows) > 100
        assert {row.tag for section in shown.context["sections"] for row in section["rows"]} == {"Can not be shown"}
        assert [section["not_asked"] for section in shown.context["sections"] if section["not_asked"]] == []
        assert "A part of this record can not be shown" in text_of(shown)
        assert "Name can not be shown" in text_of(shown)
        assert "Name not given yet" not in text_of(shown)
        assert "Born <b>can not be shown</b>" in text_of(shown)
        assert shown.context["flags"]

    def test_the_form_for_a_reading_says_so_as_well(self, desk, case):
        lose_answers(case)
        shown = text_of(desk.client.get(f"{desk.url}record/blood-pressure/"))
        assert "A part of this record can not be shown" in shown
        assert "not given" not in shown

    def test_nothing_can_be_signed(self, desk, case, clinic, staff):
        desk.check_identity()
        lose_answers(case)
        refused = desk.sign()
        assert refused.status_code == 409
        assert "can not be shown, so nothing can be signed" in text_of(refused)
        assert not Decision.objects.exists()

    def test_the_front_desk_sees_that_the_name_can_not_be_shown(self, front_desk, case):
        lose_answers(case)
        shown = front_desk.open()
        assert shown.status_code == 200
        assert "Name can not be shown" in text_of(shown)

    @pytest.mark.parametrize("kind", ["identity", "blood-pressure"])
    def test_a_form_of_a_check_opens_and_gives_back_what_was_typed(self, desk, case, kind):
        lose_answers(case)
        assert desk.client.get(f"{desk.url}record/{kind}/").status_code == 200
        fields = {"verified": "yes"} if kind == "identity" else {"systolic": "120", "diastolic": "80"}
        refused = desk.record(kind, note="Passport seen at the desk", **fields)
        assert refused.status_code == 409
        assert "Passport seen at the desk" in text_of(refused)
        assert not Observation.objects.exists()

    def test_the_queue_and_the_look_up_go_on(self, desk, case):
        lose_answers(case)
        assert case.reference in text_of(desk.client.get("/review/"))
        found = desk.client.post(
            "/review/find/", {"given_name": "Sam", "family_name": "Sample", "date_of_birth": "1985-04-27"}
        )
        assert found.status_code == 200

    def test_running_the_rules_again_names_the_case(self, case):
        lose_answers(case)
        problems = [one.problem for one in verified()]
        assert problems == ["its facts or the answers behind them were altered"]

    def test_answers_of_another_record_are_not_shown(self, desk, case, clinic):
        other = submitted_case(clinic, seizure_ever="yes")
        overwrite(case.response, "answers", bytes(other.response.answers))
        assert "Name can not be shown" in text_of(desk.open())

    def test_answers_of_another_clinic_are_not_shown_even_with_their_key(self, desk, case):
        other = submitted_case(make_clinic("hillside"))
        overwrite(case.response, "answers", bytes(other.response.answers))
        overwrite(case.response.data_key, "wrapped", bytes(other.response.data_key.wrapped))
        assert "Name can not be shown" in text_of(desk.open())


class TestWordsOfStaff:
    def test_a_note_that_does_not_open_is_not_an_empty_note(self, desk, case):
        desk.check_identity()
        row = Observation.objects.get()
        overwrite(row, "values", altered(row.values))
        shown = desk.open()
        assert [o["value"] for o in shown.context["observations"]] == [CANNOT_SHOW]
        assert desk.sign().status_code == 409

    def test_the_front_desk_sees_that_a_check_does_not_open(self, desk, front_desk, case):
        desk.check_identity()
        row = Observation.objects.get()
        overwrite(row, "values", altered(row.values))
        assert [o["value"] for o in front_desk.open().context["observations"]] == [CANNOT_SHOW]

    def test_the_words_of_two_closed_flags_that_were_swapped_are_both_refused(self, desk, case):
        rules = [flag["rule"] for flag in desk.open().context["open_flags"] if flag["blocks_signing"]][:2]
        for rule in rules:
            desk.close(rule, words=f"About {rule}")
        first, second = Disposition.objects.order_by("id")
        words = bytes(first.words), bytes(second.words)
        overwrite(first, "words", words[1])
        overwrite(second, "words", words[0])
        shown = desk.open()
        said = [d["words"] for flag in shown.context["flags"] for d in flag["dispositions"]]
        assert said == [CANNOT_SHOW, CANNOT_SHOW]
        assert not any(f"About {rule}" in text_of(shown) for rule in rules)

    def test_the_words_of_a_decision_that_do_not_open_say_so(self, staff, clinic):
        desk = Desk(staff("clinician"), submitted_case(clinic))
        desk.claim()
        desk.check_identity()
        for rule in [flag["rule"] for flag in desk.open().context["open_flags"] if flag["blocks_signing"]]:
            desk.close(rule)
        assert desk.sign(words="Come on Monday").status_code == 302
        row = Decision.objects.get()
        overwrite(row, "words", altered(row.words))
        shown = desk.open()
        assert shown.status_code == 200
        assert [d["words"] for d in shown.context["decisions"]] == [CANNOT_SHOW]


class TestTrace:
    def test_every_look_leaves_an_audit_entry_and_the_operator_is_told_once_a_day(self, desk, case, settings):
        lose_answers(case)
        desk.open()
        desk.open()
        entries = AuditEvent.objects.filter(action="record.cannot-open")
        assert [(e.user, e.clinic_id, e.entity_id, e.detail) for e in entries] == [
            (desk.user, case.clinic_id, case.response_id, {"field": "response.answers"})
        ] * 2
        message = OutboxMessage.objects.get(purpose="cannot-open")
        assert message.recipient == settings.OPERATOR_EMAIL
        assert str(case.response_id) in message.body

    def test_a_record_in_order_leaves_none(self, desk, case):
        desk.open()
        assert not AuditEvent.objects.filter(action="record.cannot-open").exists()


class TestDraft:
    @pytest.fixture
    def patient(self, clinic) -> PatientBrowser:
        patient = PatientBrowser(clinic)
        patient.save("legal_given_name")
        response = patient.response
        overwrite(response, "answers", altered(response.answers))
        return patient

    def pages(self, patient):
        root = f"/intake/{patient.public_id}/"
        return [root, f"{root}1/", f"{root}check/"]

    def test_every_page_asks_the_person_to_call_with_their_number(self, patient, clinic):
        for url in self.pages(patient):
            shown = patient.client.get(url)
            assert shown.status_code == 503, url
            assert all(word in text_of(shown) for word in (clinic.phone, patient.response.reference, "988")), url

    def test_what_was_typed_is_on_the_page_and_the_clinic_is_called(self, patient, clinic):
        number = patient.number("legal_given_name")
        fields = {**patient.posted(number), "legal_given_name": "Quixotina"}
        for _twice in range(2):
            shown = patient.client.post(f"/intake/{patient.public_id}/{number}/", fields)
            assert shown.status_code == 503
            assert "Quixotina" in text_of(shown)
        message = OutboxMessage.objects.get(purpose="could-not-go-on")
        assert message.recipient == clinic.alert_email
        assert patient.response.reference in message.subject
        assert "Quixotina" not in message.subject + message.body

    def test_i_need_help_still_calls_the_clinic(self, patient):
        shown = patient.client.post(f"/intake/{patient.public_id}/help/", {"reply": "need_help"})
        assert shown.status_code == 503
        assert OutboxMessage.objects.filter(purpose="could-not-go-on").count() == 1

    def test_nothing_is_stored_over_what_does_not_open(self, patient):
        before = bytes(patient.response.answers)
        patient.client.post(f"/intake/{patient.public_id}/submit/", {"idempotency_key": "0" * 32})
        after = QuestionnaireResponse.objects.get(public_id=patient.public_id)
        assert (bytes(after.answers), after.status) == (before, "in-progress")


def test_a_submission_is_not_lost_over_a_measurement_that_does_not_open(clinic, staff):
    """It comes from an emergency before the end; its answers count all the same, and a flag says that rules failed."""
    patient = PatientBrowser(clinic, {"emergency_symptoms_now": {"": ["chest_pain_now"]}}).fill_in()
    case = patient.response.case
    Desk(staff("clinician"), case).record("blood-pressure", systolic="120", diastolic="80")
    row = Observation.objects.get()
    overwrite(row, "values", altered(row.values))
    assert patient.submit().status_code == 303
    case.refresh_from_db()
    assert case.submitted_at is not None
    newest = case.assessments.filter(stage="submitted").get()
    assert [issue.status for issue in newest.issues.all()] == ["error"]
