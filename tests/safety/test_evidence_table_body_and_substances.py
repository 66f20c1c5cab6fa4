"""The evidence table, rules 25 to 36, 45, 46 and 48 to 54: the body, substances, consent and what belongs to the day."""

import pytest

from tests.safety.evidence import UNKNOWN, Row, listed, row_name

FERTILE = {"can_become_pregnant": "yes", "uses_effective_contraception": "yes", "trying_to_conceive": "no"}
APNEA = {"sleep_apnea": "yes", "sleep_apnea_machine_most_nights": "no"}

BODY: list[Row] = [
    # 25, liver
    ({"decompensated_cirrhosis_or_severe_liver_disease": "yes"}, {"hepatic.impairment": "absolute"}),
    ({"other_liver_disease_or_porphyria": "yes"}, {"hepatic.impairment": "relative"}),
    (
        {"decompensated_cirrhosis_or_severe_liver_disease": "yes", "other_liver_disease_or_porphyria": "yes"},
        {"hepatic.impairment": "absolute"},
    ),
    (
        {"decompensated_cirrhosis_or_severe_liver_disease": "not_sure", "other_liver_disease_or_porphyria": "yes"},
        {"hepatic.impairment": "absolute worst case"},
    ),
    *(
        ({"alt_or_ast_times_upper_limit": times}, {"hepatic.impairment": "relative"} if times > 3 else {})
        for times in (0.5, 2.9, 3, 3.1, 12)
    ),
    # 26, bladder
    ({"ketamine_bladder_damage_ever": "yes"}, {"urological.bladder": "absolute"}),
    ({"interstitial_cystitis": "yes"}, {"urological.bladder": "relative"}),
    ({"bladder_pain_urgency_or_blood_past_month": "yes"}, {"urological.bladder": "relative"}),
    (
        {"ketamine_bladder_damage_ever": "yes", "bladder_pain_urgency_or_blood_past_month": "yes"},
        {"urological.bladder": "absolute"},
    ),
    (
        {"ketamine_bladder_damage_ever": "skipped", "interstitial_cystitis": "yes"},
        {"urological.bladder": "absolute worst case"},
    ),
    # 27 to 29, reproductive
    ({**FERTILE, "pregnant": "yes"}, {"reproductive.pregnant": "absolute"}),
    ({**FERTILE, "pregnant": "not_sure"}, {"reproductive.pregnant": "hold"}),
    (FERTILE, {}),
    ({**FERTILE, "uses_effective_contraception": "no"}, {"reproductive.pregnancy-possible": "relative"}),
    ({**FERTILE, "trying_to_conceive": "yes"}, {"reproductive.pregnancy-possible": "relative"}),
    ({**FERTILE, "uses_effective_contraception": "not_sure"}, {"reproductive.pregnancy-possible": "ask"}),
    ({"breastfeeding": "yes"}, {"reproductive.breastfeeding": "relative"}),
    (
        {"can_become_pregnant": "not_sure"},
        {"reproductive.pregnancy-possible": "ask"},
    ),
    # 30, breathing
    (APNEA, {"respiratory.breathing-risk": "relative"}),
    ({**APNEA, "sleep_apnea_machine_most_nights": "yes"}, {"respiratory.breathing-risk": "caution"}),
    *(
        ({**APNEA, "sleep_apnea_machine_most_nights": unknown}, {"respiratory.breathing-risk": "relative worst case"})
        for unknown in UNKNOWN
    ),
    ({"home_oxygen_or_severe_lung_disease": "yes"}, {"respiratory.breathing-risk": "relative"}),
    (
        {**APNEA, "sleep_apnea_machine_most_nights": "yes", "home_oxygen_or_severe_lung_disease": "yes"},
        {"respiratory.breathing-risk": "relative"},
    ),
    # 45, 46, glands and eyes
    (
        {"uncontrolled_overactive_thyroid_or_pheochromocytoma": "yes"},
        {"endocrine.hyperthyroid-uncontrolled": "absolute"},
    ),
    ({"thyroid_problem_diagnosed": "yes"}, {}),
    ({"narrow_angle_or_uncontrolled_eye_pressure": "yes"}, {"ophthalmic.eye-pressure": "relative"}),
    ({"eye_surgery_or_injury_past_90_days": "yes"}, {"ophthalmic.eye-pressure": "relative"}),
    ({"glaucoma_controlled": "yes"}, {"ophthalmic.eye-pressure": "caution"}),
    (
        {"glaucoma_controlled": "yes", "eye_surgery_or_injury_past_90_days": "yes"},
        {"ophthalmic.eye-pressure": "relative"},
    ),
    (
        {"glaucoma_controlled": "yes", "narrow_angle_or_uncontrolled_eye_pressure": "not_sure"},
        {"ophthalmic.eye-pressure": "relative worst case"},
    ),
    # 49, body mass index: at 200 cm a quarter of the weight
    *(
        ({"height_cm": 200, "weight_kg": weight}, {"body.bmi": tier} if tier else {})
        for weight, tier in [
            (50, "relative"),
            (63.9, "relative"),
            (64, ""),
            (64.1, ""),
            (139.9, ""),
            (140, ""),
            (140.1, "caution"),
            (200, "caution"),
        ]
    ),
]
SUBSTANCES: list[Row] = [
    # 31 to 36
    ({"ketamine_or_pcp_use_disorder_ever": "yes"}, {"substance.ketamine-misuse": "absolute"}),
    ({"nonprescribed_ketamine_or_pcp_past_12_months": "yes"}, {"substance.ketamine-misuse": "relative"}),
    (
        {"ketamine_or_pcp_use_disorder_ever": "not_sure", "nonprescribed_ketamine_or_pcp_past_12_months": "yes"},
        {"substance.ketamine-misuse": "absolute worst case"},
    ),
    *(
        ({"audit_total_score": score}, {"substance.alcohol-risk": tier} if tier else {})
        for score, tier in [
            (0, ""),
            (7, ""),
            (8, "caution"),
            (9, "caution"),
            (19, "caution"),
            (20, "relative"),
            (40, "relative"),
        ]
    ),
    ({"withdrawal_seizure_or_dts_ever": "yes"}, {"substance.withdrawal-risk": "relative"}),
    *(
        ({"days_since_cocaine_or_meth": days}, {"substance.stimulant-recent": "relative"} if recent else {})
        for days, recent in [(0, True), (6, True), (7, True), (8, False), (365, False), ("never", False)]
    ),
    ({"nonprescribed_opioid_past_30_days": "yes"}, {"substance.opioid-illicit-or-overdose": "relative"}),
    ({"overdose_past_6_months": "yes"}, {"substance.opioid-illicit-or-overdose": "relative"}),
    *(
        ({"taps2_highest_other_substance_score": score}, {"substance.other-active-use": "caution"} if score > 1 else {})
        for score in (0, 1, 2, 3)
    ),
    ({"daily_cannabis": "yes"}, {"substance.other-active-use": "caution"}),
]
CONSENT_AND_THE_DAY: list[Row] = [
    *(
        ({answer: "yes"}, {"consent.capacity-or-pressure": "relative"})
        for answer in (
            "dementia_or_guardian",
            "pressured_into_treatment",
            "intoxicated_now",
            "filled_in_by_someone_else",
        )
    ),
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
    *(
        (
            {"systolic_mmhg": systolic, "diastolic_mmhg": diastolic, "bp_symptoms_now": "no"},
            {"cardiovascular.blood-pressure": "absolute", **({"intake.incomplete": "held"} if implausible else {})},
        )
        for systolic, diastolic, implausible in [(260, 80, False), (261, 80, True), (200, 150, False), (200, 151, True)]
    ),
    (
        {"systolic_mmhg": "not_sure", "diastolic_mmhg": "not_sure", "bp_reading_age_days": "not_sure"},
        {"intake.incomplete": "hold"},
    ),
    ({"height_cm": "skipped"}, {"intake.incomplete": "hold", "body.bmi": "ask"}),
    ({"weight_kg": "prefer_not_to_say"}, {"intake.incomplete": "hold", "body.bmi": "ask"}),
    ({"phq9_total_score": 27}, {}),
    ({"gad7_total_score": 21}, {}),
    *(({"phq9_total_score": unknown}, {"intake.incomplete": "hold"}) for unknown in UNKNOWN),
    *(({"gad7_total_score": unknown}, {"intake.incomplete": "hold"}) for unknown in UNKNOWN),
]


@pytest.mark.parametrize(("person", "expected"), [*BODY, *SUBSTANCES, *CONSENT_AND_THE_DAY], ids=row_name)
def test_a_person_gets_exactly_the_flags_of_the_evidence_table(person, expected):
    assert listed(person) == expected
