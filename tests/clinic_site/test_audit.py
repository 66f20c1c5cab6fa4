"""The audit trail: appended, never changed, and never a home for what patients say."""

import ast
import re

import pytest
from django.db import DatabaseError, connection, transaction

from clinic_site.accounts.models import Membership
from clinic_site.audit.catalogue import catalogue
from clinic_site.audit.models import Actor, AuditEvent
from clinic_site.audit.services import audit_event, record
from tests.architecture.source import python_files, tree_of
from tests.conftest import make_clinic, make_user, owner_of_tables

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


def test_an_entry_of_a_request_says_which_page_which_number_and_in_which_role(clinic, signed_in):
    user = make_user("clinician", clinic)
    Membership.objects.create(user=user, clinic=make_clinic("lakeside"), role="auditor", origin="shell")
    signed_in(user).get("/review/", REMOTE_ADDR="192.0.2.7")
    event = AuditEvent.objects.get(action="queue.read")
    assert (event.route, event.address, event.role) == ("screening:queue", "192.0.2.7", "clinician")
    assert event.data == ["case status"]
    assert event.request_id is not None


def test_entries_of_one_request_share_its_number_and_those_of_the_next_do_not(clinic, signed_in):
    client = signed_in(make_user("clinician", clinic))
    for _ in range(2):
        client.get("/review/")
    first, second = AuditEvent.objects.filter(action="queue.read").values_list("request_id", flat=True)
    assert first != second


def test_outside_of_a_request_no_page_is_named(clinic, signed_in):
    signed_in(make_user("clinician", clinic)).get("/review/")
    record([audit_event("content.published", clinic_id=None)])
    event = AuditEvent.objects.get(action="content.published")
    assert (event.route, event.request_id, event.address) == ("", None, None)


def test_a_number_sent_by_the_browser_is_not_taken(clinic, signed_in):
    signed_in(make_user("clinician", clinic)).get("/review/", HTTP_X_REQUEST_ID="00000000-0000-7000-8000-000000000000")
    assert str(AuditEvent.objects.get(action="queue.read").request_id) != "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("path", "method", "action", "detail"),
    [
        ("/review/0000-0000/", "get", "case.not-found", {"asked": "0000-0000"}),
        ("/admin/", "get", "request.refused", {"status": 403}),
        ("/review/", "post", "request.refused", {"status": 405}),
        ("/nothing/here/", "get", "request.refused", {"status": 404}),
    ],
)
def test_what_staff_are_refused_is_recorded(clinic, signed_in, path, method, action, detail):
    user = make_user("clinician", clinic)
    getattr(signed_in(user), method)(path)
    event = AuditEvent.objects.get(action=action)
    assert (event.user, event.detail) == (user, detail)


def test_what_strangers_are_refused_does_not_fill_the_trail(client, clinic):
    for path in ("/nothing/here/", "/intake/nothing/", "/review/0000-0000/"):
        client.get(path)
    assert AuditEvent.objects.count() == 0


def test_a_refusal_stands_when_the_trail_takes_no_entry(clinic, signed_in, no_entries):
    assert signed_in(make_user("clinician", clinic)).get("/admin/").status_code == 403


# What the code writes, by the names of the actions in it. `_finish`, `note` and `record_account` hand an action on to `audit_event`.
WRITERS = {"audit_event": 0, "record_account": 0, "_finish": 2, "note": 1, "_record_read": 2}


def _actions_written():
    found = set()
    for path in python_files():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func).split(".")[-1]) in WRITERS:
                for argument in node.args[WRITERS[name] :]:
                    found |= {
                        part.value
                        for part in ast.walk(argument)
                        if isinstance(part, ast.Constant)
                        and isinstance(part.value, str)
                        and re.fullmatch(r"[a-z-]+\.[a-z-]+", part.value)
                    }
    return found


# Written by hand-over of a name that a variable holds.
BY_VARIABLE = {"case.not-found", "request.refused"}


def test_every_kind_of_entry_that_is_written_stands_in_the_catalogue_and_no_other():
    written = _actions_written() | BY_VARIABLE
    assert len(written) > 25
    assert written - set(catalogue()) == set()
    assert set(catalogue()) - written == set()


def test_what_a_person_may_read_of_the_trail_names_no_rule_and_no_finding():
    words = " ".join(kind.patient for kind in catalogue().values())
    assert not re.search(r"\b(flag|rule|score|risk|alert|emergency|severity)", words)


def test_the_trail_of_an_action_that_nobody_named_yet_is_written_all_the_same(clinic):
    record([audit_event("something.new", clinic_id=clinic.id)])
    assert AuditEvent.objects.get(action="something.new").data == []
