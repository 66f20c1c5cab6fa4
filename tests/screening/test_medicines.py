"""Reading medicine names: what is known exactly, what is only alike, and what is left for a person."""

import pytest

from clinic_site.publishing.documents import ContentError
from screening.medicines import Lexicon
from screening.rules import RuleSet
from tests.conftest import shipped_rule_set
from tests.safety.people import bound_facts
from tests.screening.tiny import tree

LEXICON: Lexicon = shipped_rule_set().lexicon


def classes(*lines):
    """The classes that a list is known to hold."""
    facts = bound_facts({"medicines_as_typed": list(lines)})
    return {
        name.removeprefix("takes_") for name, value in facts.items() if name.startswith("takes_") and value == "yes"
    }


@pytest.mark.parametrize(
    "line",
    [
        "phenelzine",
        "PHENELZINE",
        "Nardil",
        "nardil 15 mg",
        "Nardil 15mg tablets twice a day",
        "  Nardil,  15 mg  ",
        "I take Nardil 15 mg at bedtime",
        "phenelzine sulfate",
    ],
)
def test_a_medicine_is_known_by_generic_or_brand_whatever_dose_and_form_stand_beside_it(line):
    reading = LEXICON.read(line)
    assert (reading.exact, reading.recognised) == (("phenelzine",), True)


@pytest.mark.parametrize(
    ("line", "ingredients"),
    [
        ("Contrave", {"bupropion", "naltrexone"}),
        ("Paxlovid", {"nirmatrelvir", "ritonavir"}),
        ("Percocet 5/325", {"oxycodone", "acetaminophen"}),
        ("Symbyax", {"olanzapine", "fluoxetine"}),
    ],
)
def test_a_combination_product_means_all_its_ingredients(line, ingredients):
    assert ingredients == set(LEXICON.read(line).exact)


def test_several_medicines_on_one_line_are_all_read():
    assert classes("Nardil 15 mg and oxycodone 5 mg, Xanax") >= {"maoi", "opioid_full_agonist", "benzodiazepine"}


@pytest.mark.parametrize(
    ("line", "meant"), [("phenelzin", "maoi"), ("oxycodon", "opioid_full_agonist"), ("Xannax", "benzodiazepine")]
)
def test_a_misspelling_raises_both_the_class_and_the_doubt(line, meant):
    facts = bound_facts({"medicines_as_typed": [line]})
    assert facts[f"takes_{meant}"] == "yes"
    assert facts["medicine_unrecognized"] == "yes"
    assert "no" not in {value for name, value in facts.items() if name.startswith("takes_")}


def test_a_misspelling_beside_a_known_medicine_leaves_the_line_in_doubt():
    reading = LEXICON.read("metformin, phenelzin")
    assert (reading.exact, reading.suggested, reading.recognised) == (("metformin",), ("phenelzine",), False)


LOOK_ALIKES = [
    ("Lamictal", "Lamisil"),
    ("Xanax", "Zantac"),
    ("Klonopin", "clonidine"),
    ("Zyprexa", "Zyrtec"),
    ("tramadol", "trazodone"),
    ("hydroxyzine", "hydralazine"),
]


@pytest.mark.parametrize("pair", LOOK_ALIKES)
def test_a_look_alike_is_never_read_as_the_other(pair):
    for name, other in (pair, reversed(pair)):
        reading = LEXICON.read(name)
        assert set(LEXICON.names.get(other.lower(), ())).isdisjoint((*reading.exact, *reading.suggested))


def test_a_known_name_is_never_corrected_to_another():
    for name, generic in LEXICON.names.items():
        reading = LEXICON.read(name)
        assert reading.exact == tuple(dict.fromkeys(generic)), name
        assert not reading.suggested, name


def test_a_line_that_nobody_knows_stands_in_the_way_of_every_no():
    facts = bound_facts({"medicines_as_typed": ["metformin", "zzqx 5 mg"]})
    assert facts["medicine_unrecognized"] == "yes"
    assert not [name for name in facts if name.startswith("takes_")]


def test_a_word_that_is_left_over_beside_a_known_medicine_is_not_ignored():
    reading = LEXICON.read("metformin, zzqx")
    assert (reading.exact, reading.unread, reading.recognised) == (("metformin",), ("zzqx",), False)


@pytest.mark.parametrize("line", ["5 mg", "???", "one tablet daily", "💊"])
def test_a_line_without_a_name_is_not_recognised(line):
    assert not LEXICON.read(line).recognised


def test_a_list_of_recognised_medicines_says_no_to_the_classes_it_does_not_hold():
    facts = bound_facts({"medicines_as_typed": ["metformin 500 mg"]})
    assert (facts["takes_maoi"], facts["takes_xanthine"], facts["medicine_unrecognized"]) == ("no", "no", "no")


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"medicines_as_typed": []},
        {"medicines_as_typed": ["  "]},
        {"medicines_as_typed": "skipped"},
        {"medicines_as_typed": [], "takes_no_medicines_confirmed": "no"},
        {"takes_no_medicines_confirmed": "not_sure"},
    ],
)
def test_an_empty_list_without_a_confirmation_says_nothing(facts):
    derived = bound_facts(facts)
    assert "takes_maoi" not in derived
    assert "medicine_unrecognized" not in derived


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("selegiline", "maoi"),
        ("aminophylline", "xanthine"),
        ("chlordiazepoxide", "benzodiazepine"),
        ("pregabalin", "other_sedative"),
        ("gabapentin", "anti_seizure"),
        ("tapentadol", "opioid_full_agonist"),
        ("Belbuca", "opioid_partial_agonist"),
        ("Vivitrol", "opioid_antagonist"),
        ("Focalin", "psychostimulant"),
        ("Adipex-P", "anorectic_stimulant"),
        ("Provigil", "wakefulness_agent"),
        ("Sudafed", "decongestant"),
        ("Cytomel", "thyroid_hormone"),
        ("Migranal", "ergot"),
        ("Lamictal", "response_modifier"),
        ("Antabuse", "response_modifier"),
        ("Biaxin", "cyp_inhibitor"),
        ("St John's wort", "cyp_inducer"),
        ("Latuda", "antipsychotic"),
        ("Depakote", "mood_stabilizer"),
        ("Nardil", "antidepressant"),
        ("clozapine", "lowers_seizure_threshold"),
    ],
)
def test_the_seed_of_the_lexicon_is_there(line, held):
    assert held in classes(line)
    assert LEXICON.read(line).recognised


def test_benzodiazepines_do_not_count_as_anti_seizure_medicines():
    assert "anti_seizure" not in classes("clonazepam")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"medicines": [{"name": "phenelzine", "classes": ["mao"]}]}, "the class 'mao' is not described"),
        ({"medicines": [{"name": "phenelzine"}, {"name": "Phenelzine"}]}, "this medicine stands twice"),
        ({"combinations": [{"brand": "Twin", "ingredients": ["nothing"]}]}, "the ingredient 'nothing' is not among"),
        ({"combinations": [{"brand": "Twin"}]}, "Twin: add 'ingredients'"),
        ({"combinations": [{"brand": "Twin", "ingredients": []}]}, "Twin: 'ingredients' is empty"),
        (
            {"combinations": [{"brand": "Phenelzine", "ingredients": ["phenelzine"]}]},
            "Phenelzine: the name 'Phenelzine' belongs to 'phenelzine' already",
        ),
        (
            {
                "combinations": [
                    {"brand": name, "synonyms": ["duo"], "ingredients": ["phenelzine"]} for name in ("A1", "B2")
                ]
            },
            "B2: the name 'duo' belongs to 'A1' already",
        ),
        (
            {"medicines": [{"name": "phenelzine", "brands": ["Nardil"]}, {"name": "other", "synonyms": ["NARDIL"]}]},
            "other: the name 'NARDIL' belongs to 'phenelzine' already",
        ),
        ({"medicines": [{"name": "phenelzine", "brands": ["™"]}]}, "the name '™' has no letter or digit"),
        ({"never_confuse": [["phenelzine", "Nardill"]]}, "never_confuse: 'Nardill' is not in the list"),
        ({"never_confuse": [["phenelzine"]]}, "'never_confuse' must hold pairs of names"),
        ({"never_confuse": "phenelzine"}, "'never_confuse' must hold pairs of names"),
        ({"classes": {"maoi": {"title": {"en": "MAOI"}}}}, "classes: maoi: add 'label'"),
        ({"classes": ["maoi"]}, "'classes' must be a mapping"),
        ({"medicines": [{"name": "phenelzine", "brand": "Nardil"}]}, "did you mean 'brands'?"),
    ],
)
def test_a_mistake_in_the_lexicon_is_named(change, message):
    medicines = {"classes": {"maoi": {"label": {"en": "MAOI"}}}, "medicines": [{"name": "phenelzine"}], **change}
    with pytest.raises(ContentError, match="medicines.yaml") as error:
        RuleSet.from_tree(tree(medicines=medicines))
    assert message in str(error.value)
