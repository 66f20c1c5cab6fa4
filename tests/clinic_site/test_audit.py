"""The audit trail: appended, never changed, and never a home for what patients say."""

import pytest
from django.db import DatabaseError, connection, transaction

from clinic_site.audit.models import Actor, AuditEvent
from clinic_site.audit.services import audit_event, record
from tests.conftest import make_user, owner_of_tables

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_did_what_to_which_record_from_where(clinic):
    user = make_user("clinician", clinic)
    record([audit_event("case.read", clinic_id=clinic.id, entity=clinic, user=user, address="192.0.2.7", pages=3)])
    event = AuditEvent.objects.get(action="case.read")
    assert (event.user, event.actor, event.clinic, event.address) == (user, Actor.STAFF, clinic, "192.0.2.7")
    assert (event.entity_type, event.entity_id, event.detail) == ("clinics.clinic", clinic.id, {"pages": 3})


@pytest.mark.parametrize(
    ("options", "actor"), [({}, Actor.SYSTEM), ({"actor": Actor.PATIENT}, Actor.PATIENT)], ids=["nobody", "a patient"]
)
def test_an_entry_without_a_user_is_of_the_system_or_of_a_patient(options, actor):
    record([audit_event("something", clinic_id=None, **options)])
    assert AuditEvent.objects.get(action="something").actor == actor


def test_entries_go_down_with_what_they_tell_of(clinic):
    with transaction.atomic():
        record([audit_event("undone", clinic_id=clinic.id)])
        transaction.set_rollback(True)
    assert not AuditEvent.objects.filter(action="undone").exists()


@pytest.mark.parametrize("statement", ["UPDATE audit_auditevent SET action = 'x'", "DELETE FROM audit_auditevent"])
def test_the_database_refuses_to_change_or_delete_an_entry(clinic, statement):
    record([audit_event("kept", clinic_id=clinic.id)])
    with owner_of_tables(), pytest.raises(DatabaseError, match="pgtrigger: Cannot"), transaction.atomic():
        connection.cursor().execute(statement)


def test_the_database_refuses_to_empty_the_trail(clinic):
    """The test runner switches this trigger off for its own cleaning, so it is switched on again here."""
    with owner_of_tables(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_auditevent'::regclass AND tgname LIKE '%no_truncate%'"
        )
        (trigger,) = cursor.fetchone()
        cursor.execute(f'ALTER TABLE audit_auditevent ENABLE TRIGGER "{trigger}"')
        with pytest.raises(DatabaseError, match="Cannot truncate"), transaction.atomic():
            cursor.execute("TRUNCATE audit_auditevent")
        cursor.execute(f'ALTER TABLE audit_auditevent DISABLE TRIGGER "{trigger}"')


def test_several_entries_cost_one_statement(clinic, statements):
    with statements() as seen:
        record([audit_event(f"step {number}", clinic_id=clinic.id) for number in range(20)])
    assert len(seen.statements()) == 1
