"""The key file: what may stand in it, who may read it, and what a running process does when it goes away."""

import base64
import os
import stat
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from clinic_site.encryption import checks
from clinic_site.encryption.cipher import CannotOpen, blind_index, derived_key, seal, unseal, wrap
from clinic_site.encryption.keyring import Ring, fingerprint, new_ring, parse, ring
from tests.clinic_site.test_encryption import CLINIC, KEY_ID, ROW


def bare(key: bytes) -> bytes:
    return base64.b64encode(key)


def place(wrapped: bytes) -> dict:
    return {"wrapped": wrapped, "key_id": KEY_ID, "clinic_id": CLINIC, "label": "a.field", "row_id": ROW}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can not be read"),
        (b"not base64!", "can not be read as base64"),
        (b"master not-base64!", "can not be read as base64"),
        (base64.b64encode(b"short"), "must hold 32 bytes"),
        (b"", "must hold 32 bytes"),
        (base64.b64encode(bytes(32)), "holds a key that is not random"),
        (base64.b64encode(b"passwordpasswordpasswordpassword"), "holds a key that is not random"),
        (b"master " + bare(bytes(range(32))), "must hold at least one master key and exactly one derivation"),
        (b"derivation " + bare(bytes(range(32))), "must hold at least one master key"),
        (bare(bytes(range(32))) + b"\nderivation " + bare(bytes(range(1, 33))), "exactly one derivation key"),
        (b"\n".join([b"derivation " + bare(bytes(range(32))), *[b"master " + bare(bytes(range(32)))] * 2]), "twice"),
    ],
)
def test_a_wrong_key_file_is_told_by_the_name_of_the_setting(settings, tmp_path, content, message):
    path = tmp_path / "master.key"
    if content is not None:
        path.write_bytes(content)
    settings.MASTER_KEY_FILE = str(path)
    with pytest.raises(ImproperlyConfigured, match=f"MASTER_KEY_FILE {message}|MASTER_KEY_FILE .*{message}"):
        ring()
    assert [error.id for error in checks.secrets_are_set()] == ["clinic.E002"]


def test_a_missing_setting_is_told_by_its_name(settings):
    settings.MASTER_KEY_FILE = ""
    with pytest.raises(ImproperlyConfigured, match="MASTER_KEY_FILE is not set"):
        ring()


@pytest.mark.parametrize("secret", ["short", "django-insecure-0123456789abcdefghijklmnop", "a" * 50, "ab" * 30])
@pytest.mark.parametrize("where", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
def test_a_weak_signing_key_stops_the_start(settings, where, secret):
    setattr(settings, where, secret if where == "SECRET_KEY" else [secret])
    assert [(error.id, error.msg.split()[0]) for error in checks.secrets_are_set()] == [("clinic.E001", where)]


def test_the_keys_of_the_tests_themselves_pass_every_check():
    assert checks.secrets_are_set() + checks.keys_are_closed_to_others() == []


@pytest.mark.parametrize(("mode", "refused"), [(0o400, 0), (0o600, 0), (0o440, 0), (0o644, 1), (0o604, 1), (0o660, 1)])
def test_a_key_file_that_others_can_read_stops_the_start(other_keys, mode, refused):
    other_keys(new_ring()).chmod(mode)
    assert [error.id for error in checks.keys_are_closed_to_others()] == ["clinic.E007"] * refused


def test_the_file_of_earlier_versions_opens_the_same_and_finds_the_same_after_rotation(settings, tmp_path, other_keys):
    old = os.urandom(32)
    path = tmp_path / "old.key"
    path.write_bytes(bare(old) + b"\n")
    settings.MASTER_KEY_FILE = str(path)
    here = place(wrap(os.urandom(32), key_id=KEY_ID, clinic_id=CLINIC))
    sealed, index, pepper = seal("walnuts", **here), blind_index("name", CLINIC, "Sam"), derived_key("password-pepper")
    other_keys(ring().with_new_master())
    assert ring().current != old
    assert unseal(sealed, **here) == "walnuts"
    assert (blind_index("name", CLINIC, "Sam"), derived_key("password-pepper")) == (index, pepper)


def test_a_new_file_keeps_the_derivation_key_apart_from_the_master_key():
    fresh = new_ring()
    assert fresh.derivation not in fresh.masters
    assert parse(fresh.to_text().encode(), setting="X") == fresh


def test_what_the_new_master_key_wraps_the_older_one_does_not_open(other_keys):
    both = new_ring().with_new_master()
    other_keys(both)
    here = place(wrap(os.urandom(32), key_id=KEY_ID, clinic_id=CLINIC))
    sealed = seal("walnuts", **here)
    other_keys(Ring(both.masters[1:], both.derivation))
    with pytest.raises(CannotOpen):
        unseal(sealed, **here)
    other_keys(both.without_older())
    assert unseal(sealed, **here) == "walnuts"


def test_a_process_follows_the_file_as_soon_as_it_is_written_anew(other_keys):
    first, second = new_ring(), new_ring()
    other_keys(first)
    assert ring() == first
    other_keys(second)
    assert ring() == second


@pytest.mark.parametrize("damage", ["gone", "emptied"])
def test_a_running_process_keeps_its_keys_when_the_file_goes_away(other_keys, damage, caplog):
    path = other_keys(new_ring())
    here = place(wrap(os.urandom(32), key_id=KEY_ID, clinic_id=CLINIC))
    sealed = seal("walnuts", **here)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"")
    assert unseal(sealed, **here) == unseal(seal("walnuts", **here), **here) == "walnuts"
    assert [r.message.split(".")[0] for r in caplog.records] == ["MASTER_KEY_FILE can not be read any more"]


@pytest.mark.parametrize("separator", ["\n", ","])
def test_the_keys_may_stand_in_a_variable_instead(settings, separator):
    keys = new_ring().with_new_master()
    settings.MASTER_KEY_FILE, settings.MASTER_KEY = "", keys.to_text().replace("\n", separator).strip(separator)
    assert ring() == keys
    assert checks.keys_are_closed_to_others() == []


def test_two_places_for_the_keys_stop_the_start(settings, other_keys):
    other_keys(new_ring())
    settings.MASTER_KEY = new_ring().to_text()
    assert [error.id for error in checks.keys_are_closed_to_others()] == ["clinic.E007"]


def test_create_writes_a_closed_file_once_and_prints_no_key(settings, tmp_path):
    path, out = tmp_path / "new.key", StringIO()
    call_command("keys", "create", str(path), stdout=out)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.read_bytes()
    keys = parse(written, setting="X")
    assert not any(word in out.getvalue() for line in written.decode().splitlines() for word in line.split()[1:])
    with pytest.raises(CommandError, match="is there already"):
        call_command("keys", "create", str(path))
    assert path.read_bytes() == written
    assert os.listdir(tmp_path) == ["new.key"]
    assert len({fingerprint(key) for key in (*keys.masters, keys.derivation)}) == 2


def test_a_ring_does_not_show_its_keys_when_printed():
    keys = new_ring()
    assert keys.current.hex() not in repr(keys) + str(keys)
    assert repr(keys.current) not in repr(keys)
