"""Dependencies point one way: wiring -> screening -> intake -> leaf apps -> Django."""

import ast

import pytest
from django.apps import apps

from tests.architecture.source import (
    ROOT,
    WIRING,
    imported_modules,
    module_name,
    python_files,
    relative,
    room_of,
    tree_of,
)

# A room and those it may import, itself included.
MAY_IMPORT = {
    "leaf": {"leaf"},
    "intake": {"leaf", "intake"},
    "screening": {"leaf", "intake", "screening"},
    "wiring": {"leaf", "intake", "screening", "wiring"},
}
IN_ROOMS = [path for path in python_files() if room_of(module_name(path))]
OUR_MODELS = [model for model in apps.get_models() if room_of(model.__module__)]


@pytest.mark.parametrize("path", IN_ROOMS, ids=relative)
def test_a_module_imports_only_its_own_room_and_those_below(path):
    allowed = MAY_IMPORT[room_of(module_name(path))]
    upward = [name for name in imported_modules(path) if room_of(name) and room_of(name) not in allowed]
    assert upward == []


@pytest.mark.parametrize("name", WIRING)
def test_every_wiring_module_exists(name):
    assert (ROOT / "clinic_site" / f"{name}.py").exists() or (ROOT / "clinic_site" / name / "__init__.py").exists()


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model._meta.label)
def test_a_row_points_only_at_rows_of_its_own_room_and_those_below(model):
    allowed = MAY_IMPORT[room_of(model.__module__)]
    pointed_at = [f.related_model for f in model._meta.get_fields() if f.is_relation and f.concrete]
    assert [to for to in pointed_at if room_of(to.__module__) and room_of(to.__module__) not in allowed] == []


def test_no_import_stands_in_a_function_except_where_django_asks_for_it():
    """`AppConfig.ready` is the place where Django wants receivers and checks imported."""
    inside = [
        f"{relative(path)}:{node.lineno}"
        for path in IN_ROOMS
        for function in ast.walk(tree_of(path))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and function.name != "ready"
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and any(room_of(name) for name in _names(node))
    ]
    assert inside == []


def _names(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""]


def test_the_only_links_upward_are_three_signals_with_one_receiver_each():
    from django.dispatch import Signal

    from intake import signals

    own = {name: value for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert set(own) == {"page_saved", "answers_reviewed", "response_submitted"}
    assert [len(signal.receivers) for signal in own.values()] == [1, 1, 1]
