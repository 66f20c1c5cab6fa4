"""The evidence table, combinations: both halves, each half alone, and the rules of the halves beside them."""

import itertools

import pytest

from tests.safety.evidence import UNKNOWN, Row, listed, row_name, takes

ANTIPSYCHOTIC = {"medication.antipsychotic-or-mood-stabilizer": "caution"}
FAMILY = {"parent_sibling_or_child_psychosis": "yes"}
MAOI = {"medication.maoi": "relative"}
MISFIT = {"combo.inconsistent-answers": "held"}
PRESSOR = {"medication.pressor": "caution"}
RAISED = {"cardiovascular.blood-pressure": "caution"}
SEIZURE = {"neurological.seizure-or-head-injury": "relative"}
FAMILY_FLAG = {"psychosis.family-history": "relative"}
DRUNK_FLAG = {"consent.capacity-or-pressure": "relative"}

# The four kinds that slow breathing: what a person says, and the flag of each kind alone.
KINDS: dict[str, list[Row]] = {
    "opioid": [
        (takes("methadone"), {"medication.opioid": "relative"}),
        (takes("Suboxone"), {"medication.opioid": "caution"}),
        ({"nonprescribed_opioid_past_30_days": "yes"}, {"substance.opioid-illicit-or-overdose": "relative"}),
    ],
    "sedative": [
        (takes("Ativan"), {"medication.sedative": "caution"}),
        (takes("zolpidem"), {"medication.sedative": "caution"}),
    ],
    "breathing": [
        (
            {"sleep_apnea": "yes", "sleep_apnea_machine_most_nights": "no"},
            {"respiratory.breathing-risk": "relative"},
        ),
        ({"home_oxygen_or_severe_lung_disease": "yes"}, {"respiratory.breathing-risk": "relative"}),
    ],
    "alcohol": [({"audit_total_score": 20}, {"substance.alcohol-risk": "relative"})],
}


def breathing_rows() -> list[Row]:
    """Every choice of kinds, each in every one of its forms: one is nothing, two are relative, three are absolute."""
    rows = []
    for several in range(1, len(KINDS) + 1):
        tier = {1: "", 2: "relative"}.get(several, "absolute")
        for kinds in itertools.combinations(KINDS, several):
            for forms in itertools.product(*(KINDS[kind] for kind in kinds)):
                person, flags = {}, {"combo.respiratory-depression": tier} if tier else {}
                lines = []
                for said, flag in forms:
                    lines += said.get("medicines_as_typed", [])
                    person |= said
                    flags |= flag
                rows.append(({**person, **(takes(*lines) if lines else {})}, flags))
    return rows


BREATHING: list[Row] = [
    *breathing_rows(),
    # what does not count: a lower score, apnea that is treated, several of one kind
    (
        {**takes("methadone"), "audit_total_score": 19},
        {"medication.opioid": "relative", "substance.alcohol-risk": "caution"},
    ),
    (
        {**takes("methadone"), "sleep_apnea": "yes", "sleep_apnea_machine_most_nights": "yes"},
        {"medication.opioid": "relative", "respiratory.breathing-risk": "caution"},
    ),
    (takes("Ativan", "zolpidem", "hydroxyzine"), {"medication.sedative": "caution"}),
    (
        {**takes("methadone", "oxycodone"), "nonprescribed_opioid_past_30_days": "yes"},
        {"medication.opioid": "relative", "substance.opioid-illicit-or-overdose": "relative"},
    ),
    # two of them, and a third that is open
    (
        {**takes("methadone", "Ativan"), "audit_total_score": "skipped"},
        {
            "medication.opioid": "relative",
            "medication.sedative": "caution",
            "substance.alcohol-risk": "ask",
            "combo.respiratory-depression": "absolute worst case",
        },
    ),
    # one of them, and another that is open
    (
        {**takes("methadone"), "audit_total_score": "skipped"},
        {"medication.opioid": "relative", "substance.alcohol-risk": "ask"},
    ),
    (
        {**takes("methadone"), "sleep_apnea": "yes", "sleep_apnea_machine_most_nights": "not_sure"},
        {"medication.opioid": "relative", "respiratory.breathing-risk": "relative worst case"},
    ),
]
PRESSURE: list[Row] = [
    *(
        (takes("Nardil", line), {**MAOI, **PRESSOR, "combo.maoi-stimulant": "absolute"})
        for line in ("Adderall", "methylphenidate", "Sudafed", "phentermine")
    ),
    (takes("Nardil", "modafinil"), {**MAOI, **PRESSOR}),
    ({**takes("Nardil"), "systolic_mmhg": 140}, {**MAOI, **RAISED, "combo.pressor-high-bp": "relative"}),
    ({**takes("Nardil"), "systolic_mmhg": 139, "diastolic_mmhg": 89}, MAOI),
    *(
        ({**takes(line), "diastolic_mmhg": 90}, {**PRESSOR, **RAISED, "combo.pressor-high-bp": "relative"})
        for line in ("Adderall", "modafinil", "phentermine", "Sudafed")
    ),
    (
        {**takes("Synthroid"), "thyroid_problem_diagnosed": "yes", "diastolic_mmhg": 90},
        {**PRESSOR, **RAISED, "combo.pressor-high-bp": "relative"},
    ),
    *(
        (
            {**takes(line), "systolic_mmhg": 150},
            {"medication.pressor": "relative", **RAISED, "combo.pressor-high-bp": "relative"},
        )
        for line in ("ergotamine", "desmopressin")
    ),
    *(
        (
            {"days_since_cocaine_or_meth": days, "systolic_mmhg": 140},
            {
                **RAISED,
                **({"substance.stimulant-recent": "relative", "combo.pressor-high-bp": "relative"} if days < 8 else {}),
            },
        )
        for days in (0, 7, 8)
    ),
    (
        {"days_since_cocaine_or_meth": "not_sure", "systolic_mmhg": 140},
        {**RAISED, "substance.stimulant-recent": "ask"},
    ),
]
MIND: list[Row] = [
    (
        {**takes("sertraline"), "mania_symptoms_past_2_weeks": "yes"},
        {"mania.current": "absolute", "combo.bipolar-antidepressant": "absolute"},
    ),
    (
        {**takes("Nardil"), "mania_symptoms_past_2_weeks": "yes"},
        {**MAOI, "mania.current": "absolute", "combo.bipolar-antidepressant": "absolute"},
    ),
    (
        {**takes("sertraline"), "bipolar_or_mania_ever": "yes"},
        {"bipolar.history": "relative", "combo.bipolar-antidepressant": "relative"},
    ),
    *(
        (
            {**takes("sertraline", line), "bipolar_or_mania_ever": "yes"},
            {"bipolar.history": "relative", **ANTIPSYCHOTIC},
        )
        for line in ("lithium", "quetiapine")
    ),
    (
        {
            **takes("sertraline", "lamotrigine"),
            "bipolar_or_mania_ever": "yes",
            "mood_or_sleep_is_only_reason_for_medicine": "yes",
        },
        {"bipolar.history": "relative", "medication.response-modifier": "caution"},
    ),
    (takes("Seroquel"), {**ANTIPSYCHOTIC, "combo.unexplained-antipsychotic": "held"}),
    (takes("clozapine"), {**ANTIPSYCHOTIC, "combo.unexplained-antipsychotic": "relative"}),
    (takes("Invega Sustenna"), {**ANTIPSYCHOTIC, "combo.unexplained-antipsychotic": "relative"}),
    ({**takes("Seroquel"), "bipolar_or_mania_ever": "yes"}, {**ANTIPSYCHOTIC, "bipolar.history": "relative"}),
    *(
        (
            {**takes(line), "seizure_ever": "yes"},
            {**SEIZURE, **flag, "combo.seizure-threshold": "relative"},
        )
        for line, flag in [
            ("bupropion", {}),
            ("tramadol", {"medication.opioid": "relative"}),
            ("theophylline", {"medication.theophylline": "absolute"}),
            ("clozapine", {**ANTIPSYCHOTIC, "combo.unexplained-antipsychotic": "relative"}),
        ]
    ),
    (
        {"seizure_ever": "yes", "withdrawal_seizure_or_dts_ever": "yes"},
        {**SEIZURE, "substance.withdrawal-risk": "relative", "combo.seizure-threshold": "relative"},
    ),
    ({"seizure_ever": "yes"}, SEIZURE),
    ({**takes("bupropion"), "head_injury_past_6_months": "yes"}, SEIZURE),
    ({**FAMILY, "age_years": 24}, {**FAMILY_FLAG, "combo.psychosis-vulnerability": "relative"}),
    ({**FAMILY, "age_years": 25}, FAMILY_FLAG),
    (
        {**FAMILY, "daily_cannabis": "yes"},
        {**FAMILY_FLAG, "substance.other-active-use": "caution", "combo.psychosis-vulnerability": "relative"},
    ),
    *(
        (
            {**FAMILY, "days_since_cocaine_or_meth": days},
            {
                **FAMILY_FLAG,
                **(
                    {"substance.stimulant-recent": "relative", "combo.psychosis-vulnerability": "relative"}
                    if days < 8
                    else {}
                ),
            },
        )
        for days in (0, 7, 8)
    ),
    ({**FAMILY, "daily_cannabis": "skipped"}, {**FAMILY_FLAG, "substance.other-active-use": "ask"}),
]
# What a person says about suicide, the flag of that alone, and whether it counts beside means or drink.
SUICIDE: list[tuple[dict[str, object], dict[str, str], bool]] = [
    ({"suicidal_thoughts_right_now": "yes"}, {"safety.suicide-intent-now": "emergency"}, True),
    ({"suicide_plan_or_intent_past_month": "yes"}, {"safety.suicide-intent-now": "emergency"}, True),
    ({"cssrs_highest_ideation_past_month": 4}, {"safety.suicide-intent-now": "emergency"}, True),
    ({"cssrs_highest_ideation_past_month": 3}, {}, False),
    ({"wished_dead_past_few_weeks": "yes"}, {"safety.suicide-thoughts-recent": "relative"}, True),
    ({"felt_others_better_off_past_few_weeks": "yes"}, {"safety.suicide-thoughts-recent": "relative"}, True),
    ({"thoughts_of_killing_self_past_week": "yes"}, {"safety.suicide-thoughts-recent": "relative"}, True),
    ({"phq9_item9_score": 1}, {"safety.suicide-thoughts-recent": "relative"}, True),
    *(
        (
            {"suicide_attempt_ever": "yes", "days_since_last_suicide_attempt": days},
            {"safety.suicide-attempt": tier},
            counts,
        )
        for days, tier, counts in [
            (90, "emergency", True),
            (91, "relative", True),
            (365, "relative", True),
            (366, "caution", False),
        ]
    ),
    ({}, {}, False),
]
WITH_SUICIDE: list[Row] = [
    *(
        (
            {**said, "firearm_or_stockpiled_pills_access": "yes"},
            {**flag, **({"combo.suicide-means": "relative"} if counts else {})},
        )
        for said, flag, counts in SUICIDE
    ),
    *(
        (
            {**said, "intoxicated_now": "yes"},
            {**flag, **DRUNK_FLAG, **({"combo.suicide-intoxicated": "emergency"} if counts else {})},
        )
        for said, flag, counts in SUICIDE
    ),
    (
        {"suicide_attempt_ever": "yes", "days_since_last_suicide_attempt": "not_sure", "intoxicated_now": "yes"},
        {
            "safety.suicide-attempt": "emergency worst case",
            **DRUNK_FLAG,
            "combo.suicide-intoxicated": "emergency worst case",
        },
    ),
    *(
        (
            {"wished_dead_past_few_weeks": "yes", "intoxicated_now": unknown},
            {"safety.suicide-thoughts-recent": "relative", "consent.capacity-or-pressure": "ask"},
        )
        for unknown in UNKNOWN
    ),
    *(({"firearm_or_stockpiled_pills_access": unknown}, {"intake.history-open": "ask"}) for unknown in UNKNOWN),
]
FITTING: list[Row] = [
    (takes("lisinopril"), MISFIT),
    *(
        ({**takes("metoprolol"), answer: "yes"}, flag)
        for answer, flag in [
            ("high_blood_pressure_diagnosed", {}),
            ("other_heart_condition", {"cardiovascular.history": "relative"}),
            ("unstable_angina", {"cardiovascular.recent-or-unstable": "absolute"}),
            ("heart_failure_admission_past_90_days", {"cardiovascular.recent-or-unstable": "absolute"}),
            ("severe_aortic_stenosis", {"cardiovascular.recent-or-unstable": "absolute"}),
        ]
    ),
    ({**takes("lisinopril"), "high_blood_pressure_diagnosed": "not_sure"}, {"intake.history-open": "ask"}),
    (takes("levothyroxine"), {**PRESSOR, **MISFIT}),
    (takes("methimazole"), MISFIT),
    ({**takes("methimazole"), "thyroid_problem_diagnosed": "yes"}, {}),
    ({**takes("methimazole"), "thyroid_problem_diagnosed": "skipped"}, {"intake.history-open": "ask"}),
    (takes("levetiracetam"), MISFIT),
    (takes("gabapentin"), {"medication.sedative": "caution", **MISFIT}),
    ({**takes("levetiracetam"), "seizure_ever": "yes"}, SEIZURE),
    ({**takes("levetiracetam"), "mood_or_sleep_is_only_reason_for_medicine": "yes"}, {}),
    (
        {**takes("levetiracetam"), "mood_or_sleep_is_only_reason_for_medicine": "not_sure"},
        {"intake.history-open": "ask"},
    ),
    (takes("clonazepam"), {"medication.sedative": "caution"}),
    ({"pregnant": "yes"}, {"reproductive.pregnant": "absolute", **MISFIT}),
    (
        {"pregnant": "yes", "can_become_pregnant": "not_sure"},
        {"reproductive.pregnant": "absolute", "reproductive.pregnancy-possible": "ask"},
    ),
]


@pytest.mark.parametrize(("person", "expected"), [*BREATHING, *PRESSURE, *MIND, *WITH_SUICIDE, *FITTING], ids=row_name)
def test_a_combination_gives_exactly_the_flags_of_the_evidence_table(person, expected):
    assert listed(person) == expected
