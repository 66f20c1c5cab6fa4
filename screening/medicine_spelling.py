"""Names that look like what was typed. What is found here raises a question and never answers one."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from rapidfuzz import fuzz, process

from screening.medicine_words import word_set

# Alikeness is that of rapidfuzz.fuzz.ratio, of 100. One wrong letter in five is 80.
_SUGGEST_FROM = 80
# A name this much less alike than the best one is suggested too, or a typo between two medicines would hide one.
_ABOUT_EQUAL = 6
# Of two names known to be confused, the other is suggested from further away.
_CONFUSED_ABOUT_EQUAL = 12
_LENGTHS = range(4, 41)
_MOST_REMEMBERED = 5000

# Words that people write beside a name and that look like one. They stay unread.
_NO_NAMES = word_set(
    """
    active another breathing chloride clean control dead depression head hydrochloride inhaler medication medications
    muscle normal pain prevent reaction restore room same score state sugar sulfa supplement supplements thyroid trial
    vision vitamin vitamins
    """
)

# Letters of other scripts, in lower case, that look like Latin ones.
_LOOK = str.maketrans(
    "авеёкмнорстухіїјѕһԁԛԝӏпиαβεικνορτυχηωıłøđħ",
    "abeekmhopctyxiijshdqwlnuabeikvoptuxnwilodh",
)


def as_it_looks(text: str) -> str:
    """The plain Latin text that this one looks like: without accents and letters of other scripts."""
    plain = unicodedata.normalize("NFKD", text.translate(_LOOK)).translate(_LOOK)
    return "".join(character for character in plain if not unicodedata.combining(character))


@dataclass(frozen=True, eq=False)
class Spelling:
    names: tuple[str, ...]
    never_confuse: frozenset[frozenset[str]]
    _found: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, names: Iterable[str], never_confuse: frozenset[frozenset[str]]) -> "Spelling":
        return cls(tuple(sorted(names)), never_confuse)

    def similar(self, text: str) -> tuple[str, ...]:
        """Every name about as much like the text as the most similar one, the most similar first."""
        plain = as_it_looks(text)
        if len(plain) not in _LENGTHS or plain in _NO_NAMES:
            return ()
        if plain not in self._found:
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[plain] = self._search(plain)
        return self._found[plain]

    def _search(self, plain: str) -> tuple[str, ...]:
        found = process.extract(
            plain,
            self._worth_comparing(plain),
            scorer=fuzz.ratio,
            score_cutoff=_SUGGEST_FROM - _ABOUT_EQUAL,
            limit=None,
        )
        best = max((score for _name, score, _index in found), default=0)
        if best < _SUGGEST_FROM:
            return ()
        scores = {name: score for name, score, _index in found if score >= best - _ABOUT_EQUAL}
        for other in {other for name in scores for other in self._confused_with.get(name, ())} - scores.keys():
            score = fuzz.ratio(plain, other)
            if score >= best - _CONFUSED_ABOUT_EQUAL:
                scores[other] = score
        return tuple(sorted(scores, key=lambda name: (-scores[name], name)))

    def _worth_comparing(self, plain: str) -> list[str]:
        """The names with two runs of three letters in common. A name that can reach the score has them."""
        shared = Counter(chain.from_iterable(self._names_with.get(run, ()) for run in _runs(plain)))
        return [name for name, count in shared.items() if count > 1]

    @cached_property
    def _names_with(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for name in self.names:
            for run in _runs(name):
                names.setdefault(run, []).append(name)
        return names

    @cached_property
    def _confused_with(self) -> dict[str, list[str]]:
        others: dict[str, list[str]] = {}
        for pair in self.never_confuse:
            for name in pair:
                others.setdefault(name, []).extend(pair - {name})
        return others


def _runs(text: str) -> set[str]:
    edged = f"^{text}$"
    return {edged[start : start + 3] for start in range(len(edged) - 2)}


def continuing(typed: str, rests: Iterable[str]) -> list[str]:
    """Those endings of longer names that were typed, begun ("cod" for codeine) or misspelt ("maintenna")."""
    if len(typed) < 3:
        return [rest for rest in rests if rest == typed]
    begun = [rest for rest in rests if rest.startswith(typed)]
    return begun or [rest for rest in rests if fuzz.ratio(typed, rest) >= _SUGGEST_FROM]
