"""Roles and new starts of sign-in: one administrator asks, a second one agrees, and it takes effect at once.

Each function is one transaction with its audit entry. Sent twice, each does its work once.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic_site.accounts.authority import (
    Refused,
    check_manages_everywhere,
    check_not_oneself,
    check_separation,
    lock_administrator,
    lock_person,
)
from clinic_site.accounts.factors import remove_factors
from clinic_site.accounts.invitations import send_invitation
from clinic_site.accounts.models import AccessChange, Membership, User
from clinic_site.accounts.permissions import roles
from clinic_site.accounts.separation import managing_roles
from clinic_site.accounts.sessions import end_sessions
from clinic_site.accounts.staff_mail import account_notice, wait_for_second
from clinic_site.audit.services import audit_event, record

_Kind, _Outcome = AccessChange.Kind, AccessChange.Outcome


@transaction.atomic
def invite(*, name: str, email: str, clinic_id: uuid.UUID, codes: Iterable[str], by: User) -> User:
    """Asks for roles for somebody new, or for whoever has this address: from another clinic, or come back.

    Nothing is mailed before a second administrator has agreed to one of the roles.
    """
    lock_administrator(by, clinic_id)
    fresh = User(name=name, email=email)
    fresh.set_unusable_password()
    person, is_new = User.objects.get_or_create(email=email, defaults={"name": name, "password": fresh.password})
    if is_new:
        record([audit_event("staff.added", clinic_id=clinic_id, entity=person, user=by)])
    ask_for_roles(person, clinic_id=clinic_id, codes=codes, by=by)
    return person


@transaction.atomic
def ask_for_roles(
    person: User, *, clinic_id: uuid.UUID, codes: Iterable[str], words: str = "", by: User
) -> list[AccessChange]:
    """Requests that now wait for a second administrator. What is asked for already, or held, is not asked for again."""
    check_not_oneself(person, by)
    lock_administrator(by, clinic_id)
    person = lock_person(person.pk)
    wanted = list(dict.fromkeys(codes))
    held = set(person.memberships.values_list("clinic_id", "role"))
    check_separation([*wanted, *(role for _clinic, role in held)])
    open_ones = AccessChange.objects.filter(person=person, clinic_id=clinic_id, kind=_Kind.ROLE, outcome="")
    asked = set(open_ones.values_list("role", flat=True))
    changes = [
        AccessChange(kind=_Kind.ROLE, person=person, clinic_id=clinic_id, role=role, words=words, asked_by=by)
        for role in wanted
        if role not in asked and (clinic_id, role) not in held
    ]
    _keep(changes, by)
    return changes


@transaction.atomic
def ask_for_new_start(person: User, *, clinic_id: uuid.UUID, words: str, new_email: str = "", by: User) -> AccessChange:
    """Asks to remove somebody's second factors and to send them a new link.

    `words` say how their identity was checked. For whom works at a clinic that `by` does not manage, only the shell
    can do it.
    """
    check_not_oneself(person, by)
    check_manages_everywhere(person, by)
    lock_administrator(by, clinic_id)
    person = lock_person(person.pk)
    _email_is_free(new_email, person)
    waiting = AccessChange.objects.filter(person=person, clinic_id=clinic_id, kind=_Kind.SIGN_IN, outcome="").first()
    if waiting is not None:
        return waiting
    change = AccessChange(
        kind=_Kind.SIGN_IN, person=person, clinic_id=clinic_id, words=words, new_email=new_email, asked_by=by
    )
    _keep([change], by)
    return change


def _keep(changes: list[AccessChange], by: User) -> None:
    AccessChange.objects.bulk_create(changes)
    record(
        audit_event("access.asked", clinic_id=change.clinic_id, entity=change.person, user=by, **_said(change))
        for change in changes
    )
    if changes:
        wait_for_second(changes[0])


@transaction.atomic
def approve(change_id: uuid.UUID, *, by: User, join_address: str) -> AccessChange:
    """Agrees, and puts it into effect. Raises Refused, in words, when it can not be.

    `join_address` is the whole web address of the page where an invitation is used.
    """
    change = _locked(change_id, by)
    if change.outcome == _Outcome.APPROVED and change.decided_by_id == by.pk:
        return change
    _check_open(change)
    if change.asked_by_id == by.pk:
        raise Refused("You asked for this yourself. Another administrator must agree.")
    still_there = Membership.objects.filter(user=change.asked_by_id, user__is_active=True, clinic=change.clinic_id)
    if not still_there.filter(role__in=managing_roles()).exists():
        raise Refused("Who asked for this no longer manages this clinic. Decline it, and ask anew.")
    person = lock_person(change.person_id)
    _decide(change, _Outcome.APPROVED, by)
    if change.kind == _Kind.ROLE:
        _grant(change, person, by, join_address)
    else:
        _start_anew(change, person, by, join_address)
    return change


@transaction.atomic
def decline(change_id: uuid.UUID, *, by: User) -> AccessChange:
    """Ends a request without effect. Whoever asked may take it back in the same way."""
    change = _locked(change_id, by)
    if change.outcome == _Outcome.DECLINED:
        return change
    _check_open(change)
    _decide(change, _Outcome.DECLINED, by)
    record([audit_event("access.declined", clinic_id=change.clinic_id, entity=change.person, user=by, **_said(change))])
    return change


def _locked(change_id: uuid.UUID, by: User) -> AccessChange:
    change = AccessChange.objects.select_related("person").get(pk=change_id)
    check_not_oneself(change.person, by)
    lock_administrator(by, change.clinic_id)
    AccessChange.objects.select_for_update().only("id").get(pk=change_id)
    return AccessChange.objects.select_related("person").get(pk=change_id)


def _check_open(change: AccessChange) -> None:
    if not change.is_open:
        raise Refused(f"This request was {change.get_outcome_display().lower()} already.")


def _decide(change: AccessChange, outcome: str, by: User) -> None:
    change.outcome, change.decided_by, change.decided_at = outcome, by, timezone.now()
    change.save(update_fields=["outcome", "decided_by", "decided_at"])


def _grant(change: AccessChange, person: User, by: User, join_address: str) -> None:
    held = set(person.memberships.values_list("clinic_id", "role"))
    check_separation([change.role, *(role for _clinic, role in held)])
    if (change.clinic_id, change.role) in held:
        raise Refused("This person holds the role already. Decline the request.")
    Membership.objects.create(
        user=person, clinic_id=change.clinic_id, role=change.role, origin=Membership.Origin.REQUEST, granted_by=change
    )
    if not person.is_active:
        person.is_active = True
        person.save(update_fields=["is_active"])
    end_sessions(person)
    record([audit_event("role.granted", clinic_id=change.clinic_id, entity=person, user=by, **_said(change))])
    if person.has_usable_password():
        account_notice(person, change.clinic_id, f"You were given a role: {roles()[change.role].label}.")
    else:
        send_invitation(person, clinic_id=change.clinic_id, by=by, join_address=join_address)


def _start_anew(change: AccessChange, person: User, by: User, join_address: str) -> None:
    check_manages_everywhere(person, by)
    _email_is_free(change.new_email, person)
    # To the address of before, so that whose account it is hears of it even when the new one is not theirs.
    account_notice(person, change.clinic_id, "Two administrators started your sign-in anew.")
    start_sign_in_anew(person, clinic_id=change.clinic_id, new_email=change.new_email, by=by, join_address=join_address)
    change.effected_at = timezone.now()
    change.save(update_fields=["effected_at"])


def start_sign_in_anew(
    person: User, *, clinic_id: uuid.UUID, new_email: str, by: User | None, join_address: str
) -> None:
    """Removes the password and every second factor, ends the sessions and mails a link. The caller holds the lock."""
    removed = remove_factors(person)
    person.set_unusable_password()
    person.email = new_email or person.email
    try:
        with transaction.atomic():
            person.save(update_fields=["password", "email"])
    except IntegrityError as error:
        raise Refused("Somebody else has this address already.") from error
    ended = end_sessions(person)
    detail: dict[str, Any] = {"factors": removed, "sessions": ended, "new_address": bool(new_email)}
    record([audit_event("staff.sign-in-restarted", clinic_id=clinic_id, entity=person, user=by, **detail)])
    send_invitation(person, clinic_id=clinic_id, by=by, join_address=join_address)


def _email_is_free(email: str, person: User) -> None:
    if email and User.objects.filter(email=email).exclude(pk=person.pk).exists():
        raise Refused("Somebody else has this address already.")


def _said(change: AccessChange) -> dict[str, Any]:
    """What the audit says of a request: never its words, which may describe a person."""
    return {"request": str(change.pk), "kind": change.kind, **({"role": change.role} if change.role else {})}
