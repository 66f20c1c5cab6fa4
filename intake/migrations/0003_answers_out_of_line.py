from django.db import migrations


class Migration(migrations.Migration):
    """Sealed bytes do not compress, and a document kept out of line is not written again when another column of its row changes."""

    dependencies = [("intake", "0002_same_clinic")]

    operations = [
        migrations.RunSQL(
            sql="ALTER TABLE intake_questionnaireresponse ALTER COLUMN answers SET STORAGE EXTERNAL",
            reverse_sql="ALTER TABLE intake_questionnaireresponse ALTER COLUMN answers SET STORAGE EXTENDED",
        )
    ]
