"""What SQLite and PostgreSQL spell differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def upsert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that knows ON CONFLICT."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


class BitCount(FunctionElement[int]):
    """How many bits of a whole number are set."""

    name = "bit_count"
    type = Integer()
    inherit_cache = True


@compiles(BitCount)
def _call(element: BitCount, compiler: SQLCompiler, **options: Any) -> str:
    return f"bit_count({compiler.process(element.clauses, **options)})"


@compiles(BitCount, "postgresql")
def _call_on_bits(element: BitCount, compiler: SQLCompiler, **options: Any) -> str:
    # PostgreSQL counts the bits of bit strings
    return f"bit_count(CAST({compiler.process(element.clauses, **options)} AS BIT(64)))"
