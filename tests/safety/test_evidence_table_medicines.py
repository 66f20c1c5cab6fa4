"""The evidence table, rules 37 to 44 and 47: what a medicine on the list does to somebody with nothing else to flag."""

import pytest

from tests.safety.evidence import UNKNOWN, Row, listed, row_name, takes

UNREAD = {"medication.unrecognized": "held"}
NO_SUCH_PROBLEM = {"combo.inconsistent-answers": "held"}
THYROID = {"thyroid_problem_diagnosed": "yes"}
FOR_MOOD = {"mood_or_sleep_is_only_reason_for_medicine": "yes"}

ROWS: list[Row] = [
    (takes("metformin"), {}),
    *(
        (takes(line), {"medication.theophylline": "absolute"})
        for line in ("theophylline", "Theo-24 300 mg", "Uniphyl", "Elixophyllin", "Aminophylline 225 mg")
    ),
    *(
        (takes(line), {"medication.maoi": "relative"})
        for line in (
            "phenelzine",
            "Nardil 15 mg",
            "Parnate 10 mg",
            "isocarboxazid",
            "Emsam 6 mg patch",
            "Zelapar",
            "rasagiline",
            "linezolid",
            "methylene blue",
            "Xadago",
        )
    ),
    *(
        (takes(line), {"medication.opioid": "relative"})
        for line in ("oxycodone 5 mg", "Percocet", "Norco", "morphine", "fentanyl", "methadone", "tramadol", "codeine")
    ),
    *(
        (takes(line), {"medication.opioid": "caution"})
        for line in ("Suboxone film", "Subutex", "Zubsolv", "Sublocade", "Brixadi", "Belbuca")
    ),
    (takes("buprenorphine", "oxycodone"), {"medication.opioid": "relative"}),
    (takes("buprenorphine", "zzqx"), {"medication.opioid": "relative worst case", **UNREAD}),
    *(
        (takes(line), {"medication.sedative": "caution"})
        for line in (
            "Xanax",
            "oxazepam",
            "zolpidem",
            "Lunesta",
            "butalbital",
            "Soma",
            "baclofen",
            "tizanidine",
            "Xyrem",
            "diphenhydramine",
            "hydroxyzine",
            "promethazine",
        )
    ),
    # 41, pressor
    *(
        (takes(line), {"medication.pressor": "caution"})
        for line in (
            "Adderall XR 20 mg",
            "Vyvanse",
            "methylphenidate",
            "Focalin",
            "Provigil",
            "armodafinil",
            "phentermine",
            "Sudafed",
        )
    ),
    *(
        ({**takes(line), **THYROID}, {"medication.pressor": "caution"})
        for line in ("Synthroid 50 mcg", "liothyronine", "Armour")
    ),
    *(
        (takes(line), {"medication.pressor": "relative"})
        for line in ("Cafergot", "ergotamine", "Migranal", "methylergonovine", "desmopressin", "vasopressin")
    ),
    (takes("Adderall", "ergotamine"), {"medication.pressor": "relative"}),
    (takes("Adderall", "zzqx"), {"medication.pressor": "relative worst case", **UNREAD}),
    # 42, response
    *(
        (takes(line), {"medication.response-modifier": "caution"})
        for line in ("naltrexone", "Vivitrol", "Contrave", "Antabuse 250 mg")
    ),
    ({**takes("Lamictal"), **FOR_MOOD}, {"medication.response-modifier": "caution"}),
    # 43, enzymes and grapefruit
    *(
        (takes(line), {"medication.cyp": "caution"})
        for line in (
            "clarithromycin",
            "ticlopidine",
            "ketoconazole",
            "itraconazole",
            "ritonavir",
            "Paxlovid",
            "cobicistat",
            "rifampin",
            "St John's wort",
            "efavirenz",
        )
    ),
    *(
        ({**takes(line), "seizure_ever": "no", **FOR_MOOD}, {"medication.cyp": "caution"})
        for line in ("Tegretol", "Dilantin")
    ),
    ({"daily_grapefruit": "yes"}, {"medication.cyp": "caution"}),
    *(({"daily_grapefruit": unknown}, {"intake.history-open": "ask"}) for unknown in UNKNOWN),
    # 44, antipsychotics and stabilizers; an unexplained antipsychotic is also a combination
    (takes("lithium"), {"medication.antipsychotic-or-mood-stabilizer": "caution"}),
    ({**takes("Depakote"), **FOR_MOOD}, {"medication.antipsychotic-or-mood-stabilizer": "caution"}),
    (
        takes("Seroquel"),
        {"medication.antipsychotic-or-mood-stabilizer": "caution", "combo.unexplained-antipsychotic": "held"},
    ),
    # several classes at once
    ({**takes("gabapentin"), **FOR_MOOD}, {"medication.sedative": "caution"}),
    ({**takes("phenobarbital"), **FOR_MOOD}, {"medication.sedative": "caution", "medication.cyp": "caution"}),
    # look-alikes
    (takes("Lamisil"), {}),
    (takes("Zyrtec"), {}),
    (takes("trazodone"), {}),
    ({**takes("clonidine", "hydralazine"), "high_blood_pressure_diagnosed": "yes"}, {}),
    # 47, what could not be read
    (takes("zzqx 5 mg"), UNREAD),
    (takes("phenelzin"), {"medication.maoi": "relative", **UNREAD}),
    (takes("Nardil", "zzqx"), {"medication.maoi": "relative", **UNREAD}),
    ({"medicines_as_typed": [], "takes_no_medicines_confirmed": "no"}, {"medication.unrecognized": "hold"}),
    *(
        (
            {"medicines_as_typed": "skipped", "takes_no_medicines_confirmed": unknown},
            {"medication.unrecognized": "hold"},
        )
        for unknown in UNKNOWN
    ),
    # what does not fit with the answers
    (takes("lisinopril"), NO_SUCH_PROBLEM),
    (takes("Synthroid"), {"medication.pressor": "caution", **NO_SUCH_PROBLEM}),
    (takes("Keppra"), NO_SUCH_PROBLEM),
]


@pytest.mark.parametrize(("person", "expected"), ROWS, ids=row_name)
def test_a_medicine_gives_exactly_the_flags_of_the_evidence_table(person, expected):
    assert listed(person) == expected
