"""The evidence table (base rules and combinations), typed off once more: what is listed for a person of whom
everything else is known and unremarkable.

Each row is a change to that person and the complete list of flags. The words: a tier alone is a rule that fired;
`worst case` one that assumes the worst; `held` a finding that is itself a hold; `ask` and `hold` are open questions at
info; `open <tier>` an open question at a tier.
"""

import pytest

from tests.safety.people import NOTHING_TO_FLAG, flags

UNKNOWN = ["not_sure", "prefer_not_to_say", "skipped"]
HAD_PSYCHOSIS = {
    "psychosis_ever_diagnosed": "yes",
    "psychosis_only_with_substances": "no",
    "psychosis_only_in_mood_episode": "no",
    "months_since_last_psychosis": 120,
}
FERTILE = {"can_become_pregnant": "yes", "uses_effective_contraception": "yes", "trying_to_conceive": "no"}


def takes(*lines):
    return {"medicines_as_typed": list(lines), "takes_no_medicines_confirmed": "no"}


def listed(person):
    found = {}
    for name, issue in flags({**NOTHING_TO_FLAG, **person}).items():
        if issue.status == "fired":
            words = "held" if issue.hold else issue.tier
        else:
            assert issue.status == "unresolved"
            words = "hold" if issue.hold else "ask" if issue.tier == "info" else f"open {issue.tier}"
        assert not issue.hold or issue.tier == "info"
        found[name] = words + (" worst case" if issue.worst_case_assumed else "")
    return found


ROWS = [
    ({}, {}),
    # 1 to 4, suicide
    ({"suicidal_thoughts_right_now": "yes"}, {"safety.suicide-intent-now": "emergency"}),
    ({"suicide_plan_or_intent_past_month": "yes"}, {"safety.suicide-intent-now": "emergency"}),
    ({"suicidal_thoughts_right_now": "not_applicable", "suicide_plan_or_intent_past_month": "not_applicable"}, {}),
    (
        {"suicidal_thoughts_right_now": "not_sure", "suicide_plan_or_intent_past_month": "yes"},
        {"safety.suicide-intent-now": "emergency", "safety.suicide-unanswered": "open relative"},
    ),
    *(
        ({"suicide_attempt_ever": "yes", "days_since_last_suicide_attempt": days}, {"safety.suicide-attempt": tier})
        for days, tier in [
            (0, "emergency"),
            (90, "emergency"),
            (91, "relative"),
            (365, "relative"),
            (366, "caution"),
            (7300, "caution"),
            ("never", "caution"),
            ("not_sure", "emergency worst case"),
            ("skipped", "emergency worst case"),
        ]
    ),
    ({"wished_dead_past_few_weeks": "yes"}, {"safety.suicide-thoughts-recent": "relative"}),
    ({"felt_others_better_off_past_few_weeks": "yes"}, {"safety.suicide-thoughts-recent": "relative"}),
    ({"thoughts_of_killing_self_past_week": "yes"}, {"safety.suicide-thoughts-recent": "relative"}),
    (
        {"wished_dead_past_few_weeks": "yes", "suicidal_thoughts_right_now": "yes"},
        {"safety.suicide-intent-now": "emergency"},
    ),
    (
        {"wished_dead_past_few_weeks": "yes", "suicidal_thoughts_right_now": "prefer_not_to_say"},
        {"safety.suicide-thoughts-recent": "relative", "safety.suicide-unanswered": "open relative"},
    ),
    *(
        ({name: unknown}, {"safety.suicide-unanswered": "open relative"})
        for name, unknown in [
            ("suicidal_thoughts_right_now", "not_sure"),
            ("suicide_plan_or_intent_past_month", "prefer_not_to_say"),
            ("suicide_attempt_ever", "skipped"),
            ("wished_dead_past_few_weeks", "not_sure"),
            ("felt_others_better_off_past_few_weeks", "prefer_not_to_say"),
            ("thoughts_of_killing_self_past_week", "skipped"),
        ]
    ),
    # 5 to 9, other safety and emergencies
    ({"thinking_of_hurting_someone_now": "yes"}, {"safety.harm-others": "emergency"}),
    ({"feels_safe_at_home": "no"}, {"safety.unsafe-home": "relative"}),
    *(
        ({sign: "yes", other: "skipped"}, {"emergency.symptoms-now": "emergency"})
        for sign, other in [
            ("chest_pain_now", "fainted_today"),
            ("trouble_breathing_at_rest_now", "chest_pain_now"),
            ("stroke_signs_now", "chest_pain_now"),
            ("worst_headache_of_life_now", "stroke_signs_now"),
            ("fainted_today", "chest_pain_now"),
        ]
    ),
    (
        {"systolic_mmhg": 180, "bp_symptoms_now": "yes"},
        {"emergency.bp-crisis": "emergency", "cardiovascular.blood-pressure": "absolute"},
    ),
    (
        {"diastolic_mmhg": 120, "systolic_mmhg": 130, "bp_symptoms_now": "yes"},
        {"emergency.bp-crisis": "emergency", "cardiovascular.blood-pressure": "absolute"},
    ),
    (
        {"systolic_mmhg": 180, "bp_symptoms_now": "skipped"},
        {"emergency.bp-crisis": "emergency worst case", "cardiovascular.blood-pressure": "absolute"},
    ),
    ({"systolic_mmhg": 190, "bp_symptoms_now": "no"}, {"cardiovascular.blood-pressure": "absolute"}),
    (
        {"systolic_mmhg": 179, "diastolic_mmhg": 119, "bp_symptoms_now": "yes"},
        {"cardiovascular.blood-pressure": "absolute"},
    ),
    (
        {"stopped_heavy_alcohol_or_benzo_past_3_days": "yes", "severe_withdrawal_symptoms_now": "yes"},
        {"emergency.withdrawal-severe": "emergency"},
    ),
    ({"stopped_heavy_alcohol_or_benzo_past_3_days": "yes", "severe_withdrawal_symptoms_now": "no"}, {}),
    (
        {"stopped_heavy_alcohol_or_benzo_past_3_days": "not_sure", "severe_withdrawal_symptoms_now": "yes"},
        {"emergency.withdrawal-severe": "hold"},
    ),
    # 10 to 17, psychiatric
    ({"psychosis_symptoms_past_month": "yes"}, {"psychosis.current": "absolute"}),
    (HAD_PSYCHOSIS, {"psychosis.personal-history": "absolute"}),
    *(
        ({**HAD_PSYCHOSIS, only: "yes", "months_since_last_psychosis": months}, {rule: tier})
        for only, months, rule, tier in [
            ("psychosis_only_with_substances", 11, "psychosis.personal-history", "absolute"),
            ("psychosis_only_with_substances", 12, "psychosis.limited-history", "relative"),
            ("psychosis_only_in_mood_episode", 11, "psychosis.personal-history", "absolute"),
            ("psychosis_only_in_mood_episode", 12, "psychosis.limited-history", "relative"),
            ("psychosis_only_with_substances", "not_sure", "psychosis.personal-history", "absolute worst case"),
        ]
    ),
    (
        {
            **HAD_PSYCHOSIS,
            "psychosis_only_with_substances": "yes",
            "months_since_last_psychosis": 24,
            "psychosis_symptoms_past_month": "yes",
        },
        {"psychosis.current": "absolute", "psychosis.personal-history": "absolute"},
    ),
    (
        {"psychosis_ever_diagnosed": "yes", "psychosis_only_with_substances": "not_sure"},
        {"psychosis.personal-history": "absolute worst case"},
    ),
    ({"parent_sibling_or_child_psychosis": "yes"}, {"psychosis.family-history": "relative"}),
    ({"mania_symptoms_past_2_weeks": "yes"}, {"mania.current": "absolute"}),
    ({"bipolar_or_mania_ever": "yes"}, {"bipolar.history": "relative"}),
    ({"bipolar_or_mania_ever": "yes", "mania_symptoms_past_2_weeks": "yes"}, {"mania.current": "absolute"}),
    (
        {"bipolar_or_mania_ever": "yes", "mania_symptoms_past_2_weeks": "not_sure"},
        {"bipolar.history": "relative", "mania.current": "hold"},
    ),
    ({"dissociative_disorder": "yes"}, {"psychiatric.dissociative-disorder": "relative"}),
    ({"psychiatric_hospital_or_er_past_90_days": "yes"}, {"psychiatric.recent-hospitalization": "relative"}),
    # 18 to 24, heart, vessels and brain
    ({"aneurysm_or_avm": "yes"}, {"cardiovascular.aneurysm-avm": "absolute"}),
    *(
        ({"heart_attack_or_stroke_ever": "yes", "days_since_heart_attack_or_stroke": days}, {rule: tier})
        for days, rule, tier in [
            (0, "cardiovascular.recent-or-unstable", "absolute"),
            (183, "cardiovascular.recent-or-unstable", "absolute"),
            (184, "cardiovascular.history", "relative"),
            ("skipped", "cardiovascular.recent-or-unstable", "absolute worst case"),
        ]
    ),
    ({"unstable_angina": "yes"}, {"cardiovascular.recent-or-unstable": "absolute"}),
    ({"heart_failure_admission_past_90_days": "yes"}, {"cardiovascular.recent-or-unstable": "absolute"}),
    ({"severe_aortic_stenosis": "yes"}, {"cardiovascular.recent-or-unstable": "absolute"}),
    ({"other_heart_condition": "yes"}, {"cardiovascular.history": "relative"}),
    ({"exertional_chest_pain_or_fainting_past_6_months": "yes"}, {"cardiovascular.history": "relative"}),
    (
        {"other_heart_condition": "yes", "unstable_angina": "yes"},
        {"cardiovascular.recent-or-unstable": "absolute"},
    ),
    (
        {"other_heart_condition": "yes", "unstable_angina": "not_sure"},
        {"cardiovascular.history": "relative", "cardiovascular.recent-or-unstable": "hold"},
    ),
    *(
        (
            {"systolic_mmhg": systolic, "diastolic_mmhg": diastolic, "bp_symptoms_now": "no"},
            {"cardiovascular.blood-pressure": tier} if tier else {},
        )
        for systolic, diastolic, tier in [
            (139, 89, ""),
            (140, 80, "caution"),
            (120, 90, "caution"),
            (159, 99, "caution"),
            (160, 80, "relative"),
            (130, 100, "relative"),
            (179, 109, "relative"),
            (180, 80, "absolute"),
            (130, 110, "absolute"),
            (139.9, 89.9, ""),
            (159.9, 80, "caution"),
        ]
    ),
    (
        {"systolic_mmhg": 300, "bp_symptoms_now": "no"},
        {"cardiovascular.blood-pressure": "absolute", "intake.incomplete": "held"},
    ),
    ({"brain_bleed_ever": "yes"}, {"neurological.brain-bleed": "absolute"}),
    ({"raised_intracranial_pressure_or_brain_mass": "yes"}, {"neurological.raised-pressure-or-mass": "absolute"}),
    ({"seizure_ever": "yes"}, {"neurological.seizure-or-head-injury": "relative"}),
    ({"head_injury_past_6_months": "yes"}, {"neurological.seizure-or-head-injury": "relative"}),
    # 27 to 29, reproductive
    ({**FERTILE, "pregnant": "yes"}, {"reproductive.pregnant": "absolute"}),
    ({**FERTILE, "pregnant": "not_sure"}, {"reproductive.pregnant": "hold"}),
    (FERTILE, {}),
    ({**FERTILE, "uses_effective_contraception": "no"}, {"reproductive.pregnancy-possible": "relative"}),
    ({**FERTILE, "trying_to_conceive": "yes"}, {"reproductive.pregnancy-possible": "relative"}),
    ({**FERTILE, "uses_effective_contraception": "not_sure"}, {"reproductive.pregnancy-possible": "ask"}),
    ({"breastfeeding": "yes"}, {"reproductive.breastfeeding": "relative"}),
    # 37 to 40 and 47, medicines
    (takes("theophylline"), {"medication.theophylline": "absolute"}),
    (takes("Aminophylline 225 mg"), {"medication.theophylline": "absolute"}),
    *(
        (takes(line), {"medication.maoi": "relative"})
        for line in [
            "phenelzine",
            "Parnate 10 mg",
            "isocarboxazid",
            "Emsam 6 mg patch",
            "rasagiline",
            "linezolid",
            "methylene blue",
            "Xadago",
        ]
    ),
    (takes("oxycodone 5 mg"), {"medication.opioid": "relative"}),
    (takes("methadone"), {"medication.opioid": "relative"}),
    (takes("tramadol"), {"medication.opioid": "relative"}),
    (takes("Suboxone film"), {"medication.opioid": "caution"}),
    (takes("Brixadi"), {"medication.opioid": "caution"}),
    (takes("buprenorphine", "oxycodone"), {"medication.opioid": "relative"}),
    *(
        (takes(line), {"medication.sedative": "caution"})
        for line in ["Xanax", "zolpidem", "butalbital", "Soma", "Xyrem", "diphenhydramine", "hydroxyzine", "baclofen"]
    ),
    (takes("metformin"), {}),
    (takes("zzqx 5 mg"), {"medication.unrecognized": "held"}),
    (takes("phenelzin"), {"medication.maoi": "relative", "medication.unrecognized": "held"}),
    (takes("Nardil", "zzqx"), {"medication.maoi": "relative", "medication.unrecognized": "held"}),
    (
        {"medicines_as_typed": [], "takes_no_medicines_confirmed": "no"},
        {"medication.unrecognized": "hold"},
    ),
    ({"medicines_as_typed": "skipped", "takes_no_medicines_confirmed": "skipped"}, {"medication.unrecognized": "hold"}),
    # 48, 50, 51, 53, 54
    ({"ketamine_allergy": "yes"}, {"allergy.ketamine-reaction": "absolute"}),
    ({"severe_bad_reaction_to_ketamine_or_psychedelic": "yes"}, {"allergy.ketamine-reaction": "relative"}),
    (
        {"ketamine_allergy": "not_sure", "severe_bad_reaction_to_ketamine_or_psychedelic": "yes"},
        {"allergy.ketamine-reaction": "absolute worst case"},
    ),
    ({"age_years": 17}, {"age.out-of-range": "absolute"}),
    ({"age_years": 18}, {}),
    ({"age_years": 64}, {}),
    ({"age_years": 65}, {"age.out-of-range": "caution"}),
    ({"identity_verified": "no"}, {"identity.unverified": "held"}),
    ({"identity_verified": "skipped"}, {"identity.unverified": "hold"}),
    ({"adult_escort_available": "no"}, {"logistics.escort-and-home": "relative"}),
    ({"adult_at_home_evening": "no"}, {"logistics.escort-and-home": "caution"}),
    ({"adult_escort_available": "no", "adult_at_home_evening": "no"}, {"logistics.escort-and-home": "relative"}),
    ({"consents_complete": "no"}, {"intake.incomplete": "held"}),
    ({"emergency_contact_given": "no"}, {"intake.incomplete": "held"}),
    ({"bp_reading_age_days": 30}, {}),
    ({"bp_reading_age_days": 31}, {"intake.incomplete": "held"}),
    ({"systolic_mmhg": 80, "diastolic_mmhg": 80}, {"intake.incomplete": "held"}),
    ({"systolic_mmhg": 69, "diastolic_mmhg": 60}, {"intake.incomplete": "hold"}),
    ({"diastolic_mmhg": 39}, {"intake.incomplete": "hold"}),
    (
        {"systolic_mmhg": "not_sure", "diastolic_mmhg": "not_sure", "bp_reading_age_days": "not_sure"},
        {"intake.incomplete": "hold"},
    ),
    ({"height_cm": "skipped"}, {"intake.incomplete": "hold"}),
    ({"weight_kg": "prefer_not_to_say"}, {"intake.incomplete": "hold"}),
    # Combinations
    (
        takes("oxycodone", "Ativan"),
        {
            "medication.opioid": "relative",
            "medication.sedative": "caution",
            "combo.respiratory-depression": "relative",
        },
    ),
    (
        takes("Nardil", "Adderall"),
        {"medication.maoi": "relative", "combo.maoi-stimulant": "absolute"},
    ),
    (
        takes("Nardil", "Sudafed"),
        {"medication.maoi": "relative", "combo.maoi-stimulant": "absolute"},
    ),
    (
        takes("Nardil", "phentermine"),
        {"medication.maoi": "relative", "combo.maoi-stimulant": "absolute"},
    ),
    (
        {**takes("Nardil"), "systolic_mmhg": 140},
        {
            "medication.maoi": "relative",
            "cardiovascular.blood-pressure": "caution",
            "combo.pressor-high-bp": "relative",
        },
    ),
    (
        {**takes("Synthroid"), "diastolic_mmhg": 90},
        {"cardiovascular.blood-pressure": "caution", "combo.pressor-high-bp": "relative"},
    ),
    (
        {**takes("sertraline"), "mania_symptoms_past_2_weeks": "yes"},
        {"mania.current": "absolute", "combo.bipolar-antidepressant": "absolute"},
    ),
    (
        {**takes("sertraline"), "bipolar_or_mania_ever": "yes"},
        {"bipolar.history": "relative", "combo.bipolar-antidepressant": "relative"},
    ),
    ({**takes("sertraline", "lithium"), "bipolar_or_mania_ever": "yes"}, {"bipolar.history": "relative"}),
    (takes("Seroquel"), {"combo.unexplained-antipsychotic": "held"}),
    (takes("clozapine"), {"combo.unexplained-antipsychotic": "relative"}),
    (takes("Invega Sustenna"), {"combo.unexplained-antipsychotic": "relative"}),
    ({**takes("Seroquel"), "bipolar_or_mania_ever": "yes"}, {"bipolar.history": "relative"}),
    (
        {"firearm_or_stockpiled_pills_access": "yes", "suicidal_thoughts_right_now": "yes"},
        {"safety.suicide-intent-now": "emergency", "combo.suicide-means": "relative"},
    ),
    (
        {"firearm_or_stockpiled_pills_access": "yes", "wished_dead_past_few_weeks": "yes"},
        {"safety.suicide-thoughts-recent": "relative", "combo.suicide-means": "relative"},
    ),
    (
        {
            "firearm_or_stockpiled_pills_access": "yes",
            "suicide_attempt_ever": "yes",
            "days_since_last_suicide_attempt": 365,
        },
        {"safety.suicide-attempt": "relative", "combo.suicide-means": "relative"},
    ),
    (
        {
            "firearm_or_stockpiled_pills_access": "yes",
            "suicide_attempt_ever": "yes",
            "days_since_last_suicide_attempt": 366,
        },
        {"safety.suicide-attempt": "caution"},
    ),
    ({"firearm_or_stockpiled_pills_access": "yes"}, {}),
    (
        {**takes("bupropion"), "seizure_ever": "yes"},
        {"neurological.seizure-or-head-injury": "relative", "combo.seizure-threshold": "relative"},
    ),
    (
        {**takes("theophylline"), "seizure_ever": "yes"},
        {
            "neurological.seizure-or-head-injury": "relative",
            "medication.theophylline": "absolute",
            "combo.seizure-threshold": "relative",
        },
    ),
    (
        {"parent_sibling_or_child_psychosis": "yes", "age_years": 24},
        {"psychosis.family-history": "relative", "combo.psychosis-vulnerability": "relative"},
    ),
    (
        {"parent_sibling_or_child_psychosis": "yes", "age_years": 25},
        {"psychosis.family-history": "relative"},
    ),
]


@pytest.mark.parametrize(("person", "expected"), ROWS, ids=lambda part: ",".join(f"{k}={v}" for k, v in part.items()))
def test_a_person_gets_exactly_the_flags_of_the_evidence_table(person, expected):
    assert listed(person) == expected


# The "not sure / blank" column: what one open question lists when everything else is known and unremarkable.
NOT_SURE = {
    "thinking_of_hurting_someone_now": {"safety.harm-others": "hold"},
    "feels_safe_at_home": {"safety.unsafe-home": "hold"},
    "chest_pain_now": {"emergency.symptoms-now": "hold"},
    "fainted_today": {"emergency.symptoms-now": "hold"},
    "psychosis_symptoms_past_month": {"psychosis.current": "hold"},
    "psychosis_ever_diagnosed": {"psychosis.personal-history": "hold"},
    "parent_sibling_or_child_psychosis": {"psychosis.family-history": "ask"},
    "mania_symptoms_past_2_weeks": {"mania.current": "hold"},
    "bipolar_or_mania_ever": {"bipolar.history": "ask"},
    "dissociative_disorder": {"psychiatric.dissociative-disorder": "ask"},
    "psychiatric_hospital_or_er_past_90_days": {"psychiatric.recent-hospitalization": "ask"},
    "aneurysm_or_avm": {"cardiovascular.aneurysm-avm": "hold"},
    "heart_attack_or_stroke_ever": {"cardiovascular.recent-or-unstable": "hold"},
    "unstable_angina": {"cardiovascular.recent-or-unstable": "hold"},
    "severe_aortic_stenosis": {"cardiovascular.recent-or-unstable": "hold"},
    "heart_failure_admission_past_90_days": {"cardiovascular.recent-or-unstable": "hold"},
    "other_heart_condition": {"cardiovascular.history": "ask"},
    "brain_bleed_ever": {"neurological.brain-bleed": "hold"},
    "raised_intracranial_pressure_or_brain_mass": {"neurological.raised-pressure-or-mass": "hold"},
    "seizure_ever": {"neurological.seizure-or-head-injury": "ask"},
    "head_injury_past_6_months": {"neurological.seizure-or-head-injury": "ask"},
    "breastfeeding": {"reproductive.breastfeeding": "ask"},
    "ketamine_allergy": {"allergy.ketamine-reaction": "ask"},
    "severe_bad_reaction_to_ketamine_or_psychedelic": {"allergy.ketamine-reaction": "ask"},
    "age_years": {"age.out-of-range": "hold"},
    "identity_verified": {"identity.unverified": "hold"},
    "adult_escort_available": {"logistics.escort-and-home": "ask"},
    "adult_at_home_evening": {"logistics.escort-and-home": "ask"},
    "systolic_mmhg": {"intake.incomplete": "hold"},
    "diastolic_mmhg": {"intake.incomplete": "hold"},
    "bp_reading_age_days": {"intake.incomplete": "hold"},
    "consents_complete": {"intake.incomplete": "hold"},
}


@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize("fact", NOT_SURE)
def test_not_sure_and_blank_are_listed_as_the_evidence_table_says(fact, unknown):
    assert listed({fact: unknown}) == NOT_SURE[fact]
