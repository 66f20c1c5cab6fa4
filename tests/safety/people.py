"""Fact files of made-up people, and what the shipped rules list for them."""

from random import Random
from typing import Any

from screening.engine import Issue, assess
from screening.fact_files import facts_from_file, without_implausible
from screening.facts import derive
from screening.vocabulary import Vocabulary, only_from_intake, vocabulary
from tests.conftest import shipped_questionnaire, shipped_rule_set

FactFile = dict[str, Any]

# Somebody of whom every published fact is known and nothing is flagged.
PUBLISHED: FactFile = {
    "age_years": 40,
    "identity_verified": "yes",
    "consents_complete": "yes",
    "emergency_contact_given": "yes",
    "dementia_or_guardian": "no",
    "intoxicated_now": "no",
    "pressured_into_treatment": "no",
    "filled_in_by_someone_else": "no",
    "wished_dead_past_few_weeks": "no",
    "felt_others_better_off_past_few_weeks": "no",
    "thoughts_of_killing_self_past_week": "no",
    "suicide_attempt_ever": "no",
    "days_since_last_suicide_attempt": "not_applicable",
    "suicidal_thoughts_right_now": "no",
    "suicide_plan_or_intent_past_month": "no",
    "firearm_or_stockpiled_pills_access": "no",
    "thinking_of_hurting_someone_now": "no",
    "feels_safe_at_home": "yes",
    "chest_pain_now": "no",
    "trouble_breathing_at_rest_now": "no",
    "stroke_signs_now": "no",
    "worst_headache_of_life_now": "no",
    "fainted_today": "no",
    "stopped_heavy_alcohol_or_benzo_past_3_days": "no",
    "severe_withdrawal_symptoms_now": "not_applicable",
    "psychosis_symptoms_past_month": "no",
    "psychosis_ever_diagnosed": "no",
    "psychosis_only_with_substances": "not_applicable",
    "psychosis_only_in_mood_episode": "not_applicable",
    "months_since_last_psychosis": "not_applicable",
    "parent_sibling_or_child_psychosis": "no",
    "mania_symptoms_past_2_weeks": "no",
    "bipolar_or_mania_ever": "no",
    "dissociative_disorder": "no",
    "psychiatric_hospital_or_er_past_90_days": "no",
    "aneurysm_or_avm": "no",
    "heart_attack_or_stroke_ever": "no",
    "days_since_heart_attack_or_stroke": "not_applicable",
    "unstable_angina": "no",
    "heart_failure_admission_past_90_days": "no",
    "severe_aortic_stenosis": "no",
    "other_heart_condition": "no",
    "exertional_chest_pain_or_fainting_past_6_months": "no",
    "high_blood_pressure_diagnosed": "no",
    "systolic_mmhg": 120,
    "diastolic_mmhg": 80,
    "bp_reading_age_days": 1,
    "bp_symptoms_now": "not_applicable",
    "brain_bleed_ever": "no",
    "raised_intracranial_pressure_or_brain_mass": "no",
    "seizure_ever": "no",
    "head_injury_past_6_months": "no",
    "decompensated_cirrhosis_or_severe_liver_disease": "no",
    "other_liver_disease_or_porphyria": "no",
    "ketamine_bladder_damage_ever": "no",
    "interstitial_cystitis": "no",
    "bladder_pain_urgency_or_blood_past_month": "no",
    "pregnant": "no",
    "can_become_pregnant": "no",
    "uses_effective_contraception": "not_applicable",
    "trying_to_conceive": "not_applicable",
    "breastfeeding": "no",
    "sleep_apnea": "no",
    "sleep_apnea_machine_most_nights": "not_applicable",
    "home_oxygen_or_severe_lung_disease": "no",
    "ketamine_or_pcp_use_disorder_ever": "no",
    "nonprescribed_ketamine_or_pcp_past_12_months": "no",
    "audit_total_score": 0,
    "withdrawal_seizure_or_dts_ever": "no",
    "days_since_cocaine_or_meth": "never",
    "nonprescribed_opioid_past_30_days": "no",
    "overdose_past_6_months": "no",
    "taps2_highest_other_substance_score": 0,
    "daily_cannabis": "no",
    "daily_grapefruit": "no",
    "medicines_as_typed": [],
    "takes_no_medicines_confirmed": "yes",
    "mood_or_sleep_is_only_reason_for_medicine": "no",
    "uncontrolled_overactive_thyroid_or_pheochromocytoma": "no",
    "thyroid_problem_diagnosed": "no",
    "narrow_angle_or_uncontrolled_eye_pressure": "no",
    "eye_surgery_or_injury_past_90_days": "no",
    "glaucoma_controlled": "no",
    "ketamine_allergy": "no",
    "severe_bad_reaction_to_ketamine_or_psychedelic": "no",
    "height_cm": 170,
    "weight_kg": 70,
    "adult_escort_available": "yes",
    "adult_at_home_evening": "yes",
    "phq9_total_score": 0,
    "phq9_item9_score": 0,
    "gad7_total_score": 0,
}
_known = vocabulary(shipped_questionnaire(), shipped_rule_set().lexicon)
_read_by_a_rule = {name for rule in shipped_rule_set().rules for name in rule.reads(shipped_rule_set().constants)}
# The same person, with what an intake asks beyond the published facts: it does not apply to them.
NOTHING_TO_FLAG: FactFile = {
    **dict.fromkeys(sorted(_read_by_a_rule & only_from_intake(_known, shipped_rule_set().lexicon)), "not_applicable"),
    "licensed_state": "yes",
    **PUBLISHED,
}


def known() -> Vocabulary:
    return _known


def bound_facts(person: FactFile) -> dict[str, str | float]:
    """What the rules see of a fact file."""
    given = without_implausible(facts_from_file(person, known()), shipped_questionnaire())
    return dict(derive(given, shipped_rule_set().lexicon).values)


def flags(person: FactFile) -> dict[str, Issue]:
    return {issue.rule: issue for issue in assess(shipped_rule_set(), bound_facts(person)).issues}


# Around every threshold of the evidence table.
_NUMBERS = {
    "age_years": [16, 17, 18, 24, 25, 40, 64, 65, 80],
    "days_since_last_suicide_attempt": [0, 90, 91, 365, 366, 7000, "never"],
    "months_since_last_psychosis": [0, 11, 12, 13, 200],
    "days_since_heart_attack_or_stroke": [0, 183, 184, 3000, "never"],
    "systolic_mmhg": [60, 100, 139, 140, 160, 179, 180, 230, 261],
    "diastolic_mmhg": [30, 70, 89, 90, 100, 110, 119, 120, 151],
    "bp_reading_age_days": [0, 30, 31, 400],
    "height_cm": [150, 170, 190],
    "weight_kg": [40, 70, 160],
    "audit_total_score": [0, 7, 8, 19, 20, 40],
    "days_since_cocaine_or_meth": [0, 7, 8, 400, "never"],
    "taps2_highest_other_substance_score": [0, 1, 2, 3],
    "phq9_item9_score": [0, 1, 3],
    "phq9_total_score": [0, 27],
    "gad7_total_score": [0, 21],
}
# What staff may record; without it nothing is unknown, so these are no questions that somebody left open.
_RECORDED_BY_STAFF = {"cssrs_highest_ideation_past_month": [0, 3, 4, 5], "alt_or_ast_times_upper_limit": [1, 3, 3.1, 9]}


def random_person(chance: Random, *, unknown: float = 0.1, seen_by_staff: bool = False) -> FactFile:
    """Every fact of somebody, each unknown with the given probability; medicines and "I take none" never contradict."""
    person: FactFile = {}
    for name, ordinary in NOTHING_TO_FLAG.items():
        if name in _NUMBERS:
            values: list[Any] = _NUMBERS[name]
        elif name in known().choices:
            values = [ordinary, *sorted(known().choices[name])]
        else:
            continue
        person[name] = chance.choice(values)
    names = sorted(name for medicine in shipped_rule_set().lexicon.medicines.values() for name in medicine.names)
    lines = [chance.choice(names) for _ in range(chance.choice([0, 0, 1, 2, 3, 5]))]
    if lines and chance.random() < 0.3:
        lines.append("zzqx 5 mg")
    person["medicines_as_typed"] = lines
    person["takes_no_medicines_confirmed"] = "no" if lines else "yes"
    for name in person:
        if chance.random() < unknown:
            person[name] = chance.choice(["not_sure", "prefer_not_to_say", "skipped"])
    if seen_by_staff:
        person |= {name: chance.choice(values) for name, values in _RECORDED_BY_STAFF.items()}
    return person
