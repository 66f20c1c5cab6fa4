"""Finding a person's case by two exact identifiers.

There is no list of people, and no way to ask for a part of a name.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from clinic_site.accounts.models import User
from clinic_site.audit.services import audit_event, record
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.tampering import report_unopened
from clinic_site.limits.services import is_within
from intake.models import Patient
from intake.services import name_index, phone_index
from screening.models import Case
from screening.same_name import note_same_name

MOST_FOUND = 20
SEARCHES_AN_HOUR = 30


def may_look_up_again(user: User) -> bool:
    """Counts one search. Somebody who tries names one after the other is stopped, and that is on record."""
    within = is_within("patient-search", str(user.id), limit=SEARCHES_AN_HOUR, window=datetime.timedelta(hours=1))
    if not within:
        record([audit_event("patient.search-refused", clinic_id=None, user=user)])
    return within


def look_up(user: User, given: Mapping[str, Any]) -> list[Case]:
    """Cases in which the date of birth and every other identifier that was given are exactly right. Each is audited.

    `given` is the cleaned data of FindPatientForm.
    """
    born = given["date_of_birth"].isoformat()
    people = Patient.objects.for_user(user, "case.contact").filter(_identified(user, given, born))
    if given["reference"]:
        people = people.filter(response__case__reference=given["reference"])
    related = ("response__case__owner", "response__data_key")
    names = {
        person: name
        for person in people.select_related(*related).order_by("-id")[:MOST_FOUND]
        if (name := _name_if_born(person, given, born, user)) is not None
    }
    found = list(names)
    record(
        [
            audit_event("patient.searched", clinic_id=None, found=len(found), user=user),
            *(audit_event("patient.found", clinic_id=p.clinic_id, entity=p.response.case, user=user) for p in found),
        ]
    )
    for person, name in names.items():
        note_same_name(person.response.case, user, name)
    return [person.response.case for person in found]


def _identified(user: User, given: Mapping[str, Any], born: str) -> Q:
    """The blind indexes of each clinic, which all hold the date of birth beside the other identifier."""
    match = Q(pk__in=[])
    for clinic_id in user.clinics_with("case.contact"):
        here = Q(clinic_id=clinic_id)
        if given["given_name"]:
            here &= Q(name_and_birth_index=name_index(clinic_id, given["given_name"], given["family_name"], born))
        if given["phone"]:
            here &= Q(phone_and_birth_index=phone_index(clinic_id, given["phone"], born))
        match |= here
    return match


def _name_if_born(person: Patient, given: Mapping[str, Any], born: str, user: User) -> str | None:
    """The family name of a person who was born then; None for others.

    Asked of the record itself, because a reference alone would find the person. One that does not open was found by an
    index that holds the date of birth, or it is not found.
    """
    try:
        identity = person.response.data_key.unseal(person.identity, row=person, label="patient.identity")
    except CannotOpen as error:
        report_unopened([error], user=user)
        return given["family_name"] if given["given_name"] or given["phone"] else None
    return (identity["legal_family_name"] or "") if identity["date_of_birth"] == born else None
