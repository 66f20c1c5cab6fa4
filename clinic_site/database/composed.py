"""Querysets of fixed shape, composed once.

Django composes the SQL of a queryset anew each time it runs, which for a row with its relations takes longer than the
database needs to find it. What is read for every page is therefore composed at its first use and kept by the process.
"""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


class _Statement(NamedTuple):
    """SQL, and how a row of its answer becomes an instance with its relations: as in Django's `ModelIterable`."""

    sql: str
    compiler: Any
    converters: dict[int, Any]
    model: Any
    own_columns: slice
    attributes: list[str]
    populators: list[Any]


class Composed(Generic[M]):
    """The rows of `compose(*values)`: a queryset of model instances whose parameters are just `values`, in that order.

    Only the values may differ from one use to the next, never the shape. Raises ValueError at the first use when the
    queryset has other parameters.
    """

    def __init__(self, compose: Callable[..., QuerySet[M]]) -> None:
        self._compose = compose
        self._statement: _Statement | None = None

    def rows(self, *values: Any) -> list[M]:
        statement = self._statement = self._statement or _composed(self._compose(*values), values)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, values)
            rows = cursor.fetchall()
        if statement.converters:
            rows = statement.compiler.apply_converters(rows, statement.converters)
        return [_instance(statement, row) for row in rows]

    def first(self, *values: Any) -> M | None:
        return next(iter(self.rows(*values)), None)


def _composed(queryset: QuerySet[Any], values: tuple[Any, ...]) -> _Statement:
    compiler = queryset.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    if tuple(parameters) != values:
        raise ValueError(f"The queryset asks for {len(parameters)} parameters, or for others than it was given.")
    kinds, fields = compiler.klass_info, compiler.klass_info["select_fields"]
    own = slice(fields[0], fields[-1] + 1)
    return _Statement(
        sql,
        compiler,
        compiler.get_converters([column[0] for column in compiler.select]),
        kinds["model"],
        own,
        [column[0].target.attname for column in compiler.select[own]],
        get_related_populators(kinds, compiler.select, connection.alias),  # type: ignore[call-arg]
    )


def _instance(statement: _Statement, row: Any) -> Any:
    instance = statement.model.from_db(connection.alias, statement.attributes, row[statement.own_columns])
    for populator in statement.populators:
        populator.populate(row, instance)
    return instance
