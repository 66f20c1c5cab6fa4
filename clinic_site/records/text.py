"""One way to clean what people type, for patients and staff alike."""

import unicodedata

_CONTROLS_KEPT = {"\n", "\t", "\x00"}
# They turn the direction of whatever follows, also of words that are not their writer's. The marks that right-to-left
# keyboards type (U+200E, U+200F) turn nothing but the signs beside them, and stay.
_TURNS_DIRECTION = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def normalised(text: str) -> str:
    """Composed (NFC), with one kind of line end, without what can not be seen: controls, turned direction, halves of
    a character.

    A NUL stays, for the field to refuse: no database takes it, and to drop it could join two words.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in text if c in _CONTROLS_KEPT or not _is_unseen(c))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_unseen(character: str) -> bool:
    return character in _TURNS_DIRECTION or unicodedata.category(character) in ("Cc", "Cs")
