"""What people really type about their medicines, and what noise around a name may never do."""

import random
import time

import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from screening.medicine_spelling import Spelling
from screening.medicine_words import normalise, word_set
from screening.medicines import Lexicon
from screening.rules import RuleSet
from tests.conftest import shipped_rule_set
from tests.safety.people import bound_facts
from tests.screening.tiny import tree

LEXICON: Lexicon = shipped_rule_set().lexicon
NAMES = sorted(LEXICON.names)
FLAGGED = [name for name in NAMES if LEXICON.classes_of(LEXICON.names[name])]
# A property that fails prints the line and this seed, so that the run can be repeated.
SEED = 20261123
LONG_ACTING = ["Abilify", "Risperdal", "Invega", "Zyprexa", "Haldol", "fluphenazine"]


def read(line):
    return LEXICON.read(line)


def classes(line):
    """Every class that the line raises, surely or by spelling."""
    reading = read(line)
    return LEXICON.classes_of((*reading.exact, *reading.suggested))


def is_clean(line):
    return read(line).recognised and not classes(line)


@pytest.mark.parametrize(
    ("line", "generics"),
    [
        ("nardil 15MG tabs BID", {"phenelzine"}),
        ("Nardil 7.5mg, 1/2 tablet by mouth at bedtime as needed", {"phenelzine"}),
        ("stopped Nardil last week", {"phenelzine"}),
        ("quit taking Xanax 3 days ago", {"alprazolam"}),
        ("Nardil (stopped in March)", {"phenelzine"}),
        ("I'm on Abilify 5 mg every night", {"aripiprazole"}),
        ("Im taking Abilify", {"aripiprazole"}),
        ("used to take Xanax, now on Valium", {"alprazolam", "diazepam"}),
        ("Prozac (fluoxetine) 20 mg", {"fluoxetine"}),
        ("Prozac 20; Xanax 0.5\nNardil 15", {"fluoxetine", "alprazolam", "phenelzine"}),
        ("• Prozac • Xanax", {"fluoxetine", "alprazolam"}),
        ("amlodipine 5 mg/benazepril 10mg", {"amlodipine", "benazepril"}),
        ("Nardil plus Xanax", {"phenelzine", "alprazolam"}),
        ("Tylenol w/ codeine", {"acetaminophen", "codeine"}),
        ("Tylenol No. 3", {"acetaminophen", "codeine"}),
        ("Tylenol 3", {"acetaminophen", "codeine"}),
        ("Tylenol 3 times a day", {"acetaminophen"}),
        ("Tylenol 3-4 times a day", {"acetaminophen"}),
        ("Tylenol #3 times a day", {"acetaminophen", "codeine"}),
        ("Tylenol at 8:30 PM", {"acetaminophen"}),
        ("Advil Cold & Sinus every 6 hours", {"ibuprofen", "pseudoephedrine"}),
        ("Claritin-D 12 hour", {"loratadine", "pseudoephedrine"}),
        ("ProAir HFA inhaler, 2 puffs every 4 hours", {"albuterol"}),
        ("Flonase, 1 spray in each nostril daily", {"fluticasone"}),
        ("Vivitrol shot every 4 weeks", {"naltrexone"}),
        ("montelukast sodium 10 mg", {"montelukast"}),
        ("Xanax™ 0.5 mg", {"alprazolam"}),
        ("metformin 1 tablet in the morning and 1 tablet at night", {"metformin"}),
        ("GABAPENTIN 300MG CAPSULES TAKE 1 CAPSULE BY MOUTH 3 TIMES DAILY QTY 90 REFILLS 2 RX# 123456", {"gabapentin"}),
        ("One A Day", {"multivitamin"}),
        ("metformin one a day", {"metformin"}),
    ],
)
def test_a_name_is_read_through_dose_form_time_and_what_a_pharmacy_prints(line, generics):
    reading = read(line)
    assert (set(reading.exact), reading.suggested, reading.unread) == (generics, (), ())


@pytest.mark.parametrize(
    ("line", "generic", "left"),
    [
        ("no Xanax", "alprazolam", "no"),
        ("not taking Nardil", "phenelzine", "not"),
        ("I don't take Nardil", "phenelzine", "dont"),
        ("never had Nardil", "phenelzine", "never"),
        ("allergic to codeine", "codeine", "allergic"),
        ("without Xanax", "alprazolam", "without"),
        ("w/o Xanax", "alprazolam", "without"),
        ("metformin instead of Nardil", "phenelzine", "instead"),
        ("🚫 Nardil", "phenelzine", "🚫"),
        ("Nardil?", "phenelzine", "?"),
    ],
)
def test_a_negation_is_not_understood_so_the_class_is_raised_and_the_case_stays_open(line, generic, left):
    reading = read(line)
    assert generic in reading.exact
    assert reading.unread == (left,)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("metformin, zzqx", "zzqx"),
        ("metformin for sleep", "sleep"),
        ("metformin 💊", "💊"),
        ("metformin ???", "???"),
        ("metformin and a pill", "and a pill"),
        ("metformin and one pill at night", "and one pill at night"),
        ("metformin, water pill", "water pill"),
        ("metformin, monthly shot", "monthly shot"),
        ("metformin, my inhaler", "my inhaler"),
        ("metformin, sodium", "sodium"),
        ("metformin #3", "3"),
        ("metformin and", "and"),
        ("metformin etc", "etc"),
        ("metformin and others", "others"),
        ("metformin no 10 mg", "no"),
        ("telmisartan plus 80 mg", "plus"),
        ("LISINOPRIL 10MG TABLETS TAKE 1 TABLET BY MOUTH EVERY DAY QTY 30 REFILLS 2 RX# 123456 Dr. Example", "example"),
    ],
)
def test_what_is_no_name_dose_form_or_time_is_unread_and_keeps_the_line_open(line, left):
    reading = read(line)
    assert len(reading.exact) == 1
    assert left in reading.unread
    assert not reading.recognised


@pytest.mark.parametrize(
    "line",
    [
        "1==1 || true",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "'; DROP TABLE cases; --",
        "<b>qq</b>",
        "🙂",
        "1 tablet",
        "222",
        "sodium",
        "none",
        "N/A",
        "the blue one",
        "\x00\x07",
        "\u200b",
        "x" * 2000,
        "zz qq " * 330,
        "💊" * 2000,
        "Xanax" * 400,
    ],
)
def test_a_line_that_names_nothing_is_kept_whole_and_open(line):
    reading = read(line)
    assert (reading.exact, reading.unread) == ((), (line.strip(),))
    facts = bound_facts({"medicines_as_typed": [line]})
    assert facts["medicine_unrecognized"] == "yes"
    assert not [name for name in facts if name.startswith("takes_")]


def test_a_name_at_the_end_of_2_000_characters_is_still_read():
    reading = read("zzqx " * 400 + "Nardil")
    assert reading.exact == ("phenelzine",)
    assert not reading.recognised


@pytest.mark.parametrize(
    ("line", "generic"),
    [
        ("Хаnах", "alprazolam"),
        ("ХАNАХ 1 mg", "alprazolam"),
        ("Ｎаrdil", "phenelzine"),
        ("Lévothyroxine", "levothyroxine"),
        ("LİSİNOPRİL", "lisinopril"),
        ("Xa\u200bnax", "alprazolam"),
        ("0xycodone", "oxycodone"),
        ("oxycodοne", "oxycodone"),
        ("Xanex", "alprazolam"),
        ("Prozak", "fluoxetine"),
        ("well butrin xl", "bupropion"),
        ("sodium oxybat", "sodium oxybate"),
        ("metformin sodium oxybat", "sodium oxybate"),
        ("blue phenelzin for mood", "phenelzine"),
    ],
)
def test_a_look_alike_in_letters_or_spelling_is_suggested_and_never_sure(line, generic):
    reading = read(line)
    assert generic in reading.suggested
    assert generic not in reading.exact
    assert not reading.recognised


@pytest.mark.parametrize(
    ("line", "generics"),
    [
        ("lamicil", {"lamotrigine", "terbinafine"}),
        ("zanax", {"alprazolam", "ranitidine"}),
        ("hydroxalazine", {"hydroxyzine", "hydralazine"}),
        ("selegraline", {"selegiline", "sertraline"}),
        ("fruoxetine", {"fluoxetine", "duloxetine", "paroxetine"}),
    ],
)
def test_a_typo_between_two_names_suggests_both(line, generics):
    reading = read(line)
    assert generics <= set(reading.suggested)
    assert not reading.exact


PAIRS = sorted(sorted(pair) for pair in LEXICON.never_confuse)


def test_a_comma_parts_a_name_only_where_the_parts_do_not_raise_more():
    assert read("calcium, magnesium, potassium, and sodium oxybates").recognised
    lexicon = RuleSet.from_tree(
        tree(
            medicines={
                "classes": {"maoi": {"label": {"en": "MAOI"}}},
                "medicines": [{"name": "cipro", "classes": ["maoi"]}, {"name": "cipro eye drops"}],
            }
        )
    ).lexicon
    assert lexicon.read("cipro eye drops").recognised
    assert lexicon.read("cipro, eye drops").exact == ("cipro",)
    assert not lexicon.read("cipro, eye drops").recognised


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=[" and ".join(pair) for pair in PAIRS])
def test_names_that_are_confused_are_read_as_themselves_and_a_mix_suggests_both(one, other):
    for name in (one, other):
        reading = read(f"{name} 10 mg daily")
        assert reading.exact == tuple(dict.fromkeys(LEXICON.names[name]))
        assert reading.recognised
    spelling = Spelling.of(NAMES, LEXICON.never_confuse)
    for cut in range(1, min(len(one), len(other))):
        for between in {one[:cut] + other[cut:], other[:cut] + one[cut:]} - LEXICON.names.keys():
            assert not read(between).recognised
            similar = spelling.similar(between)
            for name, partner in ((one, other), (other, one)):
                if name in similar and fuzz.ratio(between, partner) >= fuzz.ratio(between, similar[0]) - 12:
                    assert partner in similar, between


def test_two_names_equally_close_are_both_suggested_in_one_order():
    spelling = Spelling.of(["abcdefgh", "abcdxfgh"], frozenset())
    assert spelling.similar("abcdyfgh") == ("abcdefgh", "abcdxfgh")
    assert Spelling.of(["abcdxfgh", "abcdefgh"], frozenset()).similar("abcdyfgh") == ("abcdefgh", "abcdxfgh")


def test_a_name_that_is_confused_is_suggested_from_further_away_than_any_other():
    pair = frozenset({frozenset({"xanax", "zantac"})})
    assert Spelling.of(["xanax", "zantac"], pair).similar("zanax") == ("xanax", "zantac")
    assert Spelling.of(["xanax", "zantac"], frozenset()).similar("zanax") == ("xanax",)


@pytest.mark.parametrize("name", LONG_ACTING)
@pytest.mark.parametrize("words", ["400 mg shot", "injection", "IM", "every 4 weeks", "once a month", "LAI", "monthly"])
def test_a_tablet_name_with_words_of_an_injection_raises_the_long_acting_one(name, words):
    assert "clozapine_or_long_acting" in classes(f"{name} {words}")
    assert "clozapine_or_long_acting" in classes(f"{words} {name}")


@pytest.mark.parametrize(
    ("line", "raised"),
    [
        ("Tylenol 500 mg PM", "other_sedative"),
        ("Tylenol 2 PM", "other_sedative"),
        ("Claritin 10 mg D", "decongestant"),
        ("acetaminophen #3", "opioid_full_agonist"),
        ("acetaminophen-cod #3", "opioid_full_agonist"),
        ("abilify maintenna", "clozapine_or_long_acting"),
        ("Haldol 50 mg dec", "clozapine_or_long_acting"),
    ],
)
def test_a_word_that_makes_another_product_of_a_name_raises_that_product(line, raised):
    assert raised in classes(line)
    assert not read(line).recognised


def test_every_name_of_the_list_is_read_as_exactly_itself_with_its_classes():
    for name, generics in LEXICON.names.items():
        for line in (name, name.upper(), f"{name} 10 mg twice daily", f"I take {name}"):
            reading = read(line)
            assert (set(reading.exact), reading.suggested, reading.unread) == (set(generics), (), ()), line
            assert classes(line) == LEXICON.classes_of(generics), line


def test_every_spelling_in_the_file_is_read_as_its_medicine():
    for key, medicine in LEXICON.medicines.items():
        for name in medicine.names:
            assert read(name).exact == (key,), name


def test_words_beside_a_name_never_swallow_a_word_of_a_name():
    """A name that shares its first word with the end of another one is not lost behind it."""
    ends = {}
    for name in NAMES:
        words = name.split()
        for length in range(1, len(words)):
            ends.setdefault(" ".join(words[-length:]), []).append(" ".join(words[:-length]))
    for name in FLAGGED:
        words = name.split()
        for length in range(1, len(words) + 1):
            for beginning in ends.get(" ".join(words[:length]), ()):
                line = f"{beginning} {name}"
                assert line in LEXICON.names or not is_clean(line), line


def typo(name, chance):
    """The name with one letter of its longest word replaced: a short one may become a dose form ("PM", "po")."""
    words = name.split()
    longest = max(range(len(words)), key=lambda place: len(words[place]))
    place = chance.randrange(len(words[longest]))
    words[longest] = words[longest][:place] + chance.choice("bcdfghjkpqvwxz") + words[longest][place + 1 :]
    return " ".join(words)


def test_a_misspelt_name_is_never_clean():
    chance = random.Random(SEED)
    for name in FLAGGED:
        line = typo(name, chance)
        assert line in LEXICON.names or not is_clean(line), line


ORDINARY = st.sampled_from(
    sorted(
        word_set("""
            10mg 5 mg daily twice a day tablet tablets and with plus or , ; - stopped last week in march at night pm am
            by mouth the my injection shot monthly patch sodium hcl er xr qty 30 #30 1/2 take one not low dose x2 of for
            as needed under tongue every other each eye strength extra to or
        """)
    )
)
STRANGE = st.text(max_size=8) | st.sampled_from(["zzqx", "💊", "{{7*7}}", "1==1", "no", "Хаnах", "???"])
NOISE = st.lists(ORDINARY | STRANGE, max_size=5).map(" ".join)
OPEN = st.sampled_from(
    ["zzqx", "phenelzin", "no Xanax", "Хаnах", "qqqq wwww", "metformin, zzqx", "metformin for sleep"]
)


@seed(SEED)
@given(st.sampled_from(FLAGGED), NOISE, NOISE)
@settings(max_examples=600, deadline=None)
def test_words_around_a_flagged_name_never_make_it_clean(name, before, behind):
    line = f"{before} {name} {behind}"
    note(f"seed {SEED}: {line!r}")
    assert not is_clean(line)


@seed(SEED)
@given(OPEN, NOISE, NOISE)
@settings(max_examples=600, deadline=None)
def test_words_around_a_line_that_is_open_never_close_it(line, before, behind):
    longer = f"{before} {line} {behind}"
    note(f"seed {SEED}: {longer!r}")
    assert not read(longer).recognised


@seed(SEED)
@given(st.text(max_size=60))
@settings(max_examples=600, deadline=None)
def test_whatever_is_typed_is_read_without_an_error_and_the_same_every_time(line):
    reading = read(line)
    assert reading == LEXICON._reading(line)
    assert reading.exact or reading.suggested or reading.unread
    assert all(name in LEXICON.medicines for name in (*reading.exact, *reading.suggested))


@seed(SEED)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4), st.sampled_from([", ", "; ", "\n", " • "]))
@settings(max_examples=300, deadline=None)
def test_several_names_on_a_line_are_all_read(names, sign):
    line = sign.join(names)
    note(f"seed {SEED}: {line!r}")
    expected = {generic for name in names for generic in LEXICON.names[name]}
    assert expected - set(read(line).exact) <= {"multivitamin"}


@pytest.mark.parametrize("kind", ["known", "misspelt", "unknown", "long"])
def test_500_lines_are_read_well_within_a_second(kind):
    chance = random.Random(SEED)

    def unknown():
        return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randint(4, 12)))

    lines = {
        "known": [f"{chance.choice(NAMES)} 10 mg daily" for _ in range(500)],
        "misspelt": [f"{typo(chance.choice(NAMES), chance)} 10 mg daily" for _ in range(500)],
        "unknown": [f"{unknown()} 10 mg" for _ in range(500)],
        "long": [" ".join(unknown() for _ in range(8)) for _ in range(500)],
    }[kind]
    read("warming up zzqx")
    start = time.process_time()
    readings = [LEXICON._reading(line) for line in lines]
    took = time.process_time() - start
    assert len(readings) == 500
    assert took < 1, f"{took:.2f} s"


def test_a_list_of_500_lines_keeps_what_one_of_them_raises():
    facts = bound_facts({"medicines_as_typed": ["metformin 500 mg"] * 499 + ["Nardil"]})
    assert (facts["takes_maoi"], facts["medicine_unrecognized"]) == ("yes", "no")
    facts = bound_facts({"medicines_as_typed": ["metformin 500 mg"] * 499 + ["zzqx"]})
    assert facts["medicine_unrecognized"] == "yes"
    assert "takes_maoi" not in facts


def test_normalising_twice_changes_nothing():
    assert all(normalise(name) == name for name in NAMES)
