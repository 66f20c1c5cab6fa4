"""The evidence table (rules 1 to 24 and the not-sure column), typed off once more: what is listed for a person of whom
everything else is known and unremarkable. The other rules stand in the modules beside this one.

Each row is a change to that person and the complete list of flags, in the words of `evidence.py`.
"""

import pytest

from tests.safety.evidence import UNKNOWN, listed, row_name

HAD_PSYCHOSIS = {
    "psychosis_ever_diagnosed": "yes",
    "psychosis_only_with_substances": "no",
    "psychosis_only_in_mood_episode": "no",
    "months_since_last_psychosis": 120,
}

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
    # 3 and 4 by the ninth question of the PHQ-9, and 1 by what a clinician entered
    *(
        ({"phq9_item9_score": score}, {"safety.suicide-thoughts-recent": "relative"} if score else {})
        for score in (0, 1, 2, 3)
    ),
    *(({"phq9_item9_score": unknown}, {"safety.suicide-unanswered": "open relative"}) for unknown in UNKNOWN),
    (
        {"phq9_item9_score": 2, "suicide_plan_or_intent_past_month": "yes"},
        {"safety.suicide-intent-now": "emergency"},
    ),
    *(
        ({"cssrs_highest_ideation_past_month": level}, {"safety.suicide-intent-now": "emergency"} if level > 3 else {})
        for level in (0, 1, 2, 3, 4, 5)
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
    (
        {"stopped_heavy_alcohol_or_benzo_past_3_days": "yes", "severe_withdrawal_symptoms_now": "skipped"},
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
]


@pytest.mark.parametrize(("person", "expected"), ROWS, ids=row_name)
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
    "stopped_heavy_alcohol_or_benzo_past_3_days": {"emergency.withdrawal-severe": "hold"},
    "phq9_item9_score": {"safety.suicide-unanswered": "open relative"},
    "exertional_chest_pain_or_fainting_past_6_months": {"cardiovascular.history": "ask"},
    "seizure_ever": {"neurological.seizure-or-head-injury": "ask"},
    "head_injury_past_6_months": {"neurological.seizure-or-head-injury": "ask"},
    "decompensated_cirrhosis_or_severe_liver_disease": {"hepatic.impairment": "ask"},
    "other_liver_disease_or_porphyria": {"hepatic.impairment": "ask"},
    "ketamine_bladder_damage_ever": {"urological.bladder": "ask"},
    "interstitial_cystitis": {"urological.bladder": "ask"},
    "bladder_pain_urgency_or_blood_past_month": {"urological.bladder": "ask"},
    "pregnant": {"reproductive.pregnant": "hold"},
    "can_become_pregnant": {"reproductive.pregnancy-possible": "ask"},
    "breastfeeding": {"reproductive.breastfeeding": "ask"},
    "sleep_apnea": {"respiratory.breathing-risk": "ask"},
    "home_oxygen_or_severe_lung_disease": {"respiratory.breathing-risk": "ask"},
    "ketamine_or_pcp_use_disorder_ever": {"substance.ketamine-misuse": "hold"},
    "nonprescribed_ketamine_or_pcp_past_12_months": {"substance.ketamine-misuse": "hold"},
    "audit_total_score": {"substance.alcohol-risk": "ask"},
    "withdrawal_seizure_or_dts_ever": {"substance.withdrawal-risk": "ask"},
    "days_since_cocaine_or_meth": {"substance.stimulant-recent": "ask"},
    "nonprescribed_opioid_past_30_days": {"substance.opioid-illicit-or-overdose": "ask"},
    "overdose_past_6_months": {"substance.opioid-illicit-or-overdose": "ask"},
    "taps2_highest_other_substance_score": {"substance.other-active-use": "ask"},
    "daily_cannabis": {"substance.other-active-use": "ask"},
    "takes_no_medicines_confirmed": {"medication.unrecognized": "hold"},
    "uncontrolled_overactive_thyroid_or_pheochromocytoma": {"endocrine.hyperthyroid-uncontrolled": "ask"},
    "narrow_angle_or_uncontrolled_eye_pressure": {"ophthalmic.eye-pressure": "ask"},
    "eye_surgery_or_injury_past_90_days": {"ophthalmic.eye-pressure": "ask"},
    "glaucoma_controlled": {"ophthalmic.eye-pressure": "ask"},
    "ketamine_allergy": {"allergy.ketamine-reaction": "ask"},
    "severe_bad_reaction_to_ketamine_or_psychedelic": {"allergy.ketamine-reaction": "ask"},
    "height_cm": {"body.bmi": "ask", "intake.incomplete": "hold"},
    "weight_kg": {"body.bmi": "ask", "intake.incomplete": "hold"},
    "age_years": {"age.out-of-range": "hold"},
    "dementia_or_guardian": {"consent.capacity-or-pressure": "ask"},
    "intoxicated_now": {"consent.capacity-or-pressure": "ask"},
    "pressured_into_treatment": {"consent.capacity-or-pressure": "ask"},
    "filled_in_by_someone_else": {"consent.capacity-or-pressure": "ask"},
    "identity_verified": {"identity.unverified": "hold"},
    "adult_escort_available": {"logistics.escort-and-home": "ask"},
    "adult_at_home_evening": {"logistics.escort-and-home": "ask"},
    "systolic_mmhg": {"intake.incomplete": "hold"},
    "diastolic_mmhg": {"intake.incomplete": "hold"},
    "bp_reading_age_days": {"intake.incomplete": "hold"},
    "consents_complete": {"intake.incomplete": "hold"},
    "emergency_contact_given": {"intake.incomplete": "hold"},
    "phq9_total_score": {"intake.incomplete": "hold"},
    "gad7_total_score": {"intake.incomplete": "hold"},
    # Questions of no rule of the table: ours keeps them open.
    "firearm_or_stockpiled_pills_access": {"intake.history-open": "ask"},
    "high_blood_pressure_diagnosed": {"intake.history-open": "ask"},
    "thyroid_problem_diagnosed": {"intake.history-open": "ask"},
    "mood_or_sleep_is_only_reason_for_medicine": {"intake.history-open": "ask"},
    "daily_grapefruit": {"intake.history-open": "ask"},
}


@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize("fact", NOT_SURE)
def test_not_sure_and_blank_are_listed_as_the_evidence_table_says(fact, unknown):
    assert listed({fact: unknown}) == NOT_SURE[fact]
