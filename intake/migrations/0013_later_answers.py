from django.db import migrations, models

# Without the column the pages that stand in it are lost, and an earlier version could not read them anyway.
REFUSE = """
    DO $$ BEGIN
        PERFORM set_config('app.clinics', 'everything', true);
        IF EXISTS (SELECT 1 FROM intake_questionnaireresponse WHERE later_answers <> '') THEN
            RAISE EXCEPTION 'Saved pages stand in later_answers and would be lost. Restore the backup of before instead.';
        END IF;
    END $$
"""


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
        migrations.RunSQL(sql=migrations.RunSQL.noop, reverse_sql=REFUSE),
        migrations.RunSQL(
            sql="ALTER TABLE intake_questionnaireresponse SET (fillfactor = 80)",
            reverse_sql="ALTER TABLE intake_questionnaireresponse RESET (fillfactor)",
        ),
    ]
