"""Queries that are put together once. For a page that asks many small ones, that takes longer than asking."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.utils.functional import cached_property

_KEY = 0x7A11_0000_DA11_0001  # stands for the key until it is known


class Prepared:
    """`write(key)` is a queryset of `values()` about one row, whose only use of `key` is as an integer parameter."""

    def __init__(self, write: Callable[[int], QuerySet[Any]]) -> None:
        self._write = write

    def rows(self, key: int) -> Iterator[dict[str, Any]]:
        compiler, names, sql, params = self._written
        with connection.cursor() as cursor:
            cursor.execute(sql, [key if value == _KEY else value for value in params])
            found = cursor.fetchall()
        for row in compiler.results_iter([found], tuple_expected=True):
            yield dict(zip(names, row, strict=True))

    @cached_property
    def _written(self) -> tuple[SQLCompiler, list[str], str, tuple[Any, ...]]:
        query = self._write(_KEY).query
        compiler = query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        return compiler, list(query.selected or ()), sql, params
