"""Queries that are composed once: the same rows as when composed for each call, within the same clinics."""

import pytest
from django.db import models
from django.db.models.sql.compiler import SQLCompiler

from clinic_site.records.composed import Composed, ComposedWithin, Given
from screening.models import Case
from tests.conftest import make_clinic
from tests.screening.cases import submitted_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_clinic(db):
    return make_clinic("hillside")


@pytest.fixture
def cases(published, clinic, other_clinic):
    return [submitted_case(place) for place in (clinic, clinic, other_clinic)]


def by_reference():
    return Case.objects.filter(reference=Given("reference", models.CharField())).select_related("response")


def test_each_call_finds_the_rows_of_its_own_values(cases, statements):
    query = Composed(by_reference())
    with statements() as seen:
        found = [query.rows(reference=case.reference) for case in cases]
        assert [row.response.reference for [row] in found] == [case.reference for case in cases]
    assert [[row] for row in cases] == found
    assert len(seen.statements()) == len(cases)


def test_its_text_is_composed_once(cases, monkeypatch):
    composed, as_sql = [], SQLCompiler.as_sql
    monkeypatch.setattr(SQLCompiler, "as_sql", lambda self, *a, **k: composed.append(self) or as_sql(self, *a, **k))
    query = Composed(by_reference())
    for case in cases:
        query.rows(reference=case.reference)
    assert len(composed) == 1


def test_rows_are_found_within_the_given_clinics_alone(cases, clinic, other_clinic):
    query = ComposedWithin(Case.objects.order_by("id"))
    assert query.rows({clinic.id}) == cases[:2]
    assert query.rows({other_clinic.id}) == cases[2:]
    assert query.rows({clinic.id, other_clinic.id}) == cases
    assert query.count({clinic.id}) == 2


def test_nobody_s_clinics_hold_no_rows(cases):
    query = ComposedWithin(Case.objects.all())
    assert (query.rows(set()), query.count(set())) == ([], 0)


def test_no_more_rows_are_read_or_counted_than_asked_for(cases, clinic):
    query = ComposedWithin(Case.objects.order_by("id"), most=1)
    assert (query.rows({clinic.id}), query.count({clinic.id})) == (cases[:1], 1)
