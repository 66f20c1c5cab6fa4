"""Sealed values open in their own row only."""

import os
import uuid

import pytest

from clinic_site.encryption.cipher import CannotOpen, blind_index, derived_key, seal, unseal, wrap
from clinic_site.encryption.keyring import new_ring, ring

CLINIC, OTHER_CLINIC, ROW, OTHER_ROW = (uuid.UUID(int=number) for number in range(1, 5))
KEY_ID = uuid.UUID(int=9)


@pytest.fixture
def place():
    """Where a value is sealed: keyword arguments of `seal` and `unseal`."""
    wrapped = wrap(os.urandom(32), key_id=KEY_ID, clinic_id=CLINIC)
    return {"wrapped": wrapped, "key_id": KEY_ID, "clinic_id": CLINIC, "label": "a.field", "row_id": ROW}


@pytest.mark.parametrize("value", ["text", "", "שלום 🙂 \u202e", 0, 12.5, [], {"a": [1, None, True]}, "x" * 100_000])
def test_a_sealed_value_opens_where_it_was_sealed(place, value):
    assert unseal(seal(value, **place), **place) == value


def test_an_empty_field_stands_for_nothing_written():
    assert unseal(b"", wrapped=b"", key_id=KEY_ID, clinic_id=CLINIC, label="a.field", row_id=ROW) is None


def test_a_sealed_value_does_not_show_what_it_holds(place):
    assert b"walnuts" not in seal("walnuts " * 50, **place)


def test_the_same_value_is_never_sealed_to_the_same_bytes(place):
    assert len({seal("no", **place) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "moved",
    [{"row_id": OTHER_ROW}, {"clinic_id": OTHER_CLINIC}, {"label": "another.field"}, {"key_id": uuid.UUID(int=8)}],
)
def test_a_value_moved_elsewhere_does_not_open(place, moved):
    with pytest.raises(CannotOpen):
        unseal(seal("walnuts", **place), **{**place, **moved})


@pytest.mark.parametrize("position", [0, 5, 20, 30, -1])
def test_one_changed_byte_is_noticed(place, position):
    sealed = bytearray(seal("walnuts", **place))
    sealed[position] ^= 1
    with pytest.raises(CannotOpen):
        unseal(bytes(sealed), **place)


@pytest.mark.parametrize("length", [1, 16, 17, 28, 29, 40])
def test_a_value_cut_short_is_noticed(place, length):
    with pytest.raises(CannotOpen):
        unseal(seal("walnuts", **place)[:length], **place)


def test_a_data_key_of_another_record_does_not_open_it(place):
    other = wrap(os.urandom(32), key_id=KEY_ID, clinic_id=CLINIC)
    with pytest.raises(CannotOpen):
        unseal(seal("walnuts", **place), **{**place, "wrapped": other})


def test_another_master_key_opens_nothing(place, other_keys):
    sealed = seal("walnuts", **place)
    other_keys(new_ring())
    with pytest.raises(CannotOpen, match="master key"):
        unseal(sealed, **place)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Sam", "Sample"), (" sAM ", "SAMPLE")),
        (("José",), ("Jose\u0301",)),
        (("Anna Maria",), ("annamaria",)),
        (("STRASSE",), ("straße",)),
    ],
)
def test_a_blind_index_is_equal_for_the_same_name_written_otherwise(one, other):
    assert blind_index("name", CLINIC, *one) == blind_index("name", CLINIC, *other)


@pytest.mark.parametrize(
    ("purpose", "clinic", "parts"),
    [
        ("phone", CLINIC, ("Sam", "Sample")),
        ("name", OTHER_CLINIC, ("Sam", "Sample")),
        ("name", CLINIC, ("Sample", "Sam")),
        ("name", CLINIC, ("SamSample",)),
        ("name", CLINIC, ("Sam", "Sampl")),
    ],
)
def test_a_blind_index_differs_by_purpose_clinic_and_every_part(purpose, clinic, parts):
    assert blind_index(purpose, clinic, *parts) != blind_index("name", CLINIC, "Sam", "Sample")


def test_a_blind_index_can_not_be_made_without_the_key(other_keys):
    ours = blind_index("name", CLINIC, "Sam", "Sample")
    other_keys(new_ring())
    assert blind_index("name", CLINIC, "Sam", "Sample") != ours


def test_parts_of_a_blind_index_do_not_run_into_each_other():
    assert blind_index("name", CLINIC, "a|b", "c") != blind_index("name", CLINIC, "a", "b|c")


def test_each_purpose_has_a_key_of_its_own_that_stays():
    pepper = derived_key("password-pepper")
    assert len(pepper) == 32
    assert pepper == derived_key("password-pepper")
    assert len({pepper, derived_key("audit-chain"), ring().current, ring().derivation}) >= 3


@pytest.mark.parametrize("typed", ["JOSÉ", "jose", " Jos\u0065\u0301 "])
def test_a_name_is_found_without_its_capitals_and_accents(typed):
    assert blind_index("name", CLINIC, typed) == blind_index("name", CLINIC, "José")
    assert blind_index("name", CLINIC, typed) != blind_index("name", CLINIC, "Josef")
