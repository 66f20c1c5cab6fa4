from django.db import migrations

from clinic_site.records.rows import SameClinic


class Migration(migrations.Migration):
    """The one reference between clinical rows that a test of the catalogue found without its clinic."""

    dependencies = [("screening", "0005_case_least_severe")]

    operations = [SameClinic("screening_caseevent", [("decision_id", "screening_decision")])]
