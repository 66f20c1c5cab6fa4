"""Fields that no form has, sent along with every form: they decide nothing."""

import ast

import pytest
from django.apps import apps
from django.db import connection, models
from django.http import QueryDict
from django.urls import reverse

from clinic_site.clinics.models import Clinic
from screening.forms import CloseFlagForm
from tests.architecture.source import python_files, relative, room_of, tree_of
from tests.security.harvest import forms_of
from tests.security.seed import undone, world

# What somebody would like to decide, by every name that a column or a program of this kind has for it.
WANTED = {
    "status": "decided", "result": "clear", "eligible": "true", "severity": "0", "holds": "0", "rule_ids": "", "tier": "info",
    "role": "medical-director", "is_staff": "1", "is_superuser": "1", "is_active": "1", "permissions": "decision.sign",
    "tenant": "hillside", "clinic": "hillside", "clinic_id": "1", "owner": "1", "owner_id": "1", "user": "1", "by": "1",
    "created_at": "2020-01-01", "submitted_at": "2020-01-01", "closed_at": "2020-01-01", "signed_by": "1", "signed_at": "2020-01-01",
    "recorded_by": "1", "score": "0", "version": "9", "revision": "99", "id": "1", "pk": "1", "reference": "AAAA-AAAA",
    "public_id": "A", "entered_by": "staff", "identity_verified": "yes", "facts": "{}", "ends_at": "2099-01-01", "closed": "1",
    "fingerprint": "1", "highest_tier": "none", "language": "xx", "data_key": "1", "access_digest": "1", "late": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def seeded(django_db_setup, django_db_blocker):
    with world(django_db_blocker) as made:
        yield made


pytestmark = pytest.mark.usefixtures("seeded", "db")

TABLES = [model for model in apps.get_models() if room_of(model.__module__) and model._meta.managed]
# Different for each request, whatever was sent along.
_OWN_EACH_TIME = (models.UUIDField, models.DateTimeField, models.BinaryField)


def what_is_kept():
    """Every row of every table, by its columns that do not differ each time. Links to people and clinics are kept."""
    kept = {}
    for model in TABLES:
        names = [
            field.column
            for field in model._meta.concrete_fields
            if not isinstance(field, _OWN_EACH_TIME)
            and not (field.is_relation and field.name not in ("clinic", "owner", "user"))
        ]
        names = [
            name for name in names if name not in ("detail", "public_id", "reference", "shown_sha256", "result_sha256")
        ]
        if names:
            with connection.cursor() as cursor:
                columns = ", ".join(f'"{name}"::text' for name in names)
                cursor.execute(f'SELECT {columns} FROM "{model._meta.db_table}"')  # noqa: S608
                kept[model._meta.label] = sorted(map(str, cursor.fetchall()))
    return kept


def after(browser, form, fields):
    with undone():
        answer = browser.post(form.action, fields)
        return answer.status_code, what_is_kept()


def pages(seeded):
    """(browser, address) of every page that a form stands on."""
    here, staff = seeded.here, seeded.here.staff
    for actor, who in (
        ("clinician", "taken"),
        ("clinician", "asked"),
        ("colleague", "waiting"),
        ("colleague", "taken"),
    ):
        root = f"/review/{here.people[who].case.reference}/"
        for part in ("", "open/", "record/identity/", "record/blood-pressure/"):
            yield seeded.browser(staff[actor]), f"{root}{part}"
    yield seeded.browser(staff["front-desk"]), f"/review/{here.people['taken'].case.reference}/record/identity/"
    yield seeded.browser(staff["front-desk"]), "/review/find/"
    yield seeded.browser(staff["administrator"]), reverse("admin:clinics_clinic_change", args=[here.clinic.pk])
    draft = here.people["draft"]
    for part in ("1/", "2/", "check/", "help/"):
        yield draft.browser(), f"/intake/{draft.response.public_id}/{part}"
    yield seeded.browser(None), f"/at/{here.clinic.slug}/"


def test_fields_that_a_form_has_not_got_decide_nothing(seeded):
    decided, sent, changed = [], 0, 0
    wanted = WANTED | {name: str(seeded.there.clinic.id) for name in ("clinic", "clinic_id", "tenant")}
    wanted |= {
        name: str(seeded.there.staff["clinician"].id) for name in ("owner", "owner_id", "user", "by", "signed_by")
    }
    unchanged = what_is_kept()
    for browser, address in pages(seeded):
        with undone():
            page = browser.get(address)
        for form in forms_of(page) if page.status_code == 200 else []:
            plain = after(browser, form, form.fields)
            dressed = after(browser, form, {**wanted, **form.fields})
            sent, changed = sent + 1, changed + (plain[1] != unchanged)
            if dressed != plain:
                differs = [name for name in plain[1] if plain[1][name] != dressed[1][name]]
                decided.append((form.action, plain[0], dressed[0], differs))
    assert decided == []
    assert sent >= 15
    # Most of these forms do something, so that there is something to decide.
    assert changed >= 8


def test_the_comparison_notices_a_column_that_was_decided(seeded):
    before = what_is_kept()
    with undone():
        Clinic.objects.filter(pk=seeded.here.clinic.pk).update(is_accepting=False)
        assert what_is_kept() != before
    assert what_is_kept() == before


# ── who acts, and where, is never read from a request ──────────────────────────────────────────────────────────────

IDENTITY = {
    "user",
    "user_id",
    "actor",
    "role",
    "roles",
    "clinic",
    "clinic_id",
    "tenant",
    "by",
    "owner",
    "is_staff",
    "type",
}
READ = ("GET", "POST", "COOKIES", "headers", "META")


def read_from_requests(tree):
    """Names that a module reads from a request by `request.POST[...]` or `.get(...)`."""
    for node in ast.walk(tree):
        source, key = None, None
        if isinstance(node, ast.Subscript):
            source, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            source, key = node.func.value, node.args[0]
        if isinstance(source, ast.Attribute) and source.attr in READ and isinstance(key, ast.Constant):
            yield key.value


ROOMS = [path for path in python_files() if relative(path).startswith(("intake/", "screening/", "clinic_site/"))]
# Filters of the auditor's page: they narrow what is read, within the auditor's own clinics.
FILTERS = {"clinic_site/audit"}


def test_who_acts_and_in_which_clinic_is_never_read_from_a_request():
    read = {(relative(path), name) for path in ROOMS for name in read_from_requests(tree_of(path))}
    assert len(read) >= 5
    loose = {(path, name) for path, name in read if name in IDENTITY and not path.startswith(tuple(FILTERS))}
    assert loose == set()


def test_no_request_is_spread_into_arguments_or_a_model():
    """`Model(**request.POST)` would take whatever is sent."""
    spread = [
        f"{relative(path)}:{node.lineno}"
        for path in ROOMS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg is None and any(f"request.{source}" in ast.unparse(keyword.value) for source in READ)
    ]
    assert spread == []


def test_the_rule_finds_what_it_looks_for():
    wrong = ast.parse('request.POST.get("role"); request.headers["clinic"]; self.request.GET.get("actor", "")')
    assert set(read_from_requests(wrong)) == {"role", "clinic", "actor"}


def test_fields_that_a_form_of_staff_does_not_ask_for_are_logged_by_their_number(caplog):
    form = CloseFlagForm(QueryDict("reason=addressed&words=Looked+at+this.&signed_by=me&role=all"))
    assert form.is_valid()
    assert [r.getMessage() for r in caplog.records] == ["CloseFlagForm was sent 2 fields that it does not ask for."]
    assert "signed_by" not in form.cleaned_data
