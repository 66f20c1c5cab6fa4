from django.db import migrations

from clinic_site.records.rows import SameClinic


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_initial"), ("encryption", "0001_initial")]

    operations = [
        SameClinic("intake_questionnaireresponse", [("data_key_id", "encryption_datakey")]),
        SameClinic("intake_patient", [("response_id", "intake_questionnaireresponse")]),
        SameClinic("intake_consent", [("response_id", "intake_questionnaireresponse")]),
    ]
