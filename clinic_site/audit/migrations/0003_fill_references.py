"""Names the record of earlier entries in its own column.

The trigger against changes is lifted for this one statement, before any entry is sealed. Not reversible: the columns go
with the migration before.
"""

from django.db import migrations

_FILL = """
    UPDATE audit_auditevent SET
        reference = left(coalesce(detail->>'reference', detail->>'case', ''), 9),
        listed = ARRAY(SELECT jsonb_array_elements_text(detail->'cases')),
        data = CASE action
            WHEN 'queue.read' THEN ARRAY['case status']
            WHEN 'patient.found' THEN ARRAY['contact']
            WHEN 'case.contact-read' THEN ARRAY['contact']
            WHEN 'case.read' THEN ARRAY['answers', 'findings', 'contact', 'notes and decision']
            ELSE ARRAY[]::varchar[] END
    WHERE detail->>'reference' IS NOT NULL OR detail->>'case' IS NOT NULL OR jsonb_typeof(detail->'cases') = 'array'
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_trail_and_seals")]

    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE audit_auditevent DISABLE TRIGGER USER",
                _FILL,
                "ALTER TABLE audit_auditevent ENABLE TRIGGER USER",
            ],
            migrations.RunSQL.noop,
        )
    ]
