"""What a patient writes can be read with the key of that record only, and only where it belongs."""

import datetime
import uuid

import orjson
import pytest
from django.db import DatabaseError, connection
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from, tuples

from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.models import DataKey
from intake.answers import Answer, AnswerDocument, State
from intake.models import MOST_LATER_BYTES, Consent, Patient, QuestionnaireResponse
from intake.services import name_index, phone_index
from tests.conftest import make_clinic
from tests.intake.drafts import filled
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db

SECRETS = {
    "legal_given_name": {"": "Quixotina"},
    "legal_family_name": {"": "Zzyzxberg"},
    "phone": {"": "212 555 0147"},
    "emergency_contact_name": {"": "Wolfgangina Placeholder"},
    "other_allergies": {"": "Marzipanosis since childhood"},
    "current_location": {"": "12 Unlikelystreet"},
    "medicines": {".name": ["Nardil"], ".dose": ["15 mg"]},
    "aneurysm_or_avm": {"": "yes"},
}
NEVER_PLAIN = [
    "quixotina", "zzyzxberg", "212 555 0147", "2125550147", "wolfgangina", "marzipanosis", "unlikelystreet",
    "nardil", "1985-04-27", "sam sample",
]  # fmt: skip


@pytest.fixture
def patient(published, clinic) -> PatientBrowser:
    ready = filled(clinic)
    ready.answers |= SECRETS
    for link_id, answer in SECRETS.items():
        assert ready.save(link_id, **{link_id: answer}).status_code == 303
    return ready


@pytest.fixture
def with_later(patient) -> PatientBrowser:
    """One page saved beside a document that was just sealed whole."""
    response = patient.response
    document, response.answers = response.document(), b""
    response.seal_document(document)
    response.save(update_fields=["answers", "later_answers"])
    patient.save("other_allergies", other_allergies={"": "Marzipanosis"})
    assert patient.response.later_answers
    return patient


def rows_of_every_table() -> dict[str, str]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found = {}
        for table in tables:
            cursor.execute(f'SELECT coalesce(string_agg(t::text, chr(10)), %s) FROM "{table}" AS t', [""])  # noqa: S608
            found[table] = cursor.fetchone()[0].casefold()
    return found


def test_nothing_the_patient_wrote_stands_readable_in_any_table(patient):
    patient.submit()
    content = ("intake_questionnaireversion", "screening_rulesetversion")
    rows = {table: text for table, text in rows_of_every_table().items() if table not in content}
    assert rows["intake_patient"]
    assert [(table, word) for table, text in rows.items() for word in NEVER_PLAIN if word in text] == []


def test_the_sealed_bytes_hold_no_word_of_the_answers(with_later):
    sealed = bytes(with_later.response.answers) + bytes(with_later.response.later_answers)
    assert b"answers" not in sealed
    assert all(word.encode() not in sealed for word in ("Quixotina", "Marzipanosis", "aneurysm", "yes", "not_sure"))


def test_the_same_answers_are_sealed_differently_each_time(patient):
    response = patient.response
    document, sealed = response.document(), set()
    for _ in range(3):
        response.answers = b""
        response.seal_document(document)
        sealed.add(bytes(response.answers))
    assert len(sealed) == 3


class TestLaterAnswers:
    """What a page save writes stands beside the whole document, until it is no longer little."""

    def test_a_page_save_leaves_the_whole_document_as_it_is(self, with_later):
        before = with_later.response
        with_later.save("other_allergies", other_allergies={"": "pollen"})
        after = with_later.response
        assert (bytes(after.answers), after.revision) == (bytes(before.answers), before.revision + 1)
        assert bytes(after.later_answers) not in (b"", bytes(before.later_answers))
        assert after.document().value("other_allergies") == "pollen"
        assert [a.value for a in after.document().changes("other_allergies")][-1] == before.document().value(
            "other_allergies"
        )

    def test_it_stays_little_and_the_rest_stays_what_it_was(self, patient):
        sizes, wholes = [], set()
        for n in range(40):
            patient.save("other_allergies", other_allergies={"": f"remedy {n}"})
            sizes.append(len(patient.response.later_answers))
            wholes.add(bytes(patient.response.answers))
        assert max(sizes) <= MOST_LATER_BYTES
        assert 1 < len(wholes) < 20
        document = patient.response.document()
        told = [answer.value for answer in document.changes("other_allergies")]
        assert told[-39:] == [f"remedy {n}" for n in range(39)]
        assert document.value("legal_given_name") == "Quixotina"

    def test_beside_another_whole_document_it_does_not_open(self, with_later):
        response = with_later.response
        document = response.document()
        response.answers, later = b"", response.later_answers
        response.seal_document(document)
        response.later_answers = later
        with pytest.raises(CannotOpen):
            response.document()

    @pytest.mark.parametrize("place", [0, 1, 17, 29, -1], ids=["version", "key id", "nonce", "text", "tag"])
    def test_one_altered_byte_is_found(self, with_later, place):
        response = with_later.response
        altered = bytearray(response.later_answers)
        altered[place] ^= 1
        response.later_answers = bytes(altered)
        with pytest.raises(CannotOpen):
            response.document()

    def test_it_is_frozen_with_the_rest(self, patient):
        patient.submit()
        with pytest.raises(DatabaseError, match="Cannot update rows"):
            QuestionnaireResponse.objects.filter(pk=patient.response.pk).update(later_answers=b"")

    @settings(max_examples=200, deadline=None)
    @given(
        steps=lists(tuples(sampled_from("abcd"), sampled_from(["put", "retire", "reply"]), integers(0, 2))),
        at=integers(0, 20),
    )
    def test_any_document_comes_back_as_it_was(self, steps, at):
        document, whole = AnswerDocument(), AnswerDocument()
        for n, (link_id, what, value) in enumerate(steps):
            whole = document.copy() if n == at else whole
            answer = Answer(link_id, State.ANSWERED, value, "?", str(value), "en", "self", f"{n:03}", n)
            if what == "put":
                document.put(answer)
            elif what == "retire":
                document.retire(link_id, at=f"{n:03}")
            else:
                document.history.append(answer)
        later = orjson.loads(orjson.dumps(document.since(whole)))
        reopened = AnswerDocument.from_json(orjson.loads(orjson.dumps(whole.to_json()))).with_later(later)
        assert reopened == document


def test_answers_copied_to_another_record_do_not_open(patient):
    other = PatientBrowser(patient.clinic)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE intake_questionnaireresponse SET answers = %s WHERE public_id = %s",
            [bytes(patient.response.answers), other.public_id],
        )
    with pytest.raises(CannotOpen):
        other.response.document()


def test_answers_copied_together_with_their_key_do_not_open(patient):
    other = PatientBrowser(patient.clinic)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE intake_questionnaireresponse SET answers = %s, data_key_id = %s WHERE public_id = %s",
            [bytes(patient.response.answers), patient.response.data_key_id, other.public_id],
        )
    with pytest.raises(CannotOpen):
        other.response.document()


def test_answers_do_not_open_as_another_field(patient):
    response = patient.response
    with pytest.raises(CannotOpen):
        response.data_key.unseal(response.answers, row=response, label="patient.identity")


def test_answers_do_not_open_for_another_clinic(patient):
    response = patient.response
    response.data_key.clinic_id = make_clinic("hillside").id
    with pytest.raises(CannotOpen):
        response.document()


def test_a_new_key_does_not_open_what_another_sealed(patient):
    response = patient.response
    response.data_key = DataKey.generate(patient.clinic)
    with pytest.raises(CannotOpen):
        response.document()


@pytest.mark.parametrize("place", [0, 1, 17, 29, -1], ids=["version", "key id", "nonce", "text", "tag"])
def test_one_altered_byte_is_found(patient, place):
    response = patient.response
    altered = bytearray(response.answers)
    altered[place] ^= 1
    response.answers = bytes(altered)
    with pytest.raises(CannotOpen):
        response.document()


def test_a_name_and_a_signature_are_sealed_each_for_its_own_row(patient):
    patient.submit()
    response, person = patient.response, Patient.objects.get()
    assert (
        response.data_key.unseal(person.identity, row=person, label="patient.identity")["legal_given_name"]
        == "Quixotina"
    )
    first, second = Consent.objects.all()[:2]
    with pytest.raises(CannotOpen):
        response.data_key.unseal(first.signature, row=second, label="consent.signature")


def test_people_are_found_by_name_and_birth_however_it_is_spelled():
    clinic_id = uuid.uuid4()
    written = name_index(clinic_id, "José  Luis", "O\u2019Neill", "1985-04-27")
    assert name_index(clinic_id, "josé luis", "o\u2019neill", "1985-04-27") == written
    assert name_index(clinic_id, "Jose\u0301 Luis", "O\u2019Neill", "1985-04-27") == written


def test_an_index_of_one_clinic_says_nothing_at_another():
    one, other = uuid.uuid4(), uuid.uuid4()
    assert phone_index(one, "+12125550100", "1985-04-27") != phone_index(other, "+12125550100", "1985-04-27")
    assert phone_index(one, "+12125550100", "1985-04-27") != phone_index(one, "+12125550100", "1985-04-28")


def test_keys_of_rows_sort_by_age_and_public_references_do_not(published, clinic):
    browsers = [PatientBrowser(clinic) for _ in range(8)]
    rows = [browser.response for browser in browsers]
    assert {row.id.version for row in rows} == {7}
    milliseconds = [row.id.int >> 80 for row in rows]
    assert milliseconds == sorted(milliseconds)
    moment = datetime.datetime.fromtimestamp(milliseconds[0] / 1000, datetime.UTC)
    assert abs(rows[0].started_at - moment) < datetime.timedelta(seconds=5)
    assert [row.public_id for row in rows] != sorted(row.public_id for row in rows)
    assert QuestionnaireResponse.objects.values("reference").distinct().count() == 8
