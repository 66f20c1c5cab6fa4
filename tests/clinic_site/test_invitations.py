"""How somebody new comes in: asked for by one administrator, agreed to by another, and a password nobody else knows."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from clinic_site.accounts import invitations, joining
from clinic_site.accounts.models import AccessChange, Invitation, User
from clinic_site.accounts.password_requests import ask_for_link, send_links
from clinic_site.audit.models import AuditEvent
from clinic_site.messaging.models import OutboxMessage
from clinic_site.messaging.worker import deliver_waiting
from tests.conftest import PASSWORD, make_clinic, make_user

pytestmark = pytest.mark.django_db
ADA = {"name": "Dr. Ada Example", "email": "Ada@riverside.example", "roles": ["clinician"]}
INVITE = "/admin/accounts/user/invite/"


@pytest.fixture
def administrators(clinic, signed_in):
    """Two browsers, each of an administrator of the clinic."""
    clients = []
    for name in ("Avery", "Blake"):
        user = make_user("administrator", clinic, name=name)
        client = signed_in(user)
        client.user = user
        clients.append(client)
    return clients


@pytest.fixture
def asked(administrators, clinic):
    """Ada, whom the first administrator has asked for."""
    answer = administrators[0].post(INVITE, {**ADA, "clinic": clinic.pk})
    assert answer.status_code == 302
    return User.objects.get(email="ada@riverside.example")


def decide(client, change, verdict="approve"):
    return client.post(f"/admin/accounts/accesschange/{change.pk}/decide/", {"do": verdict}, follow=True)


@pytest.fixture
def invited(administrators, asked):
    assert "in effect now" in decide(administrators[1], AccessChange.objects.get()).content.decode()
    return asked


def mailed_code():
    deliver_waiting()
    sent = [message for message in mail.outbox if message.subject == "Set up your account"][-1]
    (address,) = re.findall(r"https?://\S+", sent.body)
    assert address.startswith("http://testserver/join/#")
    return address.partition("#")[2]


def join(code, password=PASSWORD, again=None):
    return Client().post("/join/", {"code": code, "password": password, "again": again or password})


def test_nobody_gets_a_link_before_a_second_administrator_agrees(asked):
    assert not asked.has_usable_password()
    assert asked.granted() == []
    assert not Invitation.objects.exists()
    deliver_waiting()
    assert [message.to for message in mail.outbox] == [[User.objects.get(name="Blake").email]]
    assert "ada" not in mail.outbox[0].body.lower()


def test_the_link_is_mailed_once_it_is_agreed_to_and_lets_the_person_choose_a_password(invited, clinic):
    assert User.objects.get(pk=invited.pk).granted() == [(clinic.pk, "clinician")]
    answer = join(mailed_code())
    assert "Your password is set" in answer.content.decode()
    invited.refresh_from_db()
    assert invited.check_password(PASSWORD)
    actions = AuditEvent.objects.filter(entity_id=invited.pk).values_list("action", flat=True)
    assert {"staff.added", "access.asked", "role.granted", "staff.invitation-sent", "staff.invitation-used"} <= {
        *actions
    }


def test_using_the_link_signs_nobody_in(invited):
    client = Client()
    client.post("/join/", {"code": mailed_code(), "password": PASSWORD, "again": PASSWORD})
    assert client.get("/review/").status_code == 302


def test_opening_the_link_twenty_times_uses_nothing_up(invited):
    code = mailed_code()
    assert {Client().get("/join/").status_code for _ in range(20)} == {200}
    assert join(code).status_code == 200


def spoil_nothing(invitation):
    return "0" * 26


def use(invitation):
    Invitation.objects.update(used_at=timezone.now())


def withdraw(invitation):
    Invitation.objects.update(withdrawn_at=timezone.now())


def age(invitation):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def leave(invitation):
    User.objects.filter(pk=invitation.person_id).update(is_active=False)


@pytest.mark.parametrize("spoil", [use, withdraw, age, leave, spoil_nothing])
def test_a_used_withdrawn_old_foreign_and_unknown_code_get_the_same_page(invited, spoil):
    code = mailed_code()
    spoilt = spoil(Invitation.objects.get()) or code
    answers = [join(spoilt), join("Z" * 26)]
    pages = [re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert pages[0] == pages[1]
    assert joining._NOT_USABLE in pages[0].replace("&#x27;", "'")
    invited.refresh_from_db()
    assert not invited.has_usable_password()


def test_the_link_lives_for_72_hours(invited, monkeypatch):
    code, sent = mailed_code(), Invitation.objects.get().sent_at
    monkeypatch.setattr("django.utils.timezone.now", lambda: sent + timedelta(hours=72))
    assert join(code).status_code == 422
    monkeypatch.setattr("django.utils.timezone.now", lambda: sent + timedelta(hours=71, minutes=59))
    assert join(code).status_code == 200


def test_the_link_works_once(invited):
    code = mailed_code()
    assert [join(code).status_code, join(code, PASSWORD + " again").status_code] == [200, 422]
    invited.refresh_from_db()
    assert invited.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("password", "again", "told"), [("short", None, "too short"), (PASSWORD, PASSWORD + "x", "not equal")]
)
def test_a_password_that_will_not_do_leaves_the_link_good(invited, password, again, told):
    code = mailed_code()
    refused = join(code, password, again)
    assert refused.status_code == 422
    assert told in refused.content.decode()
    assert code in refused.content.decode()
    assert join(code).status_code == 200


def test_a_code_may_be_typed_without_dashes_and_in_small_letters(invited):
    assert join(mailed_code().replace("-", " ").lower()).status_code == 200


def test_the_database_never_holds_the_code(invited):
    (message,) = OutboxMessage.objects.filter(purpose="invitation")
    row = f"{message.subject} {message.body} {message.secret} {bytes(Invitation.objects.get().digest)!r}"
    code = mailed_code()
    assert code not in row
    assert code.replace("-", "") not in row
    message.refresh_from_db()
    assert message.secret == ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditevent WHERE detail::text LIKE %s", [f"%{code[:11]}%"])
        assert cursor.fetchone() == (0,)


def test_a_secret_that_does_not_open_is_not_sent_and_not_tried_again(invited):
    OutboxMessage.objects.filter(purpose="invitation").update(secret="AAAA")
    deliver_waiting()
    assert "Set up your account" not in [message.subject for message in mail.outbox]
    assert OutboxMessage.objects.get(purpose="invitation").sent_at is None
    assert deliver_waiting() == 0


def test_a_new_link_ends_the_one_before(invited, administrators):
    first = mailed_code()
    address = f"/admin/accounts/user/{invited.pk}/invitation/"
    assert "on its way" in administrators[0].post(address, {"do": "send"}, follow=True).content.decode()
    second = mailed_code()
    assert first != second
    assert [join(first).status_code, join(second).status_code] == [422, 200]


def test_a_link_can_be_withdrawn(invited, administrators):
    code = mailed_code()
    administrators[0].post(f"/admin/accounts/user/{invited.pk}/invitation/", {"do": "withdraw"})
    assert join(code).status_code == 422
    assert AuditEvent.objects.filter(action="staff.invitation-withdrawn", entity_id=invited.pk).exists()


def test_no_link_is_sent_to_somebody_who_has_a_password(administrators, clinic):
    person = make_user("clinician", clinic)
    person.set_password(PASSWORD)
    person.save()
    administrators[0].post(f"/admin/accounts/user/{person.pk}/invitation/", {"do": "send"})
    assert not Invitation.objects.exists()


def test_nobody_gets_round_an_invitation_by_a_forgotten_password(invited):
    ask_for_link(invited.email, "https://clinic.example")
    send_links()
    assert not OutboxMessage.objects.filter(purpose="password-link").exists()
    invited.set_password(PASSWORD)
    invited.save()
    ask_for_link(invited.email, "https://clinic.example")
    send_links()
    assert OutboxMessage.objects.filter(purpose="password-link", recipient=invited.email).count() == 1


def test_inviting_twice_asks_once(administrators, asked, clinic):
    assert administrators[0].post(INVITE, {**ADA, "clinic": clinic.pk}).status_code == 302
    assert User.objects.filter(email="ada@riverside.example").count() == 1
    assert AccessChange.objects.count() == 1


def test_an_invitation_names_a_clinic_of_the_administrator(administrators):
    answer = administrators[0].post(INVITE, {**ADA, "clinic": make_clinic("elsewhere").pk})
    assert answer.status_code == 422
    assert not AccessChange.objects.exists()


def test_an_administrator_can_not_invite_themselves_to_more(administrators, clinic):
    me = administrators[0].user
    answer = administrators[0].post(INVITE, {**ADA, "email": me.email, "roles": ["auditor"], "clinic": clinic.pk})
    assert answer.status_code == 422
    assert "Nobody changes their own access" in answer.content.decode()


def test_no_page_of_admin_takes_a_password_for_somebody_else(administrators, invited):
    pages = [INVITE, f"/admin/accounts/user/{invited.pk}/change/"]
    pages += [f"/admin/accounts/user/{invited.pk}/{step}/" for step in ("role", "new-start", "leaving")]
    for address in pages:
        html = administrators[0].get(address).content.decode()
        assert 'type="password"' not in html, address
    assert administrators[0].get(f"/admin/accounts/user/{invited.pk}/password/").status_code in (302, 404)


def test_guessing_codes_is_slowed_down_by_network(invited, monkeypatch):
    monkeypatch.setattr(joining, "_TRIES", 3)
    assert [join("Z" * 26).status_code for _ in range(4)] == [422, 422, 422, 429]


def test_codes_have_130_random_bits():
    assert len(invitations._ALPHABET) == 32
    assert invitations._LENGTH * 5 >= 128
