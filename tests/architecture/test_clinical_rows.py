"""What holds for every row about a patient: whose clinic it is, how it is reached, and that it is not rewritten."""

import ast
import re
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, models
from django.test import RequestFactory

from clinic_site.accounts.models import User
from clinic_site.accounts.permissions import permissions
from clinic_site.records.rows import ClinicRow
from intake.models import QuestionnaireResponse
from tests.architecture.source import python_files, relative, room_of, tree_of

OUR_MODELS = [model for model in apps.get_models() if room_of(model.__module__)]
CLINICAL = [model for model in OUR_MODELS if issubclass(model, ClinicRow)]
# Append-only by trigger, or here with the reason why not.
REWRITTEN = {
    "screening.Case": "the place in the queue moves on; every step is a CaseEvent, which is append-only",
    "encryption.DataKey": "wrapped anew when the master key changes, and deleted to shred a record",
    "intake.ReturnKey": "a new link replaces the one before, and what a person chose anew takes the place of the old",
    "intake.LinkRequest": "waits for the worker, which removes it; says nothing about a patient",
    "messaging.OutboxMessage": "counts its attempts to send; holds no patient data",
}


def label(model):
    return model._meta.label


@pytest.mark.parametrize("model", CLINICAL, ids=label)
def test_a_clinical_row_has_a_clinic_and_a_key_made_in_python(model):
    clinic, key = model._meta.get_field("clinic"), model._meta.pk
    assert (clinic.related_model._meta.label, clinic.null) == ("clinics.Clinic", False)
    assert clinic.remote_field.on_delete is models.PROTECT
    assert isinstance(key, models.UUIDField)
    assert callable(key.default)


@pytest.mark.parametrize("model", OUR_MODELS, ids=label)
def test_no_key_of_ours_comes_from_a_sequence(model):
    assert not isinstance(model._meta.pk, models.AutoField)


@pytest.mark.parametrize("model", CLINICAL, ids=label)
def test_everything_clinical_that_points_at_a_row_protects_it(model):
    links = [f for f in model._meta.get_fields() if f.is_relation and f.concrete]
    assert [f.name for f in links if f.remote_field.on_delete is not models.PROTECT] == []


def test_a_row_that_names_a_patient_s_response_or_case_is_a_clinical_row():
    """A table about a patient can not forget its clinic by leaving out the base class."""
    about = {
        model for model in OUR_MODELS for f in model._meta.get_fields() if f.concrete and f.related_model in CLINICAL
    }
    assert about - set(CLINICAL) == set()


@pytest.mark.django_db
@pytest.mark.parametrize("model", CLINICAL, ids=label)
def test_the_database_refuses_to_rewrite_a_clinical_row_unless_it_says_why(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid WHERE relname = %s",
            [model._meta.db_table],
        )
        names = " ".join(name for (name,) in cursor.fetchall())
    refuses = {kind for kind in ("no_update", "no_delete", "no_truncate") if f"pgtrigger_{kind}_" in names}
    assert refuses == (set() if label(model) in REWRITTEN else {"no_update", "no_delete", "no_truncate"})


def test_every_row_listed_as_rewritten_exists():
    assert set(REWRITTEN) <= {label(model) for model in CLINICAL}


# Staff reach clinical rows by their clinics: in a view every query for them begins with `Model.objects.for_user(`.
# A patient has no account and no clinics. Their one way in is the secret address of their own draft, so a module of
# patient pages may look up exactly one model, and only by `public_id`; who may see what was found is then decided by
# the pass in the browser's cookie, which is why every such view that finds a response also asks for the pass.
PATIENT_VIEWS = dict.fromkeys(("intake/views.py", "intake/return_views.py", "intake/opening.py"), QuestionnaireResponse)
VIEWS = [path for path in python_files() if path.name.endswith(("views.py", "look_up.py", "opening.py"))]
NAMES = {model.__name__ for model in CLINICAL}
MANAGERS = ("objects", "_default_manager", "_base_manager")


def queries(path):
    """(line, model, the call that follows its manager) for every mention of a clinical model's manager."""
    parents = {child: node for node in ast.walk(tree_of(path)) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree_of(path)):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in MANAGERS
            and ast.unparse(node.value).split(".")[-1] in NAMES
        ):
            chain = node
            while isinstance(parents.get(chain), (ast.Attribute, ast.Call)):
                chain = parents[chain]
            yield node.lineno, ast.unparse(node.value), ast.unparse(chain).partition(f".{node.attr}.")[2]


@pytest.mark.parametrize("path", VIEWS, ids=relative)
def test_a_view_finds_clinical_rows_only_within_the_user_s_clinics(path):
    patient_model = PATIENT_VIEWS.get(relative(path))
    loose = [
        f"line {line}: {name}.objects.{chain}"
        for line, name, chain in queries(path)
        if not chain.startswith("for_user(")
        and not (patient_model and name == patient_model.__name__ and "filter(public_id=" in chain)
    ]
    assert loose == []


@pytest.mark.parametrize("path", VIEWS, ids=relative)
def test_a_view_has_no_other_way_to_the_database(path):
    shortcuts = re.findall(
        r"\b(?:get_object_or_404|get_list_or_404|connection|cursor|Composed\w*|\.raw)\(", path.read_text()
    )
    assert shortcuts == []


def test_the_rule_for_views_finds_queries_at_all():
    assert sum(1 for path in VIEWS for _query in queries(path)) >= 1


@pytest.mark.parametrize("path", [p for p in VIEWS if relative(p) in PATIENT_VIEWS], ids=relative)
def test_every_patient_view_that_finds_a_response_asks_for_the_pass(path):
    """`late_page` is for the browser whose pass has ended: it asks for the page's signed ticket instead."""
    views = [
        f for f in tree_of(path).body if isinstance(f, ast.FunctionDef) and "public_id" in {a.arg for a in f.args.args}
    ]
    views = [f for f in views if f.name != "find_response" and any(a.arg == "request" for a in f.args.args)]
    asks = ("holds_pass(request", "holds_open_pass(request", "read_pass(request", "refusal(request", "read_ticket(")
    asks += ("cookie_of(request",)
    assert [f.name for f in views if not any(call in ast.unparse(f) for call in asks)] == []
    assert len(views) >= {"views.py": 7, "return_views.py": 2, "opening.py": 0}[path.name]


class MayEverything(User):
    """Somebody who holds every permission in every clinic: what is refused to them is refused to everyone."""

    class Meta:
        proxy = True
        app_label = "accounts"
        managed = False

    def may(self, permission, clinic_id=None):
        return permission in permissions()


@pytest.mark.parametrize("model", [m for m in CLINICAL if m in admin.site._registry], ids=label)
def test_clinical_rows_are_read_only_in_admin_for_everyone(model):
    request = RequestFactory().get("/admin/")
    request.user = MayEverything()
    page = admin.site._registry[model]
    row = SimpleNamespace(clinic_id=None)
    may = [
        page.has_add_permission(request),
        page.has_change_permission(request, row),
        page.has_delete_permission(request, row),
    ]
    assert may == [False, False, False]
    assert page.get_actions(request) == {}
    assert page.has_view_permission(request, row)


@pytest.mark.parametrize("model", [m for m in CLINICAL if m in admin.site._registry], ids=label)
def test_admin_names_no_sealed_column(model):
    request = RequestFactory().get("/admin/")
    request.user = MayEverything()
    page = admin.site._registry[model]
    columns = (*page.get_fields(request), *page.get_list_display(request), *page.get_search_fields(request))
    sealed = {f.name for f in model._meta.get_fields() if isinstance(f, models.BinaryField)}
    assert sealed & {name.split("__")[-1] for name in columns if isinstance(name, str)} == set()
    assert columns


def test_clinical_rows_have_admin_pages():
    assert {"intake.QuestionnaireResponse", "screening.Case", "screening.Decision"} <= {
        label(m) for m in CLINICAL if m in admin.site._registry
    }
