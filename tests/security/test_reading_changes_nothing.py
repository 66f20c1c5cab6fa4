"""GET and HEAD change nothing: every address, asked by every role, with every row of the database compared before and after."""

import pytest
from django.db import connection
from django.test import Client

from clinic_site.accounts.permissions import roles
from screening.models import Case
from tests.patients import PatientBrowser
from tests.security.test_every_address import addresses, as_path

# What a look may write: that it happened, that a session goes on, how often it happened.
MAY_GROW = ("audit_", "accounts_staffsession", "limits_counter")


def rows():
    """{table: digest of all its rows}, but for those of MAY_GROW."""
    with connection.cursor() as cursor:
        tables = sorted(set(connection.introspection.table_names(cursor)))
        found = {}
        for table in tables:
            if not table.startswith(MAY_GROW):
                table_name = connection.ops.quote_name(table)
                cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table_name} t")  # noqa: S608
                found[table] = cursor.fetchone()[0]
    return found


@pytest.fixture
def world(published, clinic):
    patient = PatientBrowser(clinic, {"aneurysm_or_avm": {"": "yes"}}).fill_in()
    assert patient.submit().status_code == 303
    case = Case.objects.get()
    draft = PatientBrowser(clinic)
    values = {
        "slug": clinic.slug, "public_id": draft.public_id, "number": 1, "reference": case.reference,
        "issue_id": case.issues.first().id, "kind": "identity", "object_id": case.id, "content_type_id": 1,
    }  # fmt: skip
    return draft.client, values


def looked(clients, values):
    for name, route in addresses():
        # Signing out by GET is refused before it does anything; the walk would end its own session otherwise.
        for client in clients:
            for ask in (client.get, client.head):
                ask(as_path(route, values))
                yield name


def test_looking_at_any_address_in_any_role_changes_no_row(world, staff, signed_in):
    patient, values = world
    clients = [Client(), patient, *(signed_in(staff(role)) for role in roles())]
    for client in clients:
        client.raise_request_exception = False
    before = rows()
    names = set(looked(clients, values))
    assert len(names) > 40
    after = rows()
    assert [table for table in before if before[table] != after.get(table)] == []


def test_this_test_sees_a_row_that_was_changed(world):
    before = rows()
    Case.objects.update(owner=None)
    assert rows() == before
    case = Case.objects.get()
    Case.objects.filter(pk=case.pk).update(severity=case.severity + 1)
    assert [table for table, digest in rows().items() if before[table] != digest] == [Case._meta.db_table]
