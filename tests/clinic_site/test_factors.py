"""Codes from an app and recovery codes: used once, sealed, bound to their owner."""

import json
import re
import threading
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.utils import timezone

from clinic_site.accounts.adapters import FactorAdapter
from clinic_site.accounts.factors import (
    add_app,
    app_code,
    current_step,
    recovery_codes_left,
    replace_recovery_codes,
    seal_app_secret,
    use_app_code,
    use_recovery_code,
)
from clinic_site.encryption.cipher import CannotOpen
from clinic_site.encryption.small_secrets import open_secret, seal_secret
from tests.conftest import APP_SECRET, make_user

# RFC 6238, appendix B, SHA-1: the secret "12345678901234567890" and the last six of the eight digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]


@pytest.mark.parametrize(("seconds", "digits"), RFC_CODES)
def test_a_code_is_what_every_app_shows(seconds, digits):
    assert app_code(RFC_SECRET, seconds // 30) == digits


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_for_one_half_minute_more_on_either_side(staff, steps, taken):
    user = staff("clinician")
    add_app(user, APP_SECRET)
    assert use_app_code(user, app_code(APP_SECRET, current_step() + steps)) is taken


def test_a_clock_that_is_off_by_ninety_seconds_is_refused(staff, monkeypatch):
    user, now = staff("clinician"), timezone.now()
    add_app(user, APP_SECRET)
    shown = app_code(APP_SECRET, current_step())
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=90))
    assert not use_app_code(user, shown)


def test_a_code_works_once_and_none_before_it_any_more(staff):
    user = staff("clinician")
    add_app(user, APP_SECRET)
    now = current_step()
    assert use_app_code(user, app_code(APP_SECRET, now))
    assert not use_app_code(user, app_code(APP_SECRET, now))
    assert not use_app_code(user, app_code(APP_SECRET, now - 1))
    assert use_app_code(user, app_code(APP_SECRET, now + 1))


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "12 456", "\x00" * 6])
def test_what_is_no_code_is_refused(staff, typed):
    user = staff("clinician")
    add_app(user, APP_SECRET)
    assert not use_app_code(user, typed)


def in_parallel(act, times=4):
    """What each thread got when all began together."""
    start, got = threading.Barrier(times), []

    def run():
        try:
            start.wait()
            got.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


@pytest.mark.django_db(transaction=True)
def test_of_four_who_send_one_code_at_once_one_wins(clinic):
    user = make_user("clinician", clinic)
    add_app(user, APP_SECRET)
    code = app_code(APP_SECRET, current_step())
    assert sorted(in_parallel(lambda: use_app_code(user, code))) == [False, False, False, True]


@pytest.mark.django_db(transaction=True)
def test_of_four_who_send_one_recovery_code_at_once_one_wins(clinic):
    user = make_user("clinician", clinic)
    code = replace_recovery_codes(user)[0]
    assert sorted(in_parallel(lambda: use_recovery_code(user, code))) == [False, False, False, True]
    assert recovery_codes_left(user) == 9


def test_recovery_codes_are_ten_of_eighty_bits_and_replace_the_earlier_ones(staff):
    user = staff("clinician")
    old, new = replace_recovery_codes(user), replace_recovery_codes(user)
    assert len(set(new)) == 10
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in new)
    assert not use_recovery_code(user, old[0])
    assert use_recovery_code(user, new[0].upper().replace("-", " "))
    assert not use_recovery_code(user, new[0])


def test_a_code_of_somebody_else_is_refused(staff):
    mine, theirs = staff("clinician"), staff("clinician")
    replace_recovery_codes(mine)
    assert not use_recovery_code(mine, replace_recovery_codes(theirs)[0])


def test_the_database_holds_neither_a_secret_nor_a_recovery_code(staff):
    user = staff("clinician")
    add_app(user, APP_SECRET)
    codes = replace_recovery_codes(user)
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True))).lower()
    for secret in [APP_SECRET, *codes, *(code.replace("-", "") for code in codes)]:
        assert secret.lower() not in kept


def test_a_sealed_secret_copied_to_another_account_opens_nothing(staff):
    mine, theirs = staff("clinician"), staff("clinician")
    add_app(mine, APP_SECRET)
    add_app(theirs, APP_SECRET)
    Authenticator.objects.filter(user=theirs).update(data={"secret": seal_app_secret(mine, APP_SECRET), "step": 0})
    assert not use_app_code(theirs, app_code(APP_SECRET, current_step()))


@pytest.mark.parametrize("altered", ["purpose", "owner", "text"])
def test_a_small_secret_opens_only_as_it_was_sealed(staff, altered):
    user, other = staff("clinician"), staff("clinician")
    sealed = seal_secret("Geheimnis ü", purpose="one", owner=user.pk)
    assert open_secret(sealed, purpose="one", owner=user.pk) == "Geheimnis ü"
    changed = {
        "purpose": (sealed, "two", user.pk),
        "owner": (sealed, "one", other.pk),
        "text": (sealed[:-6] + ("AAAA==" if not sealed.endswith("AAAA==") else "BBBB=="), "one", user.pk),
    }
    text, purpose, owner = changed[altered]
    with pytest.raises(CannotOpen):
        open_secret(text, purpose=purpose, owner=owner)


def test_allauth_itself_can_write_no_secret_in_the_clear():
    with pytest.raises(NotImplementedError):
        FactorAdapter().encrypt("secret")
    with pytest.raises(NotImplementedError):
        FactorAdapter().decrypt("secret")
