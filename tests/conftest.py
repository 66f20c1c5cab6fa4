"""Fixtures that every room of the tests shares: published content, a clinic, staff by role, and people who answered."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache as django_cache
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clinic_site.accounts.factors import PASSKEY, add_app, app_code, current_step, has_second_factor
from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.signing_in import FACTOR
from clinic_site.audit import worker as audit_worker
from clinic_site.clinics.models import WEEKDAYS, Clinic
from clinic_site.publishing.documents import parse_source, read_source
from clinic_site.publishing.services import publish_version
from clinic_site.records import scope
from intake import questionnaire_reader
from intake.models import QuestionnaireVersion
from intake.questionnaire_reader import read_questionnaire
from intake.questionnaires import Questionnaire
from screening import rules
from screening.models import RuleSetVersion
from screening.rules import RuleSet

PASSWORD = "correct horse battery staple"
APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@cache
def shipped_questionnaire() -> Questionnaire:
    return read_questionnaire()


@cache
def shipped_rule_set() -> RuleSet:
    return RuleSet.from_folder()


@cache
def _shipped(folder: Any) -> tuple[dict[str, str], dict[str, Any]]:
    source = read_source(folder)
    return source, parse_source(source)


def publish_shipped_content() -> None:
    for model, document_id, folder in (
        (QuestionnaireVersion, shipped_questionnaire().document_id, questionnaire_reader.SHIPPED),
        (RuleSetVersion, shipped_rule_set().id, rules.SHIPPED),
    ):
        source, tree = _shipped(folder)
        publish_version(model, document_id=document_id, label="2026.12", source=source, tree=tree)


# A test works for no one clinic; each request it makes sees what it may see.
scope.work_for_every_clinic()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Made by the owner of the tables; after that every test works as the program's own role.

    Lets the test runner empty tables between transactional tests: that is the owner's, and the triggers against it are
    off. Tests of their own switch them on again.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid WHERE tgname LIKE %s",
            ["pgtrigger_no_truncate%"],
        )
        for trigger, table in cursor.fetchall():
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER "{trigger}"')
    role, options = settings.APPLICATION_ROLE, connection.settings_dict["OPTIONS"]
    options["assume_role"] = role
    with django_db_blocker.unblock():
        connection.close()
    yield
    del options["assume_role"]
    with django_db_blocker.unblock():
        connection.close()


@contextmanager
def owner_of_tables() -> Iterator[None]:
    """Inside, the connection works as the owner: triggers and row-level security hold, rights do not."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{settings.APPLICATION_ROLE}"')


@pytest.fixture
def as_owner() -> Callable[[], AbstractContextManager[None]]:
    """`with as_owner():` the connection works as the owner of the tables."""
    return owner_of_tables


_empty_tables = DatabaseOperations.execute_sql_flush


def _empty_tables_as_owner(self: DatabaseOperations, statements: list[str]) -> None:
    with owner_of_tables():
        _empty_tables(self, statements)


DatabaseOperations.execute_sql_flush = _empty_tables_as_owner  # type: ignore[method-assign]


@pytest.fixture
def published(db: None) -> None:
    """The shipped questionnaire and rules, published."""
    publish_shipped_content()


@pytest.fixture
def clinic(db: None) -> Clinic:
    return make_clinic("riverside")


def make_clinic(slug: str) -> Clinic:
    return Clinic.objects.create(
        name=f"{slug.title()} Test Clinic",
        slug=slug,
        phone="(212) 555-0100",
        alert_email=f"on-call@{slug}.example",
        hours={day: ["00:00", "23:59"] for day in WEEKDAYS},
        licensed_states=["ny", "nj"],
        crisis_text="Call us, or go to the nearest emergency room.",
    )


def make_user(role: str, clinic: Clinic, *, name: str = "") -> User:
    """A member of staff with one role; the e-mail says which."""
    email = f"{role}{User.objects.count()}@{clinic.slug}.example"
    user = User(email=email, name=name or f"Test {role.title()} {User.objects.count()}")
    # Hashing with argon2 for every test would cost more than the tests.
    user.set_unusable_password()
    user.save()
    Membership.objects.create(user=user, clinic=clinic, role=role, origin=Membership.Origin.SHELL)
    return user


@pytest.fixture
def staff(clinic: Clinic) -> Callable[..., User]:
    """`staff("clinician")` makes a member of staff of the clinic."""
    return lambda role, **fields: make_user(role, clinic, **fields)


_force_login = Client.force_login


def _sign_in_with_both_factors(client: Client, user: User, backend: str | None = None) -> None:
    """As after a password and a passkey a moment ago, without hashing. `Client.force_login` does this in all tests."""
    _force_login(client, user, backend)
    session, now = client.session, timezone.now().timestamp()
    session.update({"signed_in_at": now, "device": "Firefox on Linux", FACTOR: {"kind": PASSKEY, "at": now}})
    session.save()


Client.force_login = _sign_in_with_both_factors  # type: ignore[method-assign]


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """`signed_in(user)`: a browser in which that person used a passkey a moment ago."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


def half_signed_browser(user: User) -> Client:
    """A browser in which that person has a second factor and passed the password only."""
    client = Client()
    if not has_second_factor(user):
        add_app(user, APP_SECRET)
    session = client.session
    session["pending"] = {
        "user": str(user.pk),
        "hash": user.get_session_auth_hash(),
        "at": timezone.now().timestamp(),
        "passed": "",
    }
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


@pytest.fixture
def half_signed() -> Callable[[User], Client]:
    return half_signed_browser


def next_code(user: User) -> str:
    """A code of the person's app that was not used yet."""
    row = Authenticator.objects.get(user=user, type="totp")
    return app_code(APP_SECRET, max(current_step(), row.data["step"] + 1))


class Statements(CaptureQueriesContext):
    """Counts SQL statements without the frames of transactions, which a test's own transaction adds to."""

    def statements(self) -> list[str]:
        frames = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
        return [query["sql"] for query in self.captured_queries if not query["sql"].startswith(frames)]


@pytest.fixture
def statements() -> Callable[[], Statements]:
    return lambda: Statements(connection)


@pytest.fixture
def no_entries(db: None) -> Iterator[None]:
    """A database that refuses every further audit entry."""
    with owner_of_tables(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_entries() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE EXCEPTION 'no entries'; END $$"
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "CREATE TRIGGER refuse_entries BEFORE INSERT ON audit_auditevent EXECUTE FUNCTION refuse_entries()"
        )
    yield
    with owner_of_tables(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP TRIGGER refuse_entries ON audit_auditevent")
        cursor.execute("DROP FUNCTION refuse_entries")


_run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
_alone = (Path(tempfile.gettempdir()) / f"clinic-tests-{_run}.lock").open("w")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Any:
    """Each test, with its setting up and tidying, runs among those of the other workers, unless one asks to be `alone`."""
    fcntl.flock(_alone, fcntl.LOCK_SH)
    try:
        return (yield)
    finally:
        fcntl.flock(_alone, fcntl.LOCK_UN)


def pytest_unconfigure() -> None:
    Path(_alone.name).unlink(missing_ok=True)


@pytest.fixture
def alone() -> Callable[[], AbstractContextManager[None]]:
    """`with alone():` no other test runs meanwhile, for what is measured on the whole server."""

    @contextmanager
    def hold() -> Iterator[None]:
        fcntl.flock(_alone, fcntl.LOCK_EX)
        yield
        fcntl.flock(_alone, fcntl.LOCK_SH)

    return hold


@pytest.fixture(autouse=True)
def _scope_of_each_test() -> Iterator[None]:
    """What a test opens by calling a view itself does not reach the next."""
    with scope.within(scope.EVERYTHING):
        yield


@pytest.fixture(autouse=True)
def _empty_caches() -> Iterator[None]:
    yield
    django_cache.clear()
    # The worker of a process remembers the audit chains, which the next test does not have.
    audit_worker.sealer.cache_clear()


@pytest.fixture(autouse=True)
def _no_heads_file(settings: Any) -> None:
    """The heads of made-up chains do not belong into the file of this clone's own database."""
    settings.AUDIT_HEADS_FILE = ""
