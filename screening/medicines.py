"""Reading what people write about their medicines.

Exact names only: a spelling suggestion may raise a flag and never clears one.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rapidfuzz import fuzz, process

from clinic_site.publishing.documents import Entry, Problem

# Two names this alike (of 100) are offered as a suggestion; look-alikes score lower or stand under `never_confuse`.
_SUGGEST_FROM = 86
_MOST_REMEMBERED = 2000
_SPLIT = re.compile(r"[,;/+\n•]|\s&\s|\s-\s|\band\b|\bwith\b|\bplus\b")
_DOSE = re.compile(r"\b\d+(?:[.,]\d+)?\s*(?:mg|mcg|µg|ug|g|ml|iu|units?|%|mg/ml|meq|hours?|hrs?|h|x)?\b")
# A numbered product ("#3") is another medicine than the one without its number.
_NUMBERED = re.compile(r"#\s*\d")
_FILLER = frozenset(
    [
        "tab",
        "tabs",
        "tablet",
        "tablets",
        "cap",
        "caps",
        "capsule",
        "capsules",
        "pill",
        "pills",
        "patch",
        "patches",
        "gel",
        "cream",
        "ointment",
        "drops",
        "spray",
        "inhaler",
        "liquid",
        "solution",
        "syrup",
        "suspension",
        "film",
        "strip",
        "strips",
        "oral",
        "po",
        "sublingual",
        "sl",
        "er",
        "xr",
        "sr",
        "ir",
        "xl",
        "cr",
        "dr",
        "ec",
        "od",
        "odt",
        "hs",
        "daily",
        "once",
        "twice",
        "three",
        "four",
        "times",
        "a",
        "an",
        "the",
        "of",
        "day",
        "days",
        "night",
        "nightly",
        "bedtime",
        "at",
        "morning",
        "evening",
        "every",
        "each",
        "week",
        "weekly",
        "bid",
        "tid",
        "qid",
        "qd",
        "qhs",
        "qam",
        "qpm",
        "prn",
        "as",
        "needed",
        "when",
        "for",
        "per",
        "one",
        "two",
        "half",
        "in",
        "by",
        "mouth",
        "my",
        "some",
        "low",
        "dose",
        "high",
        "extended",
        "release",
        "hydrochloride",
        "hcl",
        "sodium",
        "hydrobromide",
        "maleate",
        "tartrate",
        "succinate",
        "sulfate",
        "i",
        "take",
        "taking",
        "on",
        "was",
        "am",
        "using",
    ]
)


@dataclass(frozen=True)
class Medicine:
    name: str
    names: tuple[str, ...]
    classes: frozenset[str]


@dataclass(frozen=True)
class Reading:
    """How one line is understood.

    Medicines named exactly, those only suggested by spelling, and what is left unread.
    """

    line: str
    exact: tuple[str, ...]
    suggested: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def recognised(self) -> bool:
        return bool(self.exact) and not self.suggested and not self.unread


@dataclass(frozen=True, eq=False)
class Lexicon:
    classes: Mapping[str, str]
    medicines: Mapping[str, Medicine]
    combinations: Mapping[str, tuple[str, ...]]
    never_confuse: frozenset[frozenset[str]]
    _read: dict[str, Reading] = field(default_factory=dict, repr=False)

    @classmethod
    def from_tree(cls, tree: Any, *, file: str, problems: list[Problem]) -> "Lexicon":
        """The lexicon that the file says; what is wrong in it is added to `problems`."""
        root = Entry.of(tree, file=file, name="", problems=problems)
        classes = {
            code: str(values.get("label", {}).get("en", code)) if isinstance(values, dict) else code
            for code, values in root.raw("classes", {}, required=True).items()
        }
        medicines = {}
        for entry in root.entries("medicines", "name", required=True):
            name = entry.string("name", required=True)
            own = entry.strings("classes")
            for unknown in set(own) - set(classes):
                entry.problem(f"the class '{unknown}' is not described under 'classes'")
            if normalise(name) in medicines:
                entry.problem("this medicine stands twice")
            names = (name, *entry.strings("brands"), *entry.strings("synonyms"))
            medicines[normalise(name)] = Medicine(name, names, frozenset(own))
            entry.done()
        combinations = {}
        for entry in root.entries("combinations", "brand"):
            parts = tuple(normalise(part) for part in entry.strings("ingredients", required=True))
            for part in parts:
                if part not in medicines:
                    entry.problem(f"the ingredient '{part}' is not among the medicines: add it")
            names = (entry.string("brand", required=True), *entry.strings("synonyms"))
            combinations.update({normalise(name): parts for name in names})
            entry.done()
        pairs = frozenset(frozenset(normalise(name) for name in pair) for pair in root.raw("never_confuse", []))
        root.done()
        return cls(classes, medicines, combinations, pairs)

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Every name people may write, to the generic names it stands for."""
        found = {normalise(name): (key,) for key, medicine in self.medicines.items() for name in medicine.names}
        return {**found, **self.combinations}

    def read(self, line: str) -> Reading:
        """How one line is understood. Nothing in it is dropped: what is not a known name or a dose is unread."""
        if line not in self._read:
            if len(self._read) >= _MOST_REMEMBERED:
                self._read.clear()
            self._read[line] = self._reading(line)
        return self._read[line]

    def _reading(self, line: str) -> Reading:
        exact: list[str] = []
        suggested: list[str] = []
        unread: list[str] = []
        whole = self._named(line)
        for piece in [line] if whole else filter(str.strip, _SPLIT.split(_folded(line))):
            if named := self._named(piece):
                exact += self.names[named]
            elif not (bare := _bare(piece)):
                continue
            elif similar := self._similar(bare):
                suggested += self.names[similar]
            else:
                unread.append(bare)
        if not (exact or suggested or unread):
            unread.append(line.strip())
        return Reading(line, tuple(dict.fromkeys(exact)), tuple(dict.fromkeys(suggested)), tuple(unread))

    def _named(self, piece: str) -> str | None:
        """The known name in a piece of a line: as written, else without its dose, else without words of form and
        frequency.

        The fuller text comes first, because "Tylenol #3" and "Abilify shot" are not Tylenol and Abilify.
        """
        if (whole := normalise(piece)) in self.names:
            return whole
        if _NUMBERED.search(piece):
            return None
        tries = (normalise(_DOSE.sub(" ", _folded(piece))), _bare(piece))
        return next((text for text in tries if text in self.names), None)

    def _similar(self, piece: str) -> str | None:
        found = (
            process.extractOne(piece, self.names.keys(), scorer=fuzz.ratio, score_cutoff=_SUGGEST_FROM)
            if len(piece) < 80
            else None
        )
        return found[0] if found and frozenset((piece, found[0])) not in self.never_confuse else None

    def classes_of(self, generic_names: Iterable[str]) -> frozenset[str]:
        return frozenset().union(*(self.medicines[name].classes for name in generic_names))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


def normalise(text: str) -> str:
    """A name as it is compared: one case, no punctuation, single spaces."""
    return " ".join(re.sub(r"[^\w\s]", " ", _folded(text).replace("'", "")).split())


def _bare(text: str) -> str:
    """A line without its doses, forms and frequencies."""
    words = normalise(_DOSE.sub(" ", _folded(text).replace("%", " "))).split()
    kept = [word for word in words if word not in _FILLER]
    return " ".join(kept)
