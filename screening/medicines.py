"""Reading what people write about their medicines.

Exact names only: a spelling suggestion may raise a flag and never clears one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from clinic_site.publishing.documents import Entry, Problem
from screening.medicine_spelling import Spelling, continuing
from screening.medicine_words import Kind, Word, is_ordinary, kinds_of, normalise, words_of

_MOST_REMEMBERED = 2000
# Looking for similar names is what takes time in a long text that nobody knows. What lies beyond is left unread.
_MOST_SEARCHES_A_LINE = 16
_MOST_WORDS_MISSPELLED = 3
_INJECTIONS = frozenset(["injection", "shot", "long acting"])


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
        return _LexiconFile(Entry.of(tree, file=file, name="", problems=problems)).lexicon()

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Every name people may write, to the generic names it stands for."""
        found = {normalise(name): (key,) for key, medicine in self.medicines.items() for name in medicine.names}
        return {**found, **self.combinations}

    @cached_property
    def _spelling(self) -> Spelling:
        return Spelling.of(self.names, self.never_confuse)

    @cached_property
    def _longest_name_by_first_word(self) -> dict[str, int]:
        longest: dict[str, int] = {}
        for name in self.names:
            words = name.split()
            longest[words[0]] = max(len(words), longest.get(words[0], 0))
        return longest

    @cached_property
    def _small_names(self) -> frozenset[str]:
        """Names that are also said of another medicine and raise nothing: "One A Day"."""
        return frozenset(
            name
            for name, generics in self.names.items()
            if Kind.UNREAD not in kinds_of(words_of(name), set()) and not self.classes_of(generics)
        )

    @cached_property
    def _rests(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """What makes another medicine of a generic: (the words behind one of its names, the whole name)."""
        rests: dict[str, list[tuple[str, str]]] = {}
        for name, generics in self.names.items():
            words = name.split()
            for length in range(1, len(words)):
                shorter = self.names.get(" ".join(words[:length]), ())
                if len(shorter) == 1 and set(generics) != set(shorter):
                    rests.setdefault(shorter[0], []).append((" ".join(words[length:]), name))
        return {generic: tuple(sorted(pairs)) for generic, pairs in rests.items()}

    def classes_of(self, generic_names: Iterable[str]) -> frozenset[str]:
        return frozenset().union(*(self.medicines[name].classes for name in generic_names))

    def read(self, line: str) -> Reading:
        """How one line is understood. Nothing in it is dropped: what is not a known name or a dose is unread."""
        if line not in self._read:
            if len(self._read) >= _MOST_REMEMBERED:
                self._read.clear()
            self._read[line] = self._reading(line)
        return self._read[line]

    def _reading(self, line: str) -> Reading:
        words = words_of(line)
        whole = self.names.get(" ".join(word.text for word in words), ())
        found = self._named(words)
        named = {place for start, end, _name in found for place in range(start, end)}
        exact = tuple(dict.fromkeys(generic for _start, _end, name in found for generic in self.names[name]))
        # One name with commas in it, unless its parts raise more: "Cipro, eye drops" may be tablets and drops.
        if whole and self.classes_of(exact) <= self.classes_of(whole):
            return Reading(line, whole, (), ())
        kinds = kinds_of(words, named)
        further = self._further(words, kinds, exact)
        suggested, unread = self._guessed(_chunks(words, kinds))
        if not exact and not suggested:
            unread = [line.strip()]
        return Reading(line, exact, tuple(dict.fromkeys((*further, *suggested))), tuple(unread))

    def _named(self, words: list[Word]) -> list[tuple[int, int, str]]:
        """Known names from left to right, each as (start, end, name).

        The longest come first: "Tylenol #3" and "Abilify shot" are not Tylenol and Abilify.
        """
        found: list[tuple[int, int, str]] = []
        for place in range(len(words)):
            name = next(self._names_at(words, place), None)
            end = place + len(name.split()) if name else 0
            # A name inside a longer one is not meant; two that share a word may both be.
            if name and (not found or end > found[-1][1]):
                found.append((place, end, name))
        sure = [item for item in found if item[2] not in self._small_names]
        return sure or found

    def _names_at(self, words: list[Word], start: int) -> Iterator[str]:
        longest = self._longest_name_by_first_word.get(words[start].text, 0)
        for end in range(min(len(words), start + longest), start, -1):
            if any(word.begins_piece for word in words[start + 1 : end]):
                continue
            name = " ".join(word.text for word in words[start:end])
            if name in self.names and not _is_count(words, end):
                yield name

    def _further(self, words: list[Word], kinds: list[Kind], exact: tuple[str, ...]) -> list[str]:
        """Medicines that a word elsewhere in the line may make of those named: "Abilify 400 mg shot", "Tylenol 500 PM".

        That word is unread then, though it may be a form or a month elsewhere: "Haldol 50 mg dec" is the decanoate.
        """
        rests = {rest: name for known in exact for rest, name in self._rests.get(known, ())}
        further: list[str] = []
        for place, kind in enumerate(kinds):
            fitting: Iterable[str] = ()
            if kind is Kind.INJECTION:
                fitting = _INJECTIONS.intersection(rests)
            elif kind is Kind.UNREAD:
                fitting = continuing(words[place].text, rests)
            elif kind in (Kind.FORM, Kind.SMALL) and len(words[place].text) > 1 and is_ordinary(words[place].text):
                fitting = {words[place].text}.intersection(rests)
            found = [generic for rest in sorted(fitting) for generic in self.names[rests[rest]] if generic not in exact]
            if found:
                further += found
                kinds[place] = Kind.UNREAD
        return further

    def _guessed(self, chunks: list[list[str]]) -> tuple[list[str], list[str]]:
        """The medicines that the chunks look like, and those parts of them that look like none."""
        suggested: list[str] = []
        unread: list[str] = []
        searches = 0
        for chunk in chunks:
            left: list[str] = []
            while chunk:
                similar: tuple[str, ...] = ()
                length = 0
                for length in range(min(len(chunk), _MOST_WORDS_MISSPELLED), 0, -1):
                    if searches < _MOST_SEARCHES_A_LINE and not any(map(is_ordinary, chunk[:length])):
                        searches += 1
                        similar = self._spelling.similar(" ".join(chunk[:length]))
                    if similar:
                        break
                if similar:
                    suggested += [generic for name in similar for generic in self.names[name]]
                    unread += [" ".join(left)] if left else []
                    left, chunk = [], chunk[length:]
                else:
                    left, chunk = [*left, chunk[0]], chunk[1:]
            unread += [" ".join(left)] if left else []
        return suggested, unread


def _is_count(words: list[Word], end: int) -> bool:
    """Whether the number before `end` says how often or how much: "Tylenol 3 times a day" is not Tylenol #3."""
    number, behind = words[end - 1], words[end : end + 3]
    if not behind or not number.text.isdigit() or "#" in number.before:
        return False
    if behind[0].text in ("or", "to"):
        behind = behind[2:]
    elif behind[0].text.isdigit() and behind[0].before.strip() in ("-", "–"):
        behind = behind[1:]
    return bool(behind) and behind[0].text in ("times", "x", "mg", "mcg", "ml")


def _chunks(words: list[Word], kinds: list[Kind]) -> list[list[str]]:
    """What is left unread, words that stand side by side together."""
    chunks: list[list[str]] = []
    last = -2
    for place, (word, kind) in enumerate(zip(words, kinds, strict=True)):
        if kind is Kind.UNREAD:
            if place != last + 1 or word.begins_piece:
                chunks.append([])
            chunks[-1].append(word.text)
            last = place
    return chunks


@dataclass
class _LexiconFile:
    """Reads medicines.yaml entry by entry. `owners` says which entry has a name already."""

    root: Entry
    owners: dict[str, Entry] = field(default_factory=dict)

    def lexicon(self) -> Lexicon:
        self.root.raw("classes", required=True)
        classes = {str(code): self._label(str(code), values) for code, values in self.root.mapping("classes").items()}
        medicines = dict(
            self._medicine(entry, classes) for entry in self.root.entries("medicines", "name", required=True)
        )
        combinations: dict[str, tuple[str, ...]] = {}
        for entry in self.root.entries("combinations", "brand"):
            combinations |= self._combination(entry, medicines)
        lexicon = Lexicon(classes, medicines, combinations, self._never_confuse())
        self.root.done()
        return lexicon

    def _label(self, code: str, values: Any) -> str:
        entry = Entry.of(values, file=self.root.file, name=f"classes: {code}", problems=self.root.problems)
        label = entry.text("label", ["en"], required=True)
        entry.done()
        return label.get("en", code)

    def _medicine(self, entry: Entry, classes: Mapping[str, str]) -> tuple[str, Medicine]:
        name = entry.string("name", required=True)
        own = entry.strings("classes")
        for unknown in sorted(set(own) - set(classes)):
            entry.problem(f"the class '{unknown}' is not described under 'classes'")
        names = (name, *entry.strings("brands"), *entry.strings("synonyms"))
        owner = self.owners.get(normalise(name))
        if owner and normalise(owner.name) == normalise(name):
            entry.problem("this medicine stands twice")
        else:
            self._own(entry, names)
        entry.done()
        return normalise(name), Medicine(name, names, frozenset(own))

    def _combination(self, entry: Entry, medicines: Mapping[str, Medicine]) -> dict[str, tuple[str, ...]]:
        parts = tuple(normalise(part) for part in entry.strings("ingredients", required=True))
        if not parts and entry.raw("ingredients") == []:
            entry.problem("'ingredients' is empty: name every ingredient, or the combination would raise nothing")
        for part in parts:
            if part not in medicines:
                entry.problem(f"the ingredient '{part}' is not among the medicines: add it")
        names = (entry.string("brand", required=True), *entry.strings("synonyms"))
        self._own(entry, names)
        entry.done()
        return {normalise(name): parts for name in names}

    def _own(self, entry: Entry, names: tuple[str, ...]) -> None:
        for name in filter(None, names):
            key = normalise(name)
            if not key:
                entry.problem(f"the name '{name}' has no letter or digit that can be compared")
            elif (owner := self.owners.setdefault(key, entry)) is not entry:
                entry.problem(f"the name '{name}' belongs to '{owner.name}' already: keep it in one place")

    def _never_confuse(self) -> frozenset[frozenset[str]]:
        pairs = set()
        listed = self.root.raw("never_confuse", [])
        for pair in listed if isinstance(listed, list) else [listed]:
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)):
                self.root.problem(f"'never_confuse' must hold pairs of names, not {pair}")
                continue
            for name in pair:
                if normalise(name) not in self.owners:
                    self.root.problem(f"never_confuse: '{name}' is not in the list: add the medicine, or drop the pair")
            pairs.add(frozenset(normalise(name) for name in pair))
        return frozenset(pairs)
