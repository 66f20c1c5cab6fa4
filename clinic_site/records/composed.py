"""Statements of the pages that people open all day, composed once for each process.

Django composes the text of a statement anew every time it is sent. For one that joins a few tables this takes several
times as long as the database needs to answer it.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.models.lookups import In
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery
from psycopg import sql

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


class _Statement:
    """The text of a query, and how its rows become instances: read off the compiler as Django's ModelIterable does."""

    def __init__(self, queryset: "models.QuerySet[Any, Any]") -> None:
        compiler: Any = queryset.query.get_compiler(connection=connection)
        self.text, self.givens = _with_constants(*compiler.as_sql())
        columns, own = compiler.select, compiler.klass_info["select_fields"]
        self.compiler, self.model = compiler, compiler.klass_info["model"]
        self.converters = compiler.get_converters([column for column, *_ in columns])
        self.own = slice(own[0], own[-1] + 1)
        self.fields = [column.target.attname for column, *_ in columns[self.own]]
        self.related = get_related_populators(compiler.klass_info, columns, connection.alias)  # type: ignore[call-arg]
        self.annotations = compiler.annotation_col_map.items()

    def sent(self, values: dict[str, Any], *, counting: bool = False) -> list[Any]:
        text = f"SELECT count(*) FROM ({self.text}) AS counted" if counting else self.text  # noqa: S608 - Django's own
        with connection.cursor() as cursor:
            cursor.execute(text, [given.out_of(values) for given in self.givens])
            return cursor.fetchall()

    def instances(self, rows: Iterable[Any]) -> Iterator[Any]:
        for row in self.compiler.apply_converters(rows, self.converters) if self.converters else rows:
            instance = self.model.from_db(connection.alias, self.fields, row[self.own])
            for related in self.related:
                related.populate(row, instance)
            for name, position in self.annotations:
                setattr(instance, name, row[position])
            yield instance


def _with_constants(text: str, parameters: Sequence[Any]) -> tuple[str, list[Given]]:
    """The text with everything but its `Given`s in place: PostgreSQL can plan for "is not decided" once and for all,
    and not for "is not $1"."""
    first, *others = text.split("%s")
    parts, givens = [first], []
    for parameter, following in zip(parameters, others, strict=True):
        if isinstance(parameter, Given):
            givens.append(parameter)
            parts.append("%s")
        else:
            parts.append(sql.Literal(parameter).as_string().replace("%", "%%"))
        parts.append(following)
    return "".join(parts), givens


class Composed(Generic[Row]):
    """A query whose text stays the same. `rows` are those of the queryset with the values of its `Given`s.

    None of them may be None or a list: those change the text.
    """

    def __init__(self, queryset: "models.QuerySet[Any, Row]") -> None:
        self._queryset = queryset

    def rows(self, **values: Any) -> list[Row]:
        return list(self._statement.instances(self._statement.sent(values)))

    def first(self, **values: Any) -> Row | None:
        return next(iter(self.rows(**values)), None)

    def count(self, **values: Any) -> int:
        """How many rows there are, up to the limit of the queryset."""
        [[number]] = self._statement.sent(values, counting=True)
        return int(number)

    @cached_property
    def _statement(self) -> _Statement:
        return _Statement(self._queryset)


def insert(rows: Iterable[models.Model]) -> None:
    """Writes new rows, of one model or of several, in one statement.

    Its text is composed once for each number of them. As `bulk_create` does, it sends no signal; and it reads nothing
    back, so a generated column stays unknown.
    """
    by_model: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for row in rows:
        by_model[type(row)].append(row)
    if not by_model:
        return
    text, fields = _insertion(tuple((model, len(own)) for model, own in by_model.items()))
    places = [(row, field) for model, own in by_model.items() for row in own for field in fields[model]]
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for row, field in places]
    with connection.cursor() as cursor:
        cursor.execute(text, values)
    for own in by_model.values():
        for row in own:
            row._state.adding, row._state.db = False, connection.alias


@lru_cache(maxsize=256)
def _insertion(shape: tuple[tuple[type[models.Model], int], ...]) -> tuple[str, dict[type[models.Model], list[Any]]]:
    """Each model but the last one stands in a WITH: PostgreSQL looks at foreign keys when all of it is done."""
    fields: dict[type[models.Model], list[Any]] = {}
    parts = []
    for model, number in shape:
        own = fields[model] = [field for field in model._meta.concrete_fields if not field.generated]
        compiler = InsertQuery(model).get_compiler(connection=connection)
        places = [f.get_placeholder(None, compiler, connection) if hasattr(f, "get_placeholder") else "%s" for f in own]
        columns = ", ".join(connection.ops.quote_name(field.column) for field in own)
        table, row = connection.ops.quote_name(model._meta.db_table), f"({', '.join(places)})"
        parts.append(f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * number)}")  # noqa: S608 - names
    named = ", ".join(f"part_{number} AS ({part})" for number, part in enumerate(parts[:-1]))
    return f"WITH {named} {parts[-1]}" if named else parts[-1], fields


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
