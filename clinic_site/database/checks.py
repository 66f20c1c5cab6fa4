"""What must hold of the database before a page is served (`check --database default`, and every start of the server).

A database that is away is no reason to stay down: the page for people in danger needs none. It is said, and looked at
again with the next start.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection

from clinic_site.database.policies import LEFT_OUT

_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_LOGGING = (
    "log_statement", "log_min_duration_statement", "log_min_duration_sample", "log_transaction_sample_rate",
    "log_parameter_max_length", "log_parameter_max_length_on_error", "data_checksums",
)  # fmt: skip

# The role that signed in, not one it took on since: it can always go back.
_ROLE = """
    SELECT rolsuper OR rolbypassrls AS unbound, rolcreaterole OR rolcreatedb OR rolreplication AS maker,
        has_schema_privilege(session_user, 'public', 'CREATE') AS creates,
        EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND pg_has_role(session_user, relowner, 'MEMBER')) AS owner,
        has_function_privilege(session_user, 'pg_hba_file_rules()', 'EXECUTE') AS reads_rules
    FROM pg_roles WHERE rolname = session_user
"""
_UNPROTECTED = """
    SELECT array_agg(c.relname::text ORDER BY c.relname) FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'clinic_id' AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT c.relname = ANY(%s)
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
"""
_TRUSTING = "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust' AND type <> 'local'"

Facts = dict[str, Any]


@register(Tags.database)
def database_is_safe(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Says nothing where the owner works, who may do all of this."""
    if "default" not in (databases or ()) or settings.AS_OWNER:
        return []
    try:
        facts = facts_of_server()
    except DatabaseError as error:
        text = f"The database can not be reached, so nothing is known of its settings: {type(error).__name__}."
        return [Warning(text, id="clinic.W020")]
    return refusals(facts, lenient=settings.PLAIN_HTTP)


def facts_of_server() -> Facts:
    with connection.cursor() as cursor:
        cursor.execute(_ROLE)
        names = [column.name for column in cursor.description]
        facts = dict(zip(names, cursor.fetchone(), strict=True))
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [[*_DURABLE, *_LOGGING]])
        facts |= dict(cursor.fetchall())
        cursor.execute(_UNPROTECTED, [list(LEFT_OUT)])
        facts["unprotected"] = cursor.fetchone()[0] or []
        facts["trusting_rules"] = 0
        if facts["reads_rules"]:
            cursor.execute(_TRUSTING)
            facts["trusting_rules"] = cursor.fetchone()[0]
    driver = connection.connection
    facts["over_network"] = bool(driver.info.host) and not driver.info.host.startswith("/")
    certificate = bool(driver.pgconn.ssl_in_use and settings.DATABASES["default"]["OPTIONS"].get("sslcert"))
    facts["was_asked_who"] = bool(driver.pgconn.used_password) or certificate
    return facts


def refusals(facts: Facts, *, lenient: bool) -> list[CheckMessage]:
    """`lenient` lets one role be owner and program, on a loopback that serves no real patient."""
    owning: type[Error] | type[Warning] = Warning if lenient else Error
    found: list[tuple[bool, type[Error] | type[Warning], str, str]] = [
        (
            facts["unbound"],
            Error,
            "E020",
            "DATABASE_URL names a superuser or a role with BYPASSRLS: row-level security would not hold. Name another.",
        ),
        (
            facts["maker"] or facts["creates"] or facts["owner"],
            owning,
            "E021",
            "DATABASE_URL names a role that owns tables, or may make tables, roles or databases. Name one that can not,"
            " and give the owner's in OWNER_DATABASE_URL; migrate gives the first its rights.",
        ),
        (
            any(facts[name] == "off" for name in _DURABLE),
            Error,
            "E022",
            "fsync, full_page_writes or synchronous_commit is off: what was sent could be lost in a crash.",
        ),
        (facts["data_checksums"] == "off", Error, "E023", "data_checksums is off: run pg_checksums --enable."),
        (
            bool(facts["trusting_rules"]) or (facts["over_network"] and not facts["was_asked_who"]),
            Error,
            "E024",
            "The database lets programs in over the network without a password (trust in pg_hba.conf).",
        ),
        (
            _writes_values_to_log(facts),
            Error,
            "E025",
            "The database's log would hold values of statements: set log_parameter_max_length and"
            " log_parameter_max_length_on_error to 0, and log_statement to none or ddl.",
        ),
        (
            bool(facts["unprotected"]),
            Error,
            "E026",
            f"No row-level security on {', '.join(facts['unprotected'])}: run manage.py migrate as the owner.",
        ),
    ]
    return [level(text, id=f"clinic.{code}") for wrong, level, code, text in found if wrong]


def _writes_values_to_log(facts: Facts) -> bool:
    """Values travel beside a statement, so the log holds them where it holds parameters; writes are never logged."""
    logs_statements = (
        facts["log_statement"] != "none"
        or facts["log_min_duration_statement"] != "-1"
        or facts["log_min_duration_sample"] != "-1"
        or float(facts["log_transaction_sample_rate"]) > 0
    )
    return (
        facts["log_statement"] in ("mod", "all")
        or facts["log_parameter_max_length_on_error"] != "0"
        or (logs_statements and facts["log_parameter_max_length"] != "0")
    )
