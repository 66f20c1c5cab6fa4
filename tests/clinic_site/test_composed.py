"""A queryset that is composed once finds what Django's own would."""

import uuid

import pytest

from clinic_site.clinics.models import Clinic
from clinic_site.database.composed import Composed
from intake.models import QuestionnaireResponse
from intake.services import start_response
from tests.conftest import make_clinic

pytestmark = pytest.mark.django_db

BY_SLUG = Composed(lambda slug: Clinic.objects.filter(slug=slug))


def test_each_value_finds_its_own_row(clinic):
    other = make_clinic(slug="elsewhere")
    assert BY_SLUG.first(clinic.slug) == clinic
    assert BY_SLUG.first(other.slug) == other
    assert BY_SLUG.first("nowhere") is None


def test_a_row_is_what_django_would_have_made_of_it(clinic):
    own, usual = BY_SLUG.first(clinic.slug), Clinic.objects.get(slug=clinic.slug)
    fields = [field.attname for field in Clinic._meta.concrete_fields]
    assert [getattr(own, name) for name in fields] == [getattr(usual, name) for name in fields]
    assert own._state.db == usual._state.db
    assert not own._state.adding


def test_relations_come_with_it_and_cost_no_further_statement(published, clinic, django_assert_num_queries):
    response, _token = start_response(clinic, language="en")
    related = Composed(lambda pk: QuestionnaireResponse.objects.filter(pk=pk).select_related("clinic", "data_key"))
    with django_assert_num_queries(1):
        found = related.first(response.pk)
        assert (found.clinic, found.data_key) == (response.clinic, response.data_key)


@pytest.mark.parametrize(
    "compose",
    [lambda slug: Clinic.objects.filter(slug=slug, phone="1"), lambda slug: Clinic.objects.filter(slug__contains=slug)],
    ids=["a constant", "a changed value"],
)
def test_a_queryset_with_other_parameters_is_refused(compose):
    with pytest.raises(ValueError, match="parameters"):
        Composed(compose).rows("riverside")


def test_rows_come_in_the_order_of_the_queryset(clinic):
    second = make_clinic(slug="elsewhere")
    newest = Composed(lambda nobody: Clinic.objects.exclude(pk=nobody).order_by("-pk"))
    assert newest.rows(uuid.UUID(int=0)) == [second, clinic]
