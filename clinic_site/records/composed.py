"""Queries of the pages that people open all day, composed once for each process.

Django composes the text of a statement anew every time it is sent. For one that joins a few tables this takes several
times as long as the database needs to answer it.
"""

import copy
import uuid
from collections.abc import Collection
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.models.lookups import In
from django.db.models.query import ModelIterable

Row = TypeVar("Row", bound=models.Model)


class Given(models.Expression):
    """Stands in a query for a value that comes when it is sent: the key of a row, unless a field says otherwise."""

    def __init__(self, name: str, output_field: Any = None) -> None:
        super().__init__(output_field=output_field or models.UUIDField())
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", (self,)

    def out_of(self, values: dict[str, Any]) -> Any:
        return self.output_field.get_db_prep_value(values[self.name], connection)


class Composed(Generic[Row]):
    """A query whose text stays the same. `rows` are those of the queryset with the values of its `Given`s.

    None of them may be None or a list: those change the text.
    """

    def __init__(self, queryset: "models.QuerySet[Any, Row]") -> None:
        self._queryset = queryset
        self._compiler: Any = None
        self._text = ""
        self._parameters: tuple[Any, ...] = ()

    def rows(self, **values: Any) -> list[Row]:
        statement = self._statement(values)
        # Copies, because another thread may send the same query at this moment with other values.
        compiler = copy.copy(self._compiler)
        query: Any = copy.copy(self._queryset.query)
        compiler.as_sql = lambda: statement
        query.get_compiler = lambda using: compiler
        return list(ModelIterable(models.QuerySet(self._queryset.model, query)))

    def first(self, **values: Any) -> Row | None:
        return next(iter(self.rows(**values)), None)

    def count(self, **values: Any) -> int:
        """How many rows there are, up to the limit of the queryset."""
        text, parameters = self._statement(values)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({text}) AS counted", parameters)  # noqa: S608 - Django's own text
            return int(cursor.fetchone()[0])

    def _statement(self, values: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
        if self._compiler is None:
            compiler = self._queryset.query.get_compiler(connection=connection)
            self._text, self._parameters = compiler.as_sql()
            self._compiler = compiler
        return self._text, tuple(p.out_of(values) if isinstance(p, Given) else p for p in self._parameters)


class ComposedWithin(Generic[Row]):
    """A composed query that finds rows of some clinics only, as `for_user` does: with the text for each number of them.

    No clinics, no rows.
    """

    def __init__(self, queryset: "models.QuerySet[Any, Row]", *, most: int | None = None) -> None:
        self._queryset, self._most = queryset, most
        self._composed: dict[int, Composed[Row]] = {}

    def rows(self, clinics: Collection[uuid.UUID], **values: Any) -> list[Row]:
        return self._for(len(clinics)).rows(**_named(clinics), **values) if clinics else []

    def count(self, clinics: Collection[uuid.UUID], **values: Any) -> int:
        return self._for(len(clinics)).count(**_named(clinics), **values) if clinics else 0

    def _for(self, number: int) -> Composed[Row]:
        if number not in self._composed:
            # Spelled out, because an array of them would keep an index from giving the order.
            clinics = [Given(f"clinic_{index}") for index in range(number)]
            within = self._queryset.filter(In(models.F("clinic_id"), clinics))
            self._composed[number] = Composed(within[: self._most])
        return self._composed[number]


def _named(clinics: Collection[uuid.UUID]) -> dict[str, uuid.UUID]:
    return {f"clinic_{index}": clinic for index, clinic in enumerate(clinics)}
