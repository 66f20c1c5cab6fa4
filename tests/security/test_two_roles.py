"""Two database roles: the owner migrates, and the program can neither rewrite nor empty what is only ever added to."""

import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from clinic_site.database import checks
from clinic_site.database.privileges import bring_up_to_date, privileges_of
from tests.conftest import owner_of_tables

MODELS = [model for model in apps.get_models() if model._meta.managed and not model._meta.proxy]
TABLES = sorted(model._meta.db_table for model in MODELS)


def refusals_of_triggers(model):
    return {trigger.name for trigger in getattr(model._meta, "triggers", [])}


APPEND_ONLY = sorted(m._meta.db_table for m in MODELS if privileges_of(m._meta.db_table) == ["SELECT", "INSERT"])
KEY = {model._meta.db_table: model._meta.pk.column for model in MODELS}
# Guarded by such a trigger for some rows or some statements only.
PARTLY = {
    "intake_questionnaireresponse": "frozen when it is sent",
    "intake_questionnaireversion": "frozen when it leaves the draft",
    "screening_rulesetversion": "frozen when it leaves the draft",
    "accounts_accesschange": "frozen when it is decided",
    "accounts_membership": "given and ended, never changed",
}


def run(statement, *params):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone() if cursor.description else None


def test_every_table_with_such_triggers_is_append_only_or_says_why_not():
    guarded = {model._meta.db_table for model in MODELS if "no_update" in refusals_of_triggers(model)}
    assert guarded == {*APPEND_ONLY, *PARTLY}
    assert {"audit_auditevent", "screening_decision", "intake_consent"} <= set(APPEND_ONLY)


# ── the program ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_tests_work_as_the_program_does(db):
    (name, *rights) = run(
        "SELECT current_user::text, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles"
        " WHERE rolname = current_user"
    )
    assert (name, rights) == (settings.APPLICATION_ROLE, [False] * 4)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET {key} = {key}",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "TRUNCATE {} CASCADE",
        "ALTER TABLE {} DISABLE TRIGGER USER",
        "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY open_to_all ON {} USING (true)",
        "DROP TABLE {}",
        "SELECT * FROM {} FOR UPDATE",
    ],
)
def test_the_program_can_not_rewrite_what_is_append_only(db, table, statement):
    with pytest.raises(DatabaseError, match="permission denied|must be owner"):
        run(statement.format(table, key=KEY[table]))


@pytest.mark.parametrize("table", [*TABLES, "django_migrations"])
def test_the_program_owns_no_table_and_empties_none(db, table):
    for statement in ("TRUNCATE {}", "ALTER TABLE {} ADD COLUMN extra int", "DROP TABLE {}"):
        with pytest.raises(DatabaseError, match="permission denied|must be owner"):
            run(statement.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', now())",
        "CREATE ROLE somebody",
        "COPY audit_auditevent TO '/tmp/copy'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_the_program_can_not_change_the_rules_it_works_under(db, statement):
    with pytest.raises(DatabaseError, match="permission denied|must be superuser"):
        run(statement)


def test_what_the_program_may_do_to_each_table_is_what_its_triggers_leave(db):
    held = {
        table: [kind for kind in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
                if run("SELECT has_table_privilege(%s, %s, %s)", settings.APPLICATION_ROLE, table, kind)[0]]
        for table in TABLES
    }  # fmt: skip
    assert held == {table: privileges_of(table) for table in TABLES}


def test_a_published_version_can_be_retired_but_not_deleted_by_its_rights_alone(db):
    assert privileges_of("screening_rulesetversion") == ["SELECT", "INSERT", "UPDATE", "DELETE"]
    assert privileges_of("screening_decision") == ["SELECT", "INSERT"]
    assert privileges_of("django_migrations") == ["SELECT"]


# ── the owner ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_triggers_hold_the_owner_back_too(db, table):
    """Asked of the catalogue, because a trigger for each row fires only where there is one; other tests let them fire."""
    names = "SELECT array_agg(tgname::text) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled <> 'D'"
    enabled = " ".join(run(names, table)[0])
    assert "pgtrigger_no_update" in enabled
    assert "pgtrigger_no_delete" in enabled
    with owner_of_tables(), transaction.atomic(), connection.cursor() as cursor:
        # Off in tests alone, which empty tables between them.
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        with pytest.raises(DatabaseError, match="Cannot truncate rows"), transaction.atomic():
            cursor.execute(f"TRUNCATE {table} CASCADE")
        transaction.set_rollback(True)


def test_migrating_again_mends_rights_and_policies(db):
    with owner_of_tables():
        run(f'GRANT UPDATE ON audit_auditevent TO "{settings.APPLICATION_ROLE}"')
        run("ALTER TABLE screening_case NO FORCE ROW LEVEL SECURITY")
        run("DROP POLICY clinic_rows ON intake_patient")
        bring_up_to_date(sender=apps.get_app_config("clinics"), using="default")
    assert not run("SELECT has_table_privilege(%s, 'audit_auditevent', 'UPDATE')", settings.APPLICATION_ROLE)[0]
    assert checks.facts_of_server()["unprotected"] == []


def test_the_program_itself_brings_nothing_up_to_date(db):
    """Emptying the tables after a test sends the signal of a migration, as the program."""
    with owner_of_tables():
        run("DROP POLICY clinic_rows ON intake_patient")
    bring_up_to_date(sender=apps.get_app_config("clinics"), using="default")
    assert checks.facts_of_server()["unprotected"] == ["intake_patient"]
