"""The shape of every clinical row: a UUIDv7 key, a clinic, and what the database itself refuses."""

from collections.abc import Sequence
from typing import Any

import pgtrigger
from django.db import migrations, models

from clinic_site.records.identifiers import uuid7


class ClinicRow(models.Model):
    """A row that belongs to one clinic.

    Every subclass makes (clinic, id) unique, so that rows can refer to it within their clinic only.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Never looked up alone: an index of its own would be written with every row (a submit may cost 10 kB of WAL).
    clinic = models.ForeignKey(
        "clinics.Clinic", on_delete=models.PROTECT, editable=False, related_name="+", db_index=False
    )

    class Meta:
        abstract = True


def clinic_key(table: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(fields=["clinic", "id"], name=f"{table}_clinic_key")


def append_only(*, once: str = "", unless_only: str = "") -> list[pgtrigger.Trigger]:
    """Triggers that refuse UPDATE, DELETE and TRUNCATE.

    `once` (SQL over OLD) narrows them to rows that are frozen already; `unless_only` (SQL over OLD and NEW) says which
    change of a frozen row is refused, for rows that still move on to another status.

    Where most updates are fine the trigger comes after them: one that comes before has each row locked once more.
    """
    frozen = f"({once})" if once else "(true)"
    changed = f"({unless_only})" if unless_only else "(true)"
    return [
        pgtrigger.Protect(
            name="no_update",
            when=pgtrigger.After if once else pgtrigger.Before,
            operation=pgtrigger.Update,
            condition=pgtrigger.Condition(f"({frozen} AND {changed})"),
        ),
        pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete, condition=pgtrigger.Condition(frozen)),
        pgtrigger.Trigger(
            name="no_truncate",
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            level=pgtrigger.Statement,
            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
        ),
    ]


class SameClinic(migrations.RunSQL):
    """Composite foreign keys.

    (clinic_id, column) must be a (clinic_id, id) of the table pointed to, so that no row can reach into another
    clinic.
    """

    def __init__(self, table: str, references: Sequence[tuple[str, str]], **_: Any) -> None:
        self.table, self.references = table, list(references)
        names = [(column, target, f"{table}_{column}_same_clinic") for column, target in references]
        super().__init__(
            sql=[
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (clinic_id, {column})"
                f" REFERENCES {target} (clinic_id, id) DEFERRABLE INITIALLY IMMEDIATE"
                for column, target, name in names
            ],
            reverse_sql=[f"ALTER TABLE {table} DROP CONSTRAINT {name}" for _, _, name in names],
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, [self.table, self.references], {})
