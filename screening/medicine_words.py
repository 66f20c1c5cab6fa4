"""The words of a line about medicines, and what each is beside a name: a dose, a form, a time, or nothing we know.

Only what is listed here may stand beside a name without keeping the case open. So "no", "allergic" and "instead of"
are not here, and neither are words that make another product of a name: "PM", "D", "plus", "severe".
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class Word:
    """A word, a number with its unit, or signs nobody expects. `before` is what stands between it and the last one."""

    text: str
    before: str

    @property
    def begins_piece(self) -> bool:
        return bool(re.search(r"[,;|•\n]", self.before))


class Kind(Enum):
    NAME = "the name of a medicine"
    NUMBER = "a dose or a count"
    FORM = "a form"
    SMALL = "a time, a way to take it, a small word"
    INJECTION = "a form that may be another medicine"
    JOINT = "joins what stands before and behind it"
    UNREAD = "not known"


_EXPECTED_SIGNS = re.escape(""".,;:!()[]-/\\&+*"#%•|~_‐‑‒–—−""")
_MARKS = "\u0300-\u036f"
_WORD = re.compile(rf"[0-9]+(?:[.,][0-9]+)*(?:[^\W\d_][{_MARKS}]*)*|(?:[^\W_][{_MARKS}]*)+|[^\w\s{_EXPECTED_SIGNS}]+")
_SPELLED_OUT = [
    (re.compile(r"[™℠®©]"), " "),
    (re.compile("[’‘ʼ`´]"), "'"),
    (re.compile("[●◦▪‣·]"), "•"),
    (re.compile(r"[\r\v\f\x85\u2028\u2029]"), "\n"),
    (re.compile("\u200b"), " "),
]
_ABBREVIATED = [
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile("'"), ""),
    (re.compile("\u2044"), "/"),
    (re.compile("@"), " at "),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/"), "with "),
    # "Tylenol No. 3" is a name with a number.
    (re.compile(r"\b(?:no\.?|number)\s*(?=[0-9]\b)"), "#"),
]


def fold(text: str) -> str:
    """One case, one form of each letter, one sign for each quote and bullet; letters of other scripts stay apart."""
    for pattern, plain in _SPELLED_OUT:
        text = pattern.sub(plain, text)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    for pattern, plain in _ABBREVIATED:
        text = pattern.sub(plain, text)
    return text


def words_of(line: str) -> list[Word]:
    folded, end, found = fold(line), 0, []
    for match in _WORD.finditer(folded):
        found.append(Word(match.group(), folded[end : match.start()]))
        end = match.end()
    return found


def normalise(text: str) -> str:
    """A name as it is compared: one case, no punctuation, single spaces."""
    return " ".join(word.text for word in words_of(text))


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNITS = word_set("""
    mg mgs mcg μg ug g gm gram grams milligram milligrams microgram micrograms ml cc iu unit units meq mmol percent x
    h hr hrs hour hours
""")
_NUMBER_WORDS = word_set("one two three four five six seven eight nine ten eleven twelve half single")
_FORMS = word_set("""
    tab tabs tablet tablets cap caps capsule capsules caplet caplets softgel softgels gelcap gelcaps pill pills
    patch patches gel cream ointment lotion foam drop drops spray sprays nasal inhaler inhalers nebulizer puff puffs
    liquid solution syrup suspension elixir film films strip strips suppository suppositories powder packet packets
    lozenge lozenges gummy gummies chewable chewables pen pens vial vials syringe syringes
    kwikpen flexpen flextouch solostar
""")
_SMALL = word_set("""
    er xr sr ir xl cr dr ec la cd xt sa od odt hfa diskus ellipta
    daily once twice thrice time times day days week weeks weekly month months year years hourly minute minutes
    nightly nights bedtime bed morning mornings evening evenings noon afternoon afternoons am
    breakfast lunch dinner supper meal meals
    every each per qd bid tid qid qhs qam qpm qod hs prn needed directed prescribed as when before after until since
    ago last past today yesterday tonight now currently still recently just sometimes occasionally usually regularly
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december jan feb mar apr jun jul aug sep sept oct nov dec
    i ive my a an the it of at in on by to for from is was been am are have had use used using
    take takes taking took taken start started low high dose doses dosage
    stop stopped stopping quit ended finished discontinued tapered tapering weaned off came went
    rx qty quantity refill refills sig disp dispense ndc mouth orally oral po sublingual sublingually sl buccal
    topical topically transdermal apply inhale instill place dissolve chew swallow
""")
# A second medicine in the list may be the same as an injection; `medicines` decides.
_INJECTION = word_set("""
    inject injects injecting injected injection injections injectable shot shots jab depot lai im iv subq sq
    subcutaneous subcutaneously intramuscular intramuscularly monthly long acting
""")
_INJECTIONS = word_set("injection injections injectable shot shots jab depot lai")
_JOINTS = word_set("and or with plus")
_OPENS_PIECE = word_set("and with plus")
# Only right behind a name: "sodium" alone may be the beginning of sodium oxybate.
_SALTS = word_set("""
    hydrochloride hcl hydrobromide hbr sodium maleate tartrate bitartrate succinate sulfate besylate mesylate dimesylate
    fumarate acetate citrate phosphate oxalate monohydrate trihydrate hyclate
""")
_NUMBER = re.compile(
    rf"[0-9][0-9.,]*(?:{'|'.join(_UNITS | word_set('xs st nd rd th day days week weeks') | _FORMS)})?"
    r"|x[0-9]+"
)
_FREQUENCY = re.compile(r"q(?:[1-9]|12|24|48|72)(?:h|hr|hrs)?")


def _phrases(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\S)(?:{'|'.join(patterns)})(?!\S)")


# Words that are something else on their own: "Tylenol 2 PM" is Tylenol PM, "every other day" no other medicine.
_SMALL_PHRASES = _phrases(
    r"at [0-9]{1,2}(?: [0-9]{2})? ?[ap]m",
    r"(?:in|every|each|q)(?: the)? [ap]m",
    r"am(?: and)? pm",
    r"(?:at|every|each|per|a|the|last|by|in|q|day|morning|noon)(?: and)? night",
    r"every other (?:day|night|week|morning|evening)",
    r"(?:if|as) (?:needed|directed|prescribed)",
    r"up to",
    r"x [0-9]+",
    r"(?:extra|regular) strength",
    r"over the counter",
    r"(?:extended|delayed|immediate|sustained|controlled|slow) release",
    r"on an empty stomach",
    r"with (?:food|water)",
    r"under (?:the |your )?tongue",
    r"(?:(?:in|into) )?(?:the )?(?:each|both|left|right|affected) (?:eye|eyes|ear|ears|nostril|nostrils)",
    r"im (?:on|taking|using|still|currently|now)",
)
_INJECTION_PHRASES = _phrases(
    r"(?:every|each|per|q|once a|once every)(?: (?:[0-9]+|other|two|three|four|six|eight))? (?:month|months|weeks)",
    r"under (?:the |your )?skin",
)


def kinds_of(words: list[Word], named: set[int]) -> list[Kind]:
    """What each word is, when those at the places `named` are the names of medicines."""
    kinds = [Kind.NAME if place in named else _alone(word) for place, word in enumerate(words)]
    _mark(kinds, words, _SMALL_PHRASES, Kind.SMALL)
    _mark(kinds, words, _INJECTION_PHRASES, Kind.INJECTION)
    beside_name = False
    for place, word in enumerate(words):
        beside_name &= word.text in _SALTS and not word.begins_piece
        if beside_name:
            kinds[place] = Kind.SMALL
        elif place and word.text in _UNITS and kinds[place - 1] is Kind.NUMBER:
            kinds[place] = Kind.NUMBER
        beside_name |= kinds[place] is Kind.NAME
    _check_pieces(kinds, words)
    _check_joints(kinds, words)
    return kinds


def is_ordinary(text: str) -> bool:
    """Whether a folded word is one that may stand beside a name, so that it is no name misspelt."""
    return _alone(Word(text, "")) is not Kind.UNREAD


def _alone(word: Word) -> Kind:
    if _NUMBER.fullmatch(word.text):
        # A numbered product ("#3") is another medicine than the one without its number; "#30" is how many.
        return Kind.UNREAD if len(word.text) == 1 and word.before.rstrip().endswith("#") else Kind.NUMBER
    for kind, texts in _KINDS.items():
        if word.text in texts:
            return kind
    return Kind.SMALL if _FREQUENCY.fullmatch(word.text) else Kind.UNREAD


_KINDS = {
    Kind.NUMBER: _NUMBER_WORDS,
    Kind.FORM: _FORMS,
    Kind.SMALL: _SMALL,
    Kind.INJECTION: _INJECTION,
    Kind.JOINT: _JOINTS,
}


def _mark(kinds: list[Kind], words: list[Word], phrases: re.Pattern[str], kind: Kind) -> None:
    """Every word that is part of a phrase is of this kind. No phrase holds a name."""
    starts, texts, position = [], [], 0
    for word, own in zip(words, kinds, strict=True):
        starts.append(position)
        texts.append("\0" if own is Kind.NAME else word.text)
        position += len(texts[-1]) + 1
    for match in phrases.finditer(" ".join(texts)):
        for place, start in enumerate(starts):
            if match.start() <= start < match.end():
                kinds[place] = kind


def _check_joints(kinds: list[Kind], words: list[Word]) -> None:
    """A joint needs something behind it, and "plus" another medicine: "Micardis plus" is not Micardis."""
    for place, kind in enumerate(kinds):
        if kind is Kind.JOINT:
            behind = kinds[place + 1] if place + 1 < len(kinds) else None
            joins = behind in (Kind.NAME, Kind.UNREAD) if words[place].text == "plus" else behind is not None
            kinds[place] = Kind.SMALL if joins else Kind.UNREAD


def _check_pieces(kinds: list[Kind], words: list[Word]) -> None:
    """A form without a name or a count is a medicine that is not named: "metformin and a pill", "…, a monthly shot".

    Behind a joint a count is not enough either, unless it goes on counting: "1 tablet at noon and 2 tablets at night".
    """
    counted: set[str] = set()
    for piece in _pieces(kinds, words):
        first = words[piece[0]]
        joined = first.text in _OPENS_PIECE or bool(re.search(r"[&+]", first.before))
        forms = {words[place].text.rstrip("s") for place in piece if kinds[place] is Kind.FORM}
        forms_counted = {
            words[place].text.rstrip("s")
            for place in piece
            if kinds[place] is Kind.FORM and place > piece[0] and kinds[place - 1] is Kind.NUMBER
        }
        unnamed = bool(forms - (forms_counted & counted if joined else forms_counted))
        unnamed |= any(words[place].text in _INJECTIONS for place in piece)
        if unnamed and not any(kinds[place] is Kind.NAME for place in piece):
            for place in piece:
                kinds[place] = Kind.UNREAD
        counted |= forms


def _pieces(kinds: list[Kind], words: list[Word]) -> list[list[int]]:
    """The places of a line, parted where a joint or a sign between two words begins something new."""
    pieces: list[list[int]] = []
    for place, word in enumerate(words):
        joint = kinds[place] is Kind.JOINT and word.text in _OPENS_PIECE
        if not pieces or joint or word.begins_piece or re.search(r"[&+]", word.before):
            pieces.append([])
        pieces[-1].append(place)
    return pieces
