"""Who may act on whom. What is checked here stays so until the transaction ends.

Everything about the people of one clinic happens one after the other: the clinic is locked first, then the person.
"""

import uuid
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.permissions import roles
from clinic_site.accounts.separation import clinical_roles, managing_roles
from clinic_site.clinics.models import Clinic


class Refused(Exception):
    """What was asked about a person can not be done now; the sentence says why and what to do."""


def lock_administrator(user: User, clinic_id: uuid.UUID) -> None:
    """Makes sure that `user` manages this clinic now and until this transaction ends."""
    lock_clinic(clinic_id)
    held = Membership.objects.filter(user=user, clinic_id=clinic_id, role__in=managing_roles(), user__is_active=True)
    if not held.exists():
        raise Refused("You do not manage the people of this clinic.")


def lock_clinic(clinic_id: uuid.UUID) -> None:
    Clinic.objects.select_for_update(no_key=True).only("id").get(pk=clinic_id)


def lock_person(person_id: uuid.UUID) -> User:
    """The person as they are now. Whatever else is about them waits until this transaction ends."""
    return User.objects.select_for_update(no_key=True).get(pk=person_id)


def check_not_oneself(person: User, by: User) -> None:
    if person.pk == by.pk:
        raise Refused("Nobody changes their own access. Ask another administrator.")


def check_separation(codes: Iterable[str]) -> None:
    """Nobody both manages people and sees patients' cases, at any clinic. The refusal names the two roles."""
    held, known = set(codes), roles()
    managing = sorted(held & set(managing_roles()))
    clinical = sorted(held & set(clinical_roles()))
    if managing and clinical:
        raise Refused(
            f"Nobody can be {known[managing[0]].label} and {known[clinical[0]].label} at once, at any clinic. "
            "End one of the two roles first."
        )


def people_of(administrator: User) -> QuerySet[User]:
    """Who works at a clinic of this administrator, or was asked for there; and who came by the shell and has no role
    left, so that somebody can shut their account.
    """
    clinics = administrator.clinics_with("admin.manage")
    theirs = Q(memberships__clinic_id__in=clinics) | Q(access_changes__clinic_id__in=clinics)
    return User.objects.filter(theirs | Q(memberships=None, access_changes=None)).distinct()


def manages_everywhere(person: User, by: User) -> bool:
    """Whether `by` manages every clinic at which the person works."""
    return not person.memberships.exclude(clinic_id__in=by.clinics_with("admin.manage")).exists()


def check_manages_everywhere(person: User, by: User) -> None:
    if not manages_everywhere(person, by):
        raise Refused("This person also works at a clinic that you do not manage. Ask who runs the server.")
