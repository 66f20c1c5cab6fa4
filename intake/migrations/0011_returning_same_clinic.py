from django.db import migrations

from clinic_site.records.rows import SameClinic


class Migration(migrations.Migration):
    dependencies = [("intake", "0010_returning")]

    operations = [SameClinic("intake_returnkey", [("response_id", "intake_questionnaireresponse")])]
