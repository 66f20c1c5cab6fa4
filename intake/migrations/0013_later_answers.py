from django.db import migrations, models


class Migration(migrations.Migration):
    """What a page save writes, apart from the whole document.

    Room on each page of the table keeps the next version of a row beside it, so that no index is written for it.
    """

    dependencies = [("intake", "0012_return_address_waits")]

    operations = [
        migrations.AddField(
            model_name="questionnaireresponse",
            name="later_answers",
            field=models.BinaryField(default=b""),
        ),
        migrations.RunSQL(
            sql="ALTER TABLE intake_questionnaireresponse SET (fillfactor = 80)",
            reverse_sql="ALTER TABLE intake_questionnaireresponse RESET (fillfactor)",
        ),
    ]
