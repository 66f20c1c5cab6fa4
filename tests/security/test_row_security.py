"""Row-level security: a clinic's rows are not there for another, whatever statement asks for them."""

import uuid

import pytest
from django.apps import apps
from django.core import signing
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from clinic_site.database.policies import LEFT_OUT, policies
from clinic_site.records import scope
from clinic_site.records.rows import ClinicRow
from screening.models import Case, CaseEvent
from screening.queue import queue_page
from tests.conftest import make_clinic, make_user, owner_of_tables, publish_shipped_content
from tests.patients import PatientBrowser
from tests.screening.cases import Desk, submitted_case

PROTECTED = sorted(policies())
CLINICAL = [model for model in apps.get_models() if issubclass(model, ClinicRow)]


def rows(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def count(table):
    return rows(f'SELECT count(*) FROM "{table}"')[0][0]  # noqa: S608


def changed(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount


@pytest.fixture
def two_clinics(published, clinic):
    """A decided case in each of two clinics, so that most tables hold rows of both."""
    cases = []
    for one in (clinic, make_clinic("lakeside")):
        case = submitted_case(one)
        desk = Desk(make_user("clinician", one), case)
        desk.claim()
        desk.record("blood-pressure", systolic="118", diastolic="76")
        cases.append(Case.objects.get(pk=case.pk))
    return cases


# ── as the program, raw SQL and all ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", PROTECTED)
def test_without_a_scope_there_are_no_rows(two_clinics, table):
    with scope.within(scope.NOTHING):
        assert count(table) == 0
    assert table not in FILLED or count(table) >= 2


FILLED = {
    "intake_questionnaireresponse", "intake_patient", "intake_consent", "encryption_datakey", "screening_case",
    "screening_caseevent", "screening_assessment", "screening_observation", "messaging_outboxmessage",
    "audit_auditevent",
}  # fmt: skip


@pytest.mark.parametrize("table", PROTECTED)
def test_a_clinic_s_scope_shows_its_own_rows_alone(two_clinics, table):
    mine, theirs = two_clinics
    with scope.within(scope.of_clinics(mine.clinic_id)):
        seen = {clinic for (clinic,) in rows(f'SELECT DISTINCT clinic_id FROM "{table}"') if clinic}  # noqa: S608
    assert seen <= {mine.clinic_id}
    assert table not in FILLED or seen


def test_two_clinics_of_one_person_are_both_shown(two_clinics):
    with scope.within(scope.of_clinics(*(case.clinic_id for case in two_clinics))):
        assert count("screening_case") == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE screening_case SET status = 'decided'",
        "UPDATE encryption_datakey SET master_key_id = 'x'",
        "UPDATE messaging_outboxmessage SET sent_at = now()",
        "DELETE FROM messaging_outboxmessage",
    ],
)
def test_another_clinic_s_rows_are_neither_changed_nor_deleted(two_clinics, statement):
    mine, theirs = two_clinics
    with scope.within(scope.of_clinics(mine.clinic_id)):
        assert changed(f"{statement} WHERE clinic_id = %s", theirs.clinic_id) == 0
    assert changed(f"{statement} WHERE clinic_id = %s", theirs.clinic_id) > 0


def test_a_row_is_not_moved_to_another_clinic(two_clinics):
    mine, theirs = two_clinics
    with (
        scope.within(scope.of_clinics(mine.clinic_id)),
        pytest.raises(DatabaseError, match="row-level security"),
        transaction.atomic(),
    ):
        changed("UPDATE messaging_outboxmessage SET clinic_id = %s", theirs.clinic_id)


@pytest.mark.parametrize("within", ["nothing", "another clinic", "the response of an address"])
def test_a_row_of_a_clinic_that_is_not_open_is_refused(two_clinics, within):
    mine, theirs = two_clinics
    scopes = {
        "nothing": scope.NOTHING,
        "another clinic": scope.of_clinics(mine.clinic_id),
        "the response of an address": scope.of_response(theirs.response.public_id),
    }
    event = CaseEvent(clinic_id=theirs.clinic_id, case=theirs, kind="claimed", at=theirs.opened_at)
    with scope.within(scopes[within]), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        event.save(force_insert=True)


def test_the_address_of_a_response_opens_that_response_and_its_key_alone(two_clinics):
    mine, theirs = two_clinics
    with scope.within(scope.of_response(mine.response.public_id)):
        assert rows("SELECT id FROM intake_questionnaireresponse") == [(mine.response_id,)]
        assert rows("SELECT id FROM encryption_datakey") == [(mine.response.data_key_id,)]
        seen = {table for table in PROTECTED if count(table)}
    assert seen == {"intake_questionnaireresponse", "encryption_datakey"}


@pytest.mark.parametrize("address", ["", "x' OR true --", "everything", "%", "a" * 200])
def test_an_address_that_is_none_opens_nothing(two_clinics, address):
    with scope.within(scope.of_response(address)):
        assert count("intake_questionnaireresponse") == 0


def test_the_owner_of_the_tables_is_held_by_the_same_policies(two_clinics):
    with owner_of_tables(), scope.within(scope.NOTHING):
        assert rows("SELECT current_user <> %s", connection.settings_dict["OPTIONS"]["assume_role"]) == [(True,)]
        assert count("screening_case") == 0


def test_what_is_no_list_of_clinics_fails_instead_of_showing_anything(two_clinics):
    changed("SELECT set_config('app.clinics', 'everything,', true)")
    with pytest.raises(DatabaseError, match="uuid"), transaction.atomic():
        changed("SELECT count(*) FROM screening_case")


# ── in requests ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def told(monkeypatch):
    """The scopes that transactions of requests were told, in order."""
    seen = []

    def note(execute, sql, params, many, context):
        seen.append(scope.current())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def test_a_member_of_staff_reaches_their_own_clinics_and_nothing_after_the_answer(two_clinics, signed_in, told):
    mine, _theirs = two_clinics
    client = signed_in(make_user("clinician", mine.clinic))
    told.clear()
    assert client.get("/review/").status_code == 200
    assert set(told) == {scope.NOTHING, scope.of_clinics(mine.clinic_id)}
    assert scope.current() == scope.EVERYTHING


def test_a_view_that_forgets_to_ask_for_the_clinic_still_finds_nothing_of_another(two_clinics, signed_in, monkeypatch):
    """The queryset of the case page opened to everything, as a slip in a view would."""
    mine, theirs = two_clinics
    client = signed_in(make_user("medical-director", mine.clinic))
    monkeypatch.setattr(type(Case.objects.all()), "for_user", lambda self, user, permission: self)
    assert client.get(f"/review/{theirs.reference}/").status_code == 404
    assert client.get(f"/review/{mine.reference}/").status_code == 200


def test_a_patient_s_page_reaches_its_response_and_then_its_clinic(published, clinic, told):
    patient = PatientBrowser(clinic)
    url = patient.url("aneurysm_or_avm")
    told.clear()
    shown = patient.client.get(url)
    assert set(told) == {scope.of_response(patient.public_id)}
    told.clear()
    fields = {"ticket": shown.context["ticket"], "aneurysm_or_avm": "no"}
    assert patient.client.post(url, fields).status_code == 303
    assert set(told) == {scope.of_response(patient.public_id), scope.of_clinics(clinic.id)}


def test_the_start_page_reaches_its_own_clinic(published, clinic, told):
    assert Client().post(f"/at/{clinic.slug}/").status_code == 302
    assert set(told) == {scope.NOTHING, scope.of_clinics(clinic.id)}


# ── transactions and connections ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def one_case(transactional_db):
    publish_shipped_content()
    return submitted_case(make_clinic("riverside"))


def setting():
    """What the server holds, asked behind the back of our engine."""
    return connection.connection.execute("SELECT current_setting('app.clinics', true)").fetchone()[0] or ""


def test_a_scope_ends_with_its_transaction(one_case):
    """As with a pooler: the next transaction on this connection may be somebody else's."""
    with scope.within(scope.of_clinics(one_case.clinic_id)), transaction.atomic():
        assert setting() == str(one_case.clinic_id)
    assert setting() == ""
    with scope.within(scope.NOTHING), transaction.atomic():
        assert count("screening_case") == 0
        assert setting() == ""


def test_a_statement_outside_a_transaction_leaves_no_scope_behind(one_case):
    with scope.within(scope.of_clinics(one_case.clinic_id)):
        assert Case.objects.count() == 1
        assert [case.pk for case in Case.objects.iterator()] == [one_case.pk]
        assert setting() == ""
    with scope.within(scope.NOTHING):
        assert Case.objects.count() == 0


def test_a_transaction_that_was_undone_leaves_no_scope_behind(one_case):
    with scope.within(scope.of_clinics(one_case.clinic_id)), transaction.atomic():
        assert count("screening_case") == 1
        transaction.set_rollback(True)
    assert setting() == ""


def test_a_refused_statement_outside_a_transaction_is_undone_and_the_next_one_works(one_case):
    event = CaseEvent(clinic_id=one_case.clinic_id, case=one_case, kind="claimed", at=one_case.opened_at)
    with (
        scope.within(scope.of_clinics(uuid.uuid4())),
        pytest.raises(DatabaseError, match="row-level security"),
    ):
        event.save(force_insert=True)
    assert Case.objects.count() == 1


def test_a_scope_that_changes_in_a_transaction_counts_from_the_next_statement(one_case):
    with transaction.atomic():
        assert count("screening_case") == 1
        with scope.within(scope.NOTHING):
            assert count("screening_case") == 0
        assert count("screening_case") == 1


def test_a_savepoint_that_is_undone_does_not_bring_an_earlier_scope_back(one_case):
    mine = scope.of_clinics(one_case.clinic_id)
    with scope.within(scope.NOTHING), transaction.atomic():
        point = transaction.savepoint()
        with scope.within(mine):
            assert count("screening_case") == 1
            transaction.savepoint_rollback(point)
            assert count("screening_case") == 1
        assert count("screening_case") == 0


def test_a_transaction_costs_one_message_to_begin_whatever_its_scope(one_case, monkeypatch):
    """BEGIN carries the scope; psycopg sends none of its own, and nothing else is asked before the first statement."""
    sent = []
    execute = type(connection.connection).execute
    monkeypatch.setattr(
        type(connection.connection),
        "execute",
        lambda self, query, *args, **options: sent.append(query) or execute(self, query, *args, **options),
    )
    with scope.within(scope.of_clinics(one_case.clinic_id)), transaction.atomic():
        assert rows("SELECT current_setting('app.clinics')") == [(str(one_case.clinic_id),)]
    assert sent == []


# ── the catalogue ──────────────────────────────────────────────────────────────────────────────────────────────────

WITH_A_CLINIC = """
    SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
        (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'clinic_id' AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""
# A foreign key between two tables with a clinic that leaves the clinic out.
LOOSE = """
    SELECT k.conrelid::regclass::text, a.attname, k.confrelid::regclass::text
    FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1
    AND k.conrelid::regclass::text = ANY(%s) AND k.confrelid::regclass::text = ANY(%s)
    AND NOT EXISTS (
        SELECT FROM pg_constraint w WHERE w.contype = 'f' AND w.conrelid = k.conrelid AND w.confrelid = k.confrelid
        AND array_length(w.conkey, 1) = 2 AND w.conkey @> k.conkey
        AND (SELECT attnum FROM pg_attribute WHERE attrelid = w.conrelid AND attname = 'clinic_id') = ANY (w.conkey)
    )
"""


def unprotected():
    return {table for table, forced, number in rows(WITH_A_CLINIC) if not forced or not number}


def test_every_table_with_a_clinic_is_protected_or_says_why_not(db):
    assert unprotected() == set(LEFT_OUT)
    assert all(LEFT_OUT.values())


def test_a_table_that_is_not_protected_is_noticed(db):
    with owner_of_tables():
        changed("CREATE TABLE forgotten (id uuid, clinic_id uuid)")
        changed("ALTER TABLE screening_case NO FORCE ROW LEVEL SECURITY")
    assert unprotected() == {*LEFT_OUT, "forgotten", "screening_case"}


def loose():
    tables = [model._meta.db_table for model in CLINICAL]
    return rows(LOOSE, tables, tables)


def test_every_reference_between_clinical_rows_names_the_clinic_too(db):
    assert loose() == []


def test_a_reference_without_the_clinic_is_noticed(db):
    with owner_of_tables():
        changed("ALTER TABLE screening_decision DROP CONSTRAINT screening_decision_case_id_same_clinic")
    assert loose() == [("screening_decision", "case_id", "screening_case")]


LINKED = [
    model
    for model in CLINICAL
    if model._meta.db_table in FILLED and any(f.related_model in CLINICAL for f in model._meta.concrete_fields)
]


@pytest.mark.parametrize("model", LINKED, ids=lambda model: model._meta.label)
def test_a_row_can_not_be_given_to_another_clinic(two_clinics, model):
    """Even with both clinics open, and no other trigger in the way: the composite constraints refuse it."""
    mine, theirs = two_clinics
    table, row = model._meta.db_table, model._base_manager.filter(clinic_id=mine.clinic_id).first()
    with owner_of_tables(), transaction.atomic():
        changed("SET CONSTRAINTS ALL IMMEDIATE")
        changed(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        with pytest.raises(DatabaseError, match="same_clinic"), transaction.atomic():
            changed(f"UPDATE {table} SET clinic_id = %s WHERE id = %s", theirs.clinic_id, row.pk)  # noqa: S608
        transaction.set_rollback(True)


# ── what the policies cost ─────────────────────────────────────────────────────────────────────────────────────────


def plan_of(sql):
    with transaction.atomic(), connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {sql}")
        return [line.strip() for (line,) in cursor.fetchall()]


def test_a_place_deep_in_the_queue_is_found_by_its_index_below_the_policy(two_clinics):
    """PostgreSQL gives a condition to an index below a policy only where it can not leak: columns, not sums of them."""
    mine, _theirs = two_clinics
    user = make_user("clinician", mine.clinic)
    after = signing.dumps([4, mine.opened_at.isoformat(), str(mine.id)], salt="queue")
    with scope.within(scope.of_clinics(mine.clinic_id)):
        with CaptureQueriesContext(connection) as captured:
            queue_page(user, view="open", after=after)
        plan = plan_of(captured.captured_queries[-1]["sql"])
    (condition,) = [line for line in plan if line.startswith("Index Cond") and "ROW(least_severe" in line]
    assert "clinic_id = " in condition


def test_a_case_is_found_by_its_reference_s_index_below_the_policy(two_clinics):
    mine, _theirs = two_clinics
    with scope.within(scope.of_clinics(mine.clinic_id)):
        plan = plan_of(f"SELECT * FROM screening_case WHERE reference = '{mine.reference}'")  # noqa: S608
    assert any(line.startswith("Index Cond: ((reference)::text = ") for line in plan)
