"""Roles and new starts need two administrators; what that means, on the pages, in the services and in the database."""

import threading

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from clinic_site.accounts import grants, leaving
from clinic_site.accounts.authority import Refused
from clinic_site.accounts.invitations import NotUsable, redeem
from clinic_site.accounts.leaving import Reason
from clinic_site.accounts.models import AccessChange, Invitation, Membership, User
from clinic_site.accounts.separation import clinical_roles, managing_roles
from clinic_site.audit.models import AuditEvent
from clinic_site.messaging.models import OutboxMessage
from clinic_site.messaging.worker import deliver_waiting
from screening.models import Case, CaseEvent, CaseStatus
from tests.architecture.source import python_files, relative
from tests.conftest import PASSWORD, make_clinic, make_user
from tests.screening.cases import Desk, submitted_case

pytestmark = pytest.mark.django_db
JOIN = "https://clinic.example/join/"
WORDS = "She came to my desk and showed her badge."


@pytest.fixture
def three(clinic):
    """Three administrators of the clinic."""
    return [make_user("administrator", clinic, name=name) for name in ("Avery", "Blake", "Casey")]


@pytest.fixture
def person(clinic):
    return make_user("front-desk", clinic, name="Dana")


def ask(person, clinic, by, *codes):
    return grants.ask_for_roles(person, clinic_id=clinic.pk, codes=codes or ["clinician"], by=by)


def approve(change, by):
    return grants.approve(change.pk, by=by, join_address=JOIN)


def held(person):
    return sorted(Membership.objects.filter(user=person).values_list("role", flat=True))


# ── two people ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_role_is_there_once_a_second_administrator_agrees(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    assert held(person) == ["front-desk"]
    approve(change, three[1])
    assert held(person) == ["clinician", "front-desk"]
    said = AuditEvent.objects.get(action="role.granted")
    assert (said.user, said.entity_id, said.clinic_id) == (three[1], person.pk, clinic.pk)
    assert said.detail == {"request": str(change.pk), "kind": "role", "role": "clinician"}


def test_who_asked_does_not_agree(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    with pytest.raises(Refused, match="Another administrator must agree"):
        approve(change, three[0])
    assert held(person) == ["front-desk"]


def test_nobody_asks_for_or_decides_about_themselves(three, clinic):
    with pytest.raises(Refused, match="Nobody changes their own access"):
        ask(three[0], clinic, three[0], "auditor")
    (change,) = ask(three[2], clinic, three[0], "auditor")
    for verdict in (approve, lambda change, by: grants.decline(change.pk, by=by)):
        with pytest.raises(Refused, match="Nobody changes their own access"):
            verdict(change, three[2])


def test_an_administrator_of_another_clinic_neither_asks_nor_agrees(three, person, clinic):
    stranger = make_user("administrator", make_clinic("elsewhere"))
    with pytest.raises(Refused, match="do not manage"):
        ask(person, clinic, stranger)
    (change,) = ask(person, clinic, three[0])
    with pytest.raises(Refused, match="do not manage"):
        approve(change, stranger)


def test_agreeing_twice_grants_once(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    approve(change, three[1])
    approve(change, three[1])
    assert Membership.objects.filter(user=person, role="clinician").count() == 1
    assert AuditEvent.objects.filter(action="role.granted").count() == 1


def test_what_was_decided_stays_decided(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    grants.decline(change.pk, by=three[1])
    with pytest.raises(Refused, match="declined already"):
        approve(change, three[2])
    assert held(person) == ["front-desk"]


def test_asking_twice_asks_once_and_tells_the_others_once(three, person, clinic):
    assert len(ask(person, clinic, three[0])) == 1
    assert ask(person, clinic, three[0]) == []
    recipients = OutboxMessage.objects.filter(purpose="access-asked").values_list("recipient", flat=True)
    assert sorted(recipients) == sorted(user.email for user in three[1:])


def test_a_request_of_somebody_who_no_longer_manages_the_clinic_is_not_agreed_to(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    leaving.end_work(three[0], reason=Reason.LEFT, by=three[2])
    with pytest.raises(Refused, match="no longer manages"):
        approve(change, three[1])


def test_a_role_that_ended_does_not_come_back_with_its_old_request(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    approve(change, three[1])
    leaving.end_role(Membership.objects.get(granted_by=change).pk, reason=Reason.MISTAKE, by=three[0])
    approve(change, three[1])
    assert held(person) == ["front-desk"]
    with pytest.raises(IntegrityError, match="No approved request"), transaction.atomic():
        Membership.objects.create(user=person, clinic=clinic, role="clinician", origin="request", granted_by=change)


def test_a_new_role_is_told_to_its_holder(three, person, clinic):
    person.set_password(PASSWORD)
    person.save()
    approve(ask(person, clinic, three[0])[0], three[1])
    told = OutboxMessage.objects.get(purpose="account-notice")
    assert told.recipient == person.email
    assert "Clinician" in told.body


def test_a_role_counts_from_the_next_request_on_and_until_the_next_request(three, person, clinic, published):
    client = Client()
    client.force_login(person)
    (change,) = ask(person, clinic, three[0], "medical-director")
    approve(change, three[1])
    assert Client().get("/review/").status_code == 302
    client.force_login(person)
    assert client.get("/admin/").status_code == 200
    leaving.end_role(Membership.objects.get(granted_by=change).pk, reason=Reason.MISTAKE, by=three[0])
    assert client.get("/admin/").status_code in (302, 403)


# ── nobody manages people and sees patients ────────────────────────────────────────────────────────────────────────


def test_the_two_sides_are_those_of_the_roles_file():
    assert managing_roles() == ["administrator"]
    assert clinical_roles() == ["clinician", "front-desk", "medical-director"]


@pytest.mark.parametrize("place", ["same", "other"])
def test_the_service_refuses_both_sides_at_any_clinic(three, person, clinic, place):
    there = clinic if place == "same" else make_clinic("elsewhere")
    asking = three[0] if place == "same" else make_user("administrator", there)
    with pytest.raises(Refused, match="Nobody can be Administrator and Front desk at once"):
        ask(person, there, asking, "administrator")
    with pytest.raises(Refused, match="Nobody can be Administrator and Clinician at once"):
        ask(three[1], there, asking, "clinician")


def test_two_requests_that_together_cross_the_line_are_not_both_agreed_to(three, clinic):
    person = make_user("auditor", clinic)
    (one,), (two,) = ask(person, clinic, three[0], "administrator"), ask(person, clinic, three[0], "clinician")
    approve(one, three[1])
    with pytest.raises(Refused, match="at once"):
        approve(two, three[1])
    assert held(person) == ["administrator", "auditor"]


@pytest.mark.parametrize("clinical", ["clinician", "front-desk", "medical-director"])
@pytest.mark.parametrize("place", ["same", "other"])
def test_the_database_refuses_both_sides_to_the_program_and_to_plain_sql(clinic, clinical, place):
    person, there = make_user(clinical, clinic), clinic if place == "same" else make_clinic("elsewhere")
    row = Membership(user=person, clinic=there, role="administrator", origin="shell")
    with pytest.raises(IntegrityError, match="Nobody manages people and sees patients"), transaction.atomic():
        row.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.bulk_create([row])
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_membership (id, user_id, clinic_id, role, origin, created_at)"
            " VALUES (gen_random_uuid(), %s, %s, 'administrator', 'shell', now())",
            [person.pk, there.pk],
        )
    assert held(person) == [clinical]


def test_the_database_turns_no_role_into_another(person):
    with pytest.raises(DatabaseError, match="Cannot update|permission denied"), transaction.atomic():
        person.memberships.update(role="medical-director")
    with (
        pytest.raises(DatabaseError, match="Cannot update|permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE accounts_membership SET role = 'administrator' WHERE user_id = %s", [person.pk])


# ── what the database refuses about requests ───────────────────────────────────────────────────────────────────────


def forged(person, clinic, **fields):
    return AccessChange(kind="role", person=person, clinic=clinic, role="clinician", **fields)


def now_decided(by):
    return {"outcome": "approved", "decided_by": by, "decided_at": timezone.now()}


def test_the_database_refuses_forged_requests(three, person, clinic):
    outsider = make_user("clinician", clinic)
    for wrong in (
        forged(three[0], clinic, asked_by=three[0]),
        forged(person, clinic, asked_by=outsider),
        forged(person, clinic, asked_by=three[0], **now_decided(three[1])),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong.save(force_insert=True)
    assert not AccessChange.objects.exists()


@pytest.mark.parametrize("decider", ["asker", "person", "outsider", "stranger"])
def test_the_database_lets_only_a_second_administrator_approve(three, clinic, decider):
    person = make_user("administrator", clinic)
    (change,) = ask(person, clinic, three[0], "auditor")
    by = {
        "asker": three[0],
        "person": person,
        "outsider": make_user("clinician", clinic),
        "stranger": make_user("administrator", make_clinic("elsewhere")),
    }[decider]
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessChange.objects.filter(pk=change.pk).update(**now_decided(by))
    AccessChange.objects.filter(pk=change.pk).update(**now_decided(three[1]))


def test_the_database_grants_no_role_without_a_request_that_asks_for_just_that(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    wanted = {"user": person, "clinic": clinic, "role": "clinician"}
    for wrong in (
        wanted,
        {**wanted, "origin": "request"},
        {**wanted, "origin": "request", "granted_by": change},
        {**wanted, "origin": "founder"},
        {**wanted, "origin": "shell", "granted_by": change},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(**wrong)
    AccessChange.objects.filter(pk=change.pk).update(**now_decided(three[1]))
    for other in ({"role": "medical-director"}, {"user": make_user("auditor", clinic)}, {"clinic": make_clinic("b")}):
        with pytest.raises(IntegrityError, match="No approved request"), transaction.atomic():
            Membership.objects.create(**{**wanted, **other}, origin="request", granted_by=change)
    Membership.objects.create(**wanted, origin="request", granted_by=change)


@pytest.mark.parametrize("changed", [{"role": "medical-director"}, {"words": "Other"}, {"outcome": ""}])
def test_the_database_keeps_what_was_asked_and_decided(three, person, clinic, changed):
    (change,) = ask(person, clinic, three[0])
    grants.decline(change.pk, by=three[1])
    with pytest.raises(DatabaseError, match="Cannot update|permission denied"), transaction.atomic():
        AccessChange.objects.filter(pk=change.pk).update(**changed)
    with pytest.raises(DatabaseError, match="Cannot delete|permission denied"), transaction.atomic():
        change.delete()


def test_only_the_shell_and_the_founding_of_a_clinic_grant_without_a_request():
    """Where the two other origins stand in the program."""
    naming = {
        relative(path)
        for path in python_files()
        if "migrations" not in path.parts
        and any(word in path.read_text() for word in ("Origin.SHELL", "Origin.FOUNDER"))
    }
    assert naming == {
        "clinic_site/accounts/management/commands/create_staff.py",
        "clinic_site/clinics/admin.py",
        "screening/benchmark/bench.py",
        "screening/demo/seeding.py",
    }


# ── a new start of sign-in ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def settled(person):
    person.set_password(PASSWORD)
    person.save()
    return person


def new_start(person, clinic, by, **fields):
    return grants.ask_for_new_start(person, clinic_id=clinic.pk, words=WORDS, by=by, **fields)


def test_a_new_start_needs_two_and_sends_a_link_and_a_notice(three, settled, clinic):
    client = Client()
    client.force_login(settled)
    change = new_start(settled, clinic, three[0])
    settled.refresh_from_db()
    assert settled.has_usable_password()
    with pytest.raises(Refused, match="Another administrator"):
        approve(change, three[0])
    approve(change, three[1])
    settled.refresh_from_db()
    assert not settled.has_usable_password()
    assert client.get("/review/").status_code == 302
    deliver_waiting()
    theirs = [message.subject for message in mail.outbox if message.to == [settled.email]]
    assert sorted(theirs) == ["A change to your account", "Set up your account"]
    said = AuditEvent.objects.get(action="staff.sign-in-restarted")
    assert (said.entity_id, said.user) == (settled.pk, three[1])
    assert WORDS not in str(said.detail)
    assert AccessChange.objects.get(pk=change.pk).words == WORDS


def test_the_old_address_hears_of_a_new_one(three, settled, clinic):
    old = settled.email
    approve(new_start(settled, clinic, three[0], new_email="new@riverside.example"), three[1])
    deliver_waiting()
    sent = {message.subject: message.to for message in mail.outbox}
    assert sent["A change to your account"] == [old]
    assert sent["Set up your account"] == ["new@riverside.example"]
    settled.refresh_from_db()
    assert settled.email == "new@riverside.example"


def test_a_new_address_is_nobody_else_s(three, settled, clinic):
    with pytest.raises(Refused, match="Somebody else has this address"):
        new_start(settled, clinic, three[0], new_email=three[1].email)


def test_who_also_works_elsewhere_is_not_started_anew_by_one_clinic(three, settled, clinic):
    Membership.objects.create(user=settled, clinic=make_clinic("elsewhere"), role="clinician", origin="shell")
    with pytest.raises(Refused, match="clinic that you do not manage"):
        new_start(settled, clinic, three[0])


def test_approving_a_new_start_twice_mails_one_link(three, settled, clinic):
    change = new_start(settled, clinic, three[0])
    approve(change, three[1])
    approve(change, three[1])
    assert OutboxMessage.objects.filter(purpose="invitation").count() == 1


def test_the_shell_starts_somebody_anew_where_no_two_others_can(clinic):
    alone = make_user("administrator", clinic)
    call_command("restart_sign_in", email=alone.email, site="https://clinic.example/")
    deliver_waiting()
    assert "https://clinic.example/join/#" in mail.outbox[0].body
    said = AuditEvent.objects.get(action="staff.sign-in-restarted")
    assert (said.actor, said.user) == ("system", None)
    with pytest.raises(CommandError, match="holds a role"):
        call_command("restart_sign_in", email="nobody@riverside.example", site="https://clinic.example")


# ── the end of a role, and leaving ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def desk(published, clinic):
    desk = Desk(make_user("clinician", clinic), submitted_case(clinic))
    desk.claim()
    return desk


def test_leaving_ends_roles_sessions_and_sign_in_at_once(three, desk, clinic):
    assert desk.client.get("/review/").status_code == 200
    assert leaving.end_work(desk.user, reason=Reason.LEFT, by=three[0])
    assert desk.client.get("/review/").status_code == 302
    person = User.objects.get(pk=desk.user.pk)
    assert (person.is_active, person.has_usable_password(), held(person)) == (False, False, [])
    ended = AuditEvent.objects.get(action="role.ended")
    assert (ended.user, ended.detail) == (three[0], {"role": "clinician", "reason": "left"})
    assert AuditEvent.objects.filter(action="staff.left", entity_id=person.pk).count() == 1


@pytest.mark.parametrize("how", ["leaving", "role"])
def test_open_cases_go_back_to_the_queue(three, desk, how):
    case = Case.objects.get()
    assert (case.owner_id, case.status) == (desk.user.pk, CaseStatus.IN_REVIEW)
    if how == "leaving":
        leaving.end_work(desk.user, reason=Reason.LEFT, by=three[0])
    else:
        leaving.end_role(desk.user.memberships.get().pk, reason=Reason.ABSENCE, by=three[0])
    case.refresh_from_db()
    assert (case.owner_id, case.status) == (None, CaseStatus.WAITING)
    step = CaseEvent.objects.filter(case=case).order_by("-id").first()
    assert (step.kind, step.by, step.detail) == ("released", three[0], "Owner left")
    assert AuditEvent.objects.get(action="case.released").user == three[0]


def test_a_case_stays_with_whoever_may_still_work_on_it(three, desk, clinic):
    approve(ask(desk.user, clinic, three[0], "medical-director")[0], three[1])
    leaving.end_role(desk.user.memberships.get(role="clinician").pk, reason=Reason.NEW_WORK, by=three[0])
    assert Case.objects.get().owner == desk.user


def test_ending_twice_ends_once(three, desk):
    membership = desk.user.memberships.get()
    assert [leaving.end_role(membership.pk, reason=Reason.LEFT, by=three[0]) for _ in range(2)] == [True, False]
    assert [leaving.end_work(desk.user, reason=Reason.LEFT, by=three[0]) for _ in range(2)][1] is False
    assert AuditEvent.objects.filter(action="role.ended").count() == 1
    assert AuditEvent.objects.filter(action="staff.left").count() == 1


def test_nobody_ends_their_own_work(three):
    with pytest.raises(Refused, match="Nobody changes their own access"):
        leaving.end_work(three[0], reason=Reason.LEFT, by=three[0])
    with pytest.raises(Refused, match="Nobody changes their own access"):
        leaving.end_role(three[0].memberships.get().pk, reason=Reason.LEFT, by=three[0])


def test_leaving_one_clinic_leaves_the_other_alone(three, person):
    elsewhere = make_clinic("elsewhere")
    Membership.objects.create(user=person, clinic=elsewhere, role="clinician", origin="shell")
    leaving.end_work(person, reason=Reason.LEFT, by=three[0])
    person.refresh_from_db()
    assert person.is_active
    assert User.objects.get(pk=person.pk).granted() == [(elsewhere.pk, "clinician")]
    stranger = make_user("administrator", make_clinic("third"))
    with pytest.raises(Refused, match="does not work at a clinic that you manage"):
        leaving.end_work(person, reason=Reason.LEFT, by=stranger)


def test_leaving_ends_what_was_asked_for_and_the_invitation(three, clinic):
    person = grants.invite(
        name="Eli", email="eli@riverside.example", clinic_id=clinic.pk, codes=["clinician", "auditor"], by=three[0]
    )
    approve(AccessChange.objects.get(role="clinician"), three[1])
    leaving.end_work(person, reason=Reason.MISTAKE, by=three[2])
    assert not AccessChange.objects.filter(outcome="").exists()
    assert Invitation.objects.get().withdrawn_at is not None
    assert held(person) == []


def test_who_comes_back_is_asked_for_anew_and_gets_a_link(three, person, clinic):
    leaving.end_work(person, reason=Reason.LEFT, by=three[0])
    again = grants.invite(name="Dana", email=person.email, clinic_id=clinic.pk, codes=["clinician"], by=three[0])
    assert again == person
    approve(AccessChange.objects.get(outcome=""), three[1])
    person.refresh_from_db()
    assert person.is_active
    assert held(person) == ["clinician"]
    assert Invitation.objects.filter(person=person, used_at=None, withdrawn_at=None).count() == 1


def test_the_shell_adds_a_role_to_somebody_who_is_there(clinic, person, monkeypatch):
    monkeypatch.delenv("STAFF_PASSWORD", raising=False)
    given = {"email": person.email, "name": "Dana", "clinic": clinic.slug}
    call_command("create_staff", role="clinician", **given)
    assert held(person) == ["clinician", "front-desk"]
    said = AuditEvent.objects.get(action="role.granted")
    assert (said.actor, said.entity_id) == ("system", person.pk)
    with pytest.raises(CommandError, match="Nobody can be Administrator"):
        call_command("create_staff", role="administrator", **given)


# ── several at once ────────────────────────────────────────────────────────────────────────────────────────────────


def together(*actions):
    """Runs all at the same moment, each on a connection of its own; the exceptions or results, in order."""
    start, results = threading.Barrier(len(actions)), [None] * len(actions)

    def run(index, action):
        try:
            start.wait()
            results[index] = action()
        except (Refused, DatabaseError) as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_of_two_grants_that_race_across_the_line_one_wins(three, clinic):
    person, elsewhere = make_user("auditor", clinic), make_clinic("elsewhere")
    rows = [
        Membership(user=person, clinic=clinic, role="administrator", origin="shell"),
        Membership(user=person, clinic=elsewhere, role="clinician", origin="shell"),
    ]

    def insert(row):
        with transaction.atomic():
            row.save(force_insert=True)

    results = together(*(lambda row=row: insert(row) for row in rows))
    assert sum(isinstance(result, IntegrityError) for result in results) == 1
    assert len(held(person)) == 2


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_agree_at_once_grant_once(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    results = together(*(lambda by=by: approve(change, by) for by in three[1:]))
    assert sum(isinstance(result, Refused) for result in results) == 1
    assert held(person) == ["clinician", "front-desk"]


@pytest.mark.django_db(transaction=True)
def test_agreeing_and_declining_at_once_does_one_of_the_two(three, person, clinic):
    (change,) = ask(person, clinic, three[0])
    results = together(lambda: approve(change, three[1]), lambda: grants.decline(change.pk, by=three[2]))
    assert sum(isinstance(result, Refused) for result in results) == 1
    change.refresh_from_db()
    assert ("clinician" in held(person)) == (change.outcome == "approved")


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_end_each_other_one_remains(three):
    leaving.end_work(three[2], reason=Reason.LEFT, by=three[0])
    results = together(
        lambda: leaving.end_work(three[1], reason=Reason.LEFT, by=three[0]),
        lambda: leaving.end_work(three[0], reason=Reason.LEFT, by=three[1]),
    )
    assert sum(isinstance(result, Refused) for result in results) == 1
    assert Membership.objects.filter(role="administrator").count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_link_opened_by_two_at_once_sets_one_password(three, clinic):
    grants.invite(name="Eli", email="eli@riverside.example", clinic_id=clinic.pk, codes=["clinician"], by=three[0])
    approve(AccessChange.objects.get(), three[1])
    deliver_waiting()
    code = mail.outbox[-1].body.partition("#")[2].split()[0]

    def use(password):
        try:
            return redeem(code, password)
        except NotUsable:
            return None

    passwords = ["nine purple elephants", "seven green umbrellas"]
    results = together(*(lambda password=password: use(password) for password in passwords))
    winners = [password for password, result in zip(passwords, results, strict=True) if result]
    assert len(winners) == 1
    assert User.objects.get(email="eli@riverside.example").check_password(winners[0])


@pytest.mark.django_db(transaction=True)
def test_an_administrator_who_loses_the_role_meanwhile_grants_nothing(three, person, clinic):
    """Whichever comes first, there is never a role agreed to by somebody who was no administrator then."""
    (change,) = ask(person, clinic, three[0])
    results = together(
        lambda: approve(change, three[1]), lambda: leaving.end_work(three[1], reason=Reason.LEFT, by=three[0])
    )
    granted = "clinician" in held(person)
    assert granted == (not isinstance(results[0], Refused))
    assert results[1] is True
