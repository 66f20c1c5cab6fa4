"""Published scales as their publishers print them, typed from there and not from our documents."""

TWO_WEEKS = ("Not at all", 0), ("Several days", 1), ("More than half the days", 2), ("Nearly every day", 3)
AUDIT_OFTEN = (
    ("Never", 0),
    ("Less than monthly", 1),
    ("Monthly", 2),
    ("Weekly", 3),
    ("Daily or almost daily", 4),
)
AUDIT_EVER = ("No", 0), ("Yes, but not in the last year", 2), ("Yes, during the last year", 4)
TAPS_OFTEN = tuple(
    (label, None) for label in ("Daily or Almost Daily", "Weekly", "Monthly", "Less Than Monthly", "Never")
)
COUNTED = ("Yes", 1), ("No", 0)
PLAIN = ("Yes", None), ("No", None)
DIFFICULT = tuple(
    (label, None) for label in ("Not difficult at all", "Somewhat difficult", "Very difficult", "Extremely difficult")
)
YEAR, QUARTER, MONTH = "In the PAST 12 MONTHS, ", "In the PAST 3 MONTHS, ", "In the past month, have you "
# Of each scale, in its order: LOINC code where one is known, options, wording.
PUBLISHED: dict[str, list[tuple[str, tuple[tuple[str, int | None], ...], str]]] = {
    "asq": [
        ("", PLAIN, "In the past few weeks, have you wished you were dead?"),
        (
            "",
            PLAIN,
            "In the past few weeks, have you felt that you or your family would be better off if you were dead?",
        ),
        ("", PLAIN, "In the past week, have you been having thoughts about killing yourself?"),
        ("", PLAIN, "Have you ever tried to kill yourself?"),
        ("", PLAIN, "Are you having thoughts of killing yourself right now?"),
    ],
    "audit": [
        (
            "68518-0",
            (
                ("Never", 0),
                ("Monthly or less", 1),
                ("2-4 times a month", 2),
                ("2-3 times a week", 3),
                ("4 or more times a week", 4),
            ),
            "How often do you have a drink containing alcohol?",
        ),
        (
            "68519-8",
            (("1 or 2", 0), ("3 or 4", 1), ("5 or 6", 2), ("7 to 9", 3), ("10 or more", 4)),
            "How many drinks containing alcohol do you have on a typical day when you are drinking?",
        ),
        ("68520-6", AUDIT_OFTEN, "How often do you have six or more drinks on one occasion?"),
        (
            "97734-8",
            AUDIT_OFTEN,
            "How often during the last year have you found that you were not able to stop drinking once you had started?",
        ),
        (
            "97735-5",
            AUDIT_OFTEN,
            "How often during the last year have you failed to do what was normally expected of you because of drinking?",
        ),
        (
            "97736-3",
            AUDIT_OFTEN,
            "How often during the last year have you needed a first drink in the morning to get yourself going"
            " after a heavy drinking session?",
        ),
        (
            "97737-1",
            AUDIT_OFTEN,
            "How often during the last year have you had a feeling of guilt or remorse after drinking?",
        ),
        (
            "97738-9",
            AUDIT_OFTEN,
            "How often during the last year have you been unable to remember what happened the night before"
            " because of your drinking?",
        ),
        ("97739-7", AUDIT_EVER, "Have you or someone else been injured because of your drinking?"),
        (
            "97740-5",
            AUDIT_EVER,
            "Has a relative, friend, doctor, or other health care worker been concerned about your drinking"
            " or suggested you cut down?",
        ),
    ],
    "taps": [
        (
            "96842-0",
            TAPS_OFTEN,
            YEAR + "how often have you used any tobacco product"
            " (for example, cigarettes, e-cigarettes, cigars, pipes, or smokeless tobacco)?",
        ),
        ("88037-7", TAPS_OFTEN, YEAR + "how often have you had 5 or more drinks containing alcohol in one day?"),
        ("75889-6", TAPS_OFTEN, YEAR + "how often have you had 4 or more drinks containing alcohol in one day?"),
        (
            "96843-8",
            TAPS_OFTEN,
            YEAR + "how often have you used any drugs including marijuana, cocaine or crack, heroin,"
            " methamphetamine (crystal meth), hallucinogens, ecstasy/MDMA?",
        ),
        (
            "96844-6",
            TAPS_OFTEN,
            YEAR + "how often have you used any prescription medications just for the feeling,"
            " more than prescribed or that were not prescribed for you?",
        ),
        *(
            ("", COUNTED, QUARTER + words)
            for words in (
                "did you smoke a cigarette containing tobacco?",
                "did you usually smoke more than 10 cigarettes each day?",
                "did you usually smoke within 30 minutes after waking?",
                "did you have a drink containing alcohol?",
                "did you have 5 or more drinks containing alcohol in a day?",
                "did you have 4 or more drinks containing alcohol in a day?",
                "have you tried and failed to control, cut down or stop drinking?",
                "has anyone expressed concern about your drinking?",
                "did you use marijuana (hash, weed)?",
                "have you had a strong desire or urge to use marijuana at least once a week or more often?",
                "has anyone expressed concern about your use of marijuana?",
                "did you use cocaine, crack, or methamphetamine (crystal meth)?",
                "did you use cocaine, crack, or methamphetamine (crystal meth) at least once a week or more often?",
                "has anyone expressed concern about your use of cocaine, crack, or methamphetamine (crystal meth)?",
                "did you use heroin?",
                "have you tried and failed to control, cut down or stop using heroin?",
                "has anyone expressed concern about your use of heroin?",
                "did you use a prescription opiate pain reliever (for example, Percocet, Vicodin) not as prescribed"
                " or that was not prescribed for you?",
                "have you tried and failed to control, cut down or stop using an opiate pain reliever?",
                "has anyone expressed concern about your use of an opiate pain reliever?",
                "did you use a medication for anxiety or sleep (for example, Xanax, Ativan, or Klonopin)"
                " not as prescribed or that was not prescribed for you?",
                "have you had a strong desire or urge to use medications for anxiety or sleep"
                " at least once a week or more often?",
                "has anyone expressed concern about your use of medication for anxiety or sleep?",
                "did you use a medication for ADHD (for example, Adderall, Ritalin) not as prescribed"
                " or that was not prescribed for you?",
                "did you use a medication for ADHD (for example, Adderall, Ritalin) at least once a week or more often?",
                "has anyone expressed concern about your use of a medication for ADHD (for example, Adderall or Ritalin)?",
                "did you use any other illegal or recreational drug (for example, ecstasy/molly, GHB, poppers, LSD,"
                " mushrooms, special K, bath salts, synthetic marijuana ('spice'), whip-its, etc.)?",
            )
        ),
    ],
    "phq-9": [
        ("44250-9", TWO_WEEKS, "Little interest or pleasure in doing things"),
        ("44255-8", TWO_WEEKS, "Feeling down, depressed, or hopeless"),
        ("44259-0", TWO_WEEKS, "Trouble falling or staying asleep, or sleeping too much"),
        ("44254-1", TWO_WEEKS, "Feeling tired or having little energy"),
        ("44251-7", TWO_WEEKS, "Poor appetite or overeating"),
        (
            "44258-2",
            TWO_WEEKS,
            "Feeling bad about yourself — or that you are a failure or have let yourself or your family down",
        ),
        (
            "44252-5",
            TWO_WEEKS,
            "Trouble concentrating on things, such as reading the newspaper or watching television",
        ),
        (
            "44253-3",
            TWO_WEEKS,
            "Moving or speaking so slowly that other people could have noticed? Or the opposite — being so fidgety"
            " or restless that you have been moving around a lot more than usual",
        ),
        ("44260-8", TWO_WEEKS, "Thoughts that you would be better off dead or of hurting yourself in some way"),
        (
            "69722-7",
            DIFFICULT,
            "If you checked off any problems, how difficult have these problems made it for you to do your work,"
            " take care of things at home, or get along with other people?",
        ),
    ],
    "gad-7": [
        ("69725-0", TWO_WEEKS, "Feeling nervous, anxious or on edge"),
        ("68509-9", TWO_WEEKS, "Not being able to stop or control worrying"),
        ("69733-4", TWO_WEEKS, "Worrying too much about different things"),
        ("69734-2", TWO_WEEKS, "Trouble relaxing"),
        ("69735-9", TWO_WEEKS, "Being so restless that it is hard to sit still"),
        ("69689-8", TWO_WEEKS, "Becoming easily annoyed or irritable"),
        ("69736-7", TWO_WEEKS, "Feeling afraid as if something awful might happen"),
    ],
    "pc-ptsd-5": [
        ("102011-4", PLAIN, "Have you ever experienced this kind of event?"),
        (
            "102012-2",
            COUNTED,
            MONTH + "had nightmares about the event(s) or thought about the event(s) when you did not want to?",
        ),
        (
            "102013-0",
            COUNTED,
            MONTH + "tried hard not to think about the event(s) or went out of your way to avoid situations"
            " that reminded you of the event(s)?",
        ),
        ("102014-8", COUNTED, MONTH + "been constantly on guard, watchful, or easily startled?"),
        ("102015-5", COUNTED, MONTH + "felt numb or detached from people, activities, or your surroundings?"),
        (
            "102016-3",
            COUNTED,
            MONTH + "felt guilty or unable to stop blaming yourself or others for the event(s) or any problems"
            " the event(s) may have caused?",
        ),
    ],
}

# The words above the items; the PHQ-9 asks its last question without them, the PC-PTSD-5 only its first one with them.
TWO_WEEKS_STEM = "Over the last 2 weeks, how often have you been bothered by any of the following problems?"
GAD_7_STEM = "Over the last 2 weeks, how often have you been bothered by the following problems?"
EXPOSURE_STEM = (
    "Sometimes things happen to people that are unusually or especially frightening, horrible, or traumatic. For example:"
    " a serious accident or fire a physical or sexual assault or abuse an earthquake or flood a war"
    " seeing someone be killed or seriously injured having a loved one die through homicide or suicide"
)
STEMS = {
    "asq": [""] * 5,
    "audit": [""] * 10,
    "taps": [""] * 32,
    "phq-9": [*[TWO_WEEKS_STEM] * 9, ""],
    "gad-7": [GAD_7_STEM] * 7,
    "pc-ptsd-5": [EXPOSURE_STEM, *[""] * 5],
}
# LOINC codes of panels and scores, and where the published ranges of a score begin.
PANELS = {"audit": "72110-0", "taps": "96841-2", "phq-9": "44249-1", "gad-7": "69737-5", "pc-ptsd-5": "102010-6"}
SCORES: dict[str, tuple[str, list[int]]] = {
    "audit_c_score": ("75626-2", []),
    "audit_total_score": ("75624-7", [0, 8, 16, 20]),
    "phq9_total_score": ("44261-6", [0, 5, 10, 15, 20]),
    "phq9_item9_score": ("", []),
    "gad7_total_score": ("70274-6", [0, 5, 10, 15]),
    "pc_ptsd5_score": ("102017-1", [0, 3, 4]),
    "taps2_tobacco_score": ("", [0, 1, 2]),
    "taps2_alcohol_score": ("", [0, 1, 2]),
    "taps2_cannabis_score": ("", [0, 1, 2]),
    "taps2_stimulant_score": ("", [0, 1, 2]),
    "taps2_heroin_score": ("", [0, 1, 2]),
    "taps2_opioid_medicine_score": ("", [0, 1, 2]),
    "taps2_sedative_score": ("", [0, 1, 2]),
    "taps2_adhd_medicine_score": ("", [0, 1, 2]),
    "taps2_other_score": ("", []),
    "taps2_highest_other_substance_score": ("", []),
}
