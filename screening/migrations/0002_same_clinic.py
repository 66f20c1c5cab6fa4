from django.db import migrations

from clinic_site.records.rows import SameClinic


class Migration(migrations.Migration):
    dependencies = [("screening", "0001_initial"), ("intake", "0002_same_clinic")]

    operations = [
        SameClinic("screening_case", [("response_id", "intake_questionnaireresponse")]),
        SameClinic("screening_assessment", [("case_id", "screening_case")]),
        SameClinic(
            "screening_detectedissue", [("case_id", "screening_case"), ("assessment_id", "screening_assessment")]
        ),
        SameClinic("screening_observation", [("case_id", "screening_case")]),
        SameClinic("screening_disposition", [("case_id", "screening_case"), ("issue_id", "screening_detectedissue")]),
        SameClinic("screening_decision", [("case_id", "screening_case"), ("assessment_id", "screening_assessment")]),
        SameClinic("screening_caseevent", [("case_id", "screening_case")]),
    ]
