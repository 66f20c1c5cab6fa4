"""Sealed values open in their own row only."""

import os
import uuid

import pytest

from clinic_site.encryption.cipher import CannotOpen, blind_index, derived_key, seal, unseal, wrap, wrap_anew
from clinic_site.encryption.keyring import Ring, new_ring, ring

CLINIC, OTHER_CLINIC, ROW, OTHER_ROW = (uuid.UUID(int=number) for number in range(1, 5))
KEY_ID, OTHER_KEY_ID = uuid.UUID(int=9), uuid.UUID(int=8)

# "walnuts" and its data key as version 1 wrote them under the master key 00 01 … 1f: such rows are never written anew.
FIRST_MASTER, FIRST_DATA_KEY = bytes(range(32)), bytes(range(32, 64))
FIRST_WRAPPED = bytes.fromhex(
    "000102030405060708090a0b6723f438e1c0e43ca568bda09dc45642b3e7b507c44e694b005edfbe21543e8d0c3300a5b5597391cc523a1be1470835"
)
FIRST_SEALED = bytes.fromhex(
    "01000000000000000000000000000000096465666768696a6b6c6d6e6fcdf1ddf9907d3de6f17d89da8a071e6e9ac4241824ed8c23cff780a69aa4b10b6a"
)
MOVED = [{"row_id": OTHER_ROW}, {"clinic_id": OTHER_CLINIC}, {"label": "another.field"}, {"key_id": OTHER_KEY_ID}]


@pytest.fixture
def place():
    """Where a value is sealed: keyword arguments of `seal` and `unseal`."""
    wrapped = wrap(os.urandom(32), key_id=KEY_ID, clinic_id=CLINIC)
    return {"wrapped": wrapped, "key_id": KEY_ID, "clinic_id": CLINIC, "label": "a.field", "row_id": ROW}


@pytest.fixture
def first_place(place, other_keys):
    """Where the value of version 1 was sealed."""
    other_keys(Ring((FIRST_MASTER,), os.urandom(32)))
    return {**place, "wrapped": FIRST_WRAPPED}


def same_data_key_for(key_id: uuid.UUID) -> bytes:
    """The known data key under another id: whoever writes rows may do that, and every tag but the value's own fits."""
    return wrap(FIRST_DATA_KEY, key_id=key_id, clinic_id=CLINIC)


@pytest.mark.parametrize("value", ["text", "", "שלום 🙂 \u202e", 0, 12.5, [], {"a": [1, None, True]}, "x" * 100_000])
def test_a_sealed_value_opens_where_it_was_sealed(place, value):
    assert unseal(seal(value, **place), **place) == value


def test_an_empty_field_stands_for_nothing_written():
    assert unseal(b"", wrapped=b"", key_id=KEY_ID, clinic_id=CLINIC, label="a.field", row_id=ROW) is None


def test_a_sealed_value_does_not_show_what_it_holds(place):
    assert b"walnuts" not in seal("walnuts " * 50, **place)


def test_the_same_value_is_never_sealed_to_the_same_bytes(place):
    assert len({seal("no", **place) for _ in range(50)}) == 50


@pytest.mark.parametrize("moved", MOVED)
def test_a_value_moved_elsewhere_does_not_open(place, moved):
    with pytest.raises(CannotOpen):
        unseal(seal("walnuts", **place), **{**place, **moved})


class TestVersions:
    def test_a_value_of_the_first_version_opens_where_it_was_sealed(self, first_place):
        assert unseal(FIRST_SEALED, **first_place) == "walnuts"

    @pytest.mark.parametrize("moved", MOVED)
    def test_a_value_of_the_first_version_moved_elsewhere_does_not_open(self, first_place, moved):
        with pytest.raises(CannotOpen):
            unseal(FIRST_SEALED, **{**first_place, **moved})

    def test_what_is_sealed_now_is_of_the_second_version(self, first_place):
        assert seal("walnuts", **first_place)[:17] == b"\x02" + KEY_ID.bytes

    def test_a_value_does_not_open_as_one_of_another_version(self, first_place):
        second = seal("walnuts", **first_place)
        for swapped in (b"\x01" + second[1:], b"\x02" + FIRST_SEALED[1:], b"\x03" + second[1:]):
            with pytest.raises(CannotOpen):
                unseal(swapped, **first_place)

    def test_a_value_does_not_open_under_the_id_of_another_key_even_with_the_same_data_key(self, first_place):
        sealed = seal("walnuts", **first_place)
        renamed = sealed[:1] + OTHER_KEY_ID.bytes + sealed[17:]
        elsewhere = {**first_place, "key_id": OTHER_KEY_ID, "wrapped": same_data_key_for(OTHER_KEY_ID)}
        with pytest.raises(CannotOpen, match="altered"):
            unseal(renamed, **elsewhere)
        back = elsewhere | {"key_id": KEY_ID, "wrapped": same_data_key_for(KEY_ID)}
        with pytest.raises(CannotOpen, match="altered"):
            unseal(b"\x02" + KEY_ID.bytes + seal("walnuts", **elsewhere)[17:], **back)

    def test_a_data_key_wrapped_anew_opens_values_of_both_versions(self, first_place):
        second = seal("walnuts", **first_place)
        anew = {**first_place, "wrapped": wrap_anew(FIRST_WRAPPED, key_id=KEY_ID, clinic_id=CLINIC)}
        assert anew["wrapped"] != FIRST_WRAPPED
        assert unseal(FIRST_SEALED, **anew) == unseal(second, **anew) == "walnuts"

    def test_a_wrapped_data_key_does_not_open_as_one_of_another_version(self, first_place):
        anew = wrap_anew(FIRST_WRAPPED, key_id=KEY_ID, clinic_id=CLINIC)
        for swapped in (anew[1:], b"\x02" + FIRST_WRAPPED, b"\x01" + anew[1:], anew[:1], b"", anew + b"\0"):
            with pytest.raises(CannotOpen):
                unseal(FIRST_SEALED, **{**first_place, "wrapped": swapped})


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
