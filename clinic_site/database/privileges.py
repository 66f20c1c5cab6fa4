"""What the program's role may do, and which rows it sees: brought up to date after every `migrate`, by the owner.

The owner migrates. The program signs in as another role, which owns nothing and makes nothing; on append-only tables
it may read and add, on others also change and delete.
"""

from hashlib import sha256
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections, models, transaction
from django.db.models.signals import post_migrate
from django.dispatch import receiver
from psycopg import sql

from clinic_site.database.policies import Policy, policies

_POLICY = "clinic_rows"
# Every app with models sends the signal when all have migrated; one is enough.
_ONE_OF_MANY = "clinic_site.clinics"
# As `append_only()` writes a condition that always holds.
_ALWAYS = {"(true)", "((true) AND (true))"}
_READ_ONLY = {"django_migrations"}


@receiver(post_migrate, dispatch_uid="clinic_site.database.privileges")
def bring_up_to_date(sender: AppConfig, using: str, **_: Any) -> None:
    """Once for each migrate, and only by the owner: emptying tables in a test sends the same signal."""
    if sender.name != _ONE_OF_MANY:
        return
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'django_migrations'")
        if cursor.fetchone() == (True,):
            tables = set(connections[using].introspection.table_names(cursor))
            _grant(cursor, tables)
            for table, policy in policies().items():
                if table in tables:
                    _protect(cursor, table, policy)


def privileges_of(table: str) -> list[str]:
    """What the program may do to the rows of a table, derived from what its triggers refuse to everyone."""
    if table in _READ_ONLY:
        return ["SELECT"]
    refused = {kind for model in apps.get_models() if model._meta.db_table == table for kind in _refused(model)}
    if refused == {"UPDATE", "DELETE"}:
        return ["SELECT", "INSERT"]
    # A row that may be deleted is locked before, which needs UPDATE; where there is a trigger, it refuses the change.
    return ["SELECT", "INSERT", "UPDATE", *([] if "DELETE" in refused else ["DELETE"])]


def _refused(model: type[models.Model]) -> set[str]:
    """Triggers without a condition: those with one still let some rows change."""
    kinds = {"no_update": "UPDATE", "no_delete": "DELETE"}
    return {
        kinds[trigger.name]
        for trigger in getattr(model._meta, "triggers", [])
        if trigger.name in kinds and (trigger.condition is None or trigger.condition.resolve(model) in _ALWAYS)
    }


def _grant(cursor: Any, tables: set[str]) -> None:
    role = settings.APPLICATION_ROLE
    cursor.execute("SELECT %s = current_user, EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role, role])
    is_owner, exists = cursor.fetchone()
    if is_owner or not role:
        # One role for both: the start-up checks refuse that outside a demonstration.
        return
    if not exists:
        raise CommandError(f"The role {role}, which DATABASE_URL names, does not exist: make it, then migrate again.")
    grantee = sql.Identifier(role)
    cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    cursor.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(grantee))
    cursor.execute(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(grantee))
    for table in sorted(tables):
        granted = sql.SQL(", ").join(map(sql.SQL, privileges_of(table)))
        cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(granted, sql.Identifier(table), grantee))


def _protect(cursor: Any, table: str, policy: Policy) -> None:
    """Made anew only when it changed, because that waits until nobody reads the table."""
    digest = sha256(f"{policy.see}|{policy.write}".encode()).hexdigest()
    cursor.execute(
        "SELECT relrowsecurity AND relforcerowsecurity, (SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy p"
        " WHERE p.polrelid = c.oid AND p.polname = %s) FROM pg_class c WHERE oid = %s::regclass",
        [_POLICY, table],
    )
    if cursor.fetchone() == (True, digest):
        return
    on = {"policy": sql.Identifier(_POLICY), "table": sql.Identifier(table)}
    for statement in (
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        "DROP POLICY IF EXISTS {policy} ON {table}",
        "CREATE POLICY {policy} ON {table} USING ({see}) WITH CHECK ({write})",
        "COMMENT ON POLICY {policy} ON {table} IS {digest}",
    ):
        parts = {"see": sql.SQL(policy.see), "write": sql.SQL(policy.write), "digest": sql.Literal(digest)}
        cursor.execute(sql.SQL(statement).format(**on, **parts))
