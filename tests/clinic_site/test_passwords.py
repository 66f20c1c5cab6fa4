"""How passwords are kept, and which are refused."""

import time
from contextlib import suppress

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher, check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from clinic_site.accounts import passwords
from clinic_site.accounts.models import User
from tests.conftest import PASSWORD, make_clinic


def test_a_stored_password_is_peppered_argon2id_above_the_floor():
    kept = make_password(PASSWORD)
    assert kept.startswith("argon2-peppered$argon2id$v=19$m=32768,t=3,p=1$")
    assert passwords.PepperedArgon2.memory_cost >= 19 * 1024
    assert passwords.PepperedArgon2.time_cost >= 2


def test_the_right_password_fails_under_another_pepper(monkeypatch):
    kept = make_password(PASSWORD)
    assert check_password(PASSWORD, kept)
    monkeypatch.setattr(passwords, "derived_key", lambda _purpose: b"another key" * 3)
    assert not check_password(PASSWORD, kept)


@pytest.mark.parametrize("hasher", [Argon2PasswordHasher, PBKDF2PasswordHasher])
def test_an_old_hash_is_replaced_at_the_next_sign_in(staff, hasher):
    user, old = staff("clinician"), hasher()
    User.objects.filter(pk=user.pk).update(password=old.encode(PASSWORD, old.salt()))
    assert Client().post("/sign-in/", {"username": user.email, "password": PASSWORD}).status_code == 302
    user.refresh_from_db()
    assert user.password.startswith("argon2-peppered$")
    assert user.check_password(PASSWORD)


def test_weaker_parameters_are_replaced_at_the_next_sign_in(staff, monkeypatch):
    user = staff("clinician")
    with monkeypatch.context() as weak:
        weak.setattr(passwords.PepperedArgon2, "memory_cost", 8 * 1024)
        user.set_password(PASSWORD)
        user.save()
    assert "m=8192" in user.password
    Client().post("/sign-in/", {"username": user.email, "password": PASSWORD})
    user.refresh_from_db()
    assert "m=32768" in user.password


def test_every_one_of_128_letters_counts():
    long = "ü🙂ж" * 42 + "ab"
    assert len(long) == 128
    kept = make_password(long)
    assert check_password(long, kept)
    assert not check_password(long[:-1] + "c", kept)
    assert not check_password(long[:-1], kept)


@pytest.mark.parametrize(
    "good",
    [
        "correct horse battery staple",
        "vierzehnmöwen!!",
        "    blanks   count   too   ",
        "only lower case letters without a number",
        "🙂 пароль из слов 🙂",
        "x" * 3 + "unrelated-words-here" * 10,
    ],
)
def test_a_long_password_of_any_letters_is_good(good, clinic, staff):
    validate_password(good, staff("clinician"))


@pytest.mark.parametrize(
    "bad",
    [
        "fourteen chars",
        "RiversideClinic2026!",
        "ketamine-ketamine-1",
        "MedicalDirector2026",
        "Administrator12345!",
        "password password 1",
        "Hillside Test Clinic",
        "Test Clinician 0 !!",
        "1234567890123456789",
        "!!!!!!!!!!!!!!!!!!!!",
        "spravato treatment review",
    ],
)
def test_a_password_of_the_place_the_person_or_the_work_is_refused(bad, clinic, staff):
    make_clinic("hillside")
    with pytest.raises(ValidationError):
        validate_password(bad, staff("clinician"))


def test_the_list_of_known_passwords_is_long_and_none_is_longer_than_is_looked_for():
    known = passwords.known_passwords().decode().split("\n")[1:-1]
    assert len(known) >= 100_000
    assert known == sorted({word.casefold() for word in known})
    assert max(map(len, known)) <= passwords._LONGEST_KNOWN


@pytest.mark.parametrize(
    "bad",
    [
        "polniypizdec0211",
        "iloveyouforever",
        "ILoveYouForever",
        "michaeljackson1958!",
        "2024--correcthorsebatterystaple--",
        "starwarsstarwars",
        "dragon dragon dragon",
        "Dragon-Dragon-Dragon-7",
        "qwertyuiopqwertyuiopqwe",
        "1q2w3e4r1q2w3e4r",
        "abc123abc123abc123",
        "aaaaaaaaaaaaaaaaaaaa",
        "1111111111111111",
    ],
)
def test_a_password_known_elsewhere_is_refused_offline_repeated_or_padded_too(bad):
    with pytest.raises(ValidationError, match="too common"):
        passwords.NotKnownElsewhere().validate(bad)


@pytest.mark.parametrize(
    "good",
    [
        "correct horse battery staple",
        "dragon teapot gravel moss",
        "sunshine in a jar of dust 7",
        "michaeljackson met my aunt",
        "zqxjkvbw zqxjkvbw zqxjkvbw",
        "zqxjkvbwzqxjkvb 2024!",
    ],
)
def test_a_password_that_only_holds_a_known_one_is_taken(good):
    passwords.NotKnownElsewhere().validate(good)


def test_a_very_long_password_is_looked_at_quickly():
    for long in ("a" * 100_000, "1" * 99_999 + "x", "ab" * 50_000 + "!" * 100_000):
        began = time.process_time()
        with suppress(ValidationError):
            passwords.NotKnownElsewhere().validate(long)
        assert time.process_time() - began < 1


def test_setting_a_password_asks_the_list(db):
    with pytest.raises(ValidationError, match="too common"):
        validate_password("polniypizdec0211")


@pytest.mark.parametrize("address", ["/sign-in/", "/password/new/", "/password/"])
def test_no_page_stands_in_the_way_of_pasting_a_password(address, staff, signed_in):
    html = signed_in(staff("clinician")).get(address).content.decode()
    assert 'type="password"' in html
    assert "onpaste" not in html
    assert "maxlength" not in html.partition('type="password"')[2].partition(">")[0]
