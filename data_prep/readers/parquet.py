"""Parquet files, as data sets are published in; a language a column, inside a struct or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from data_prep.batch import Rejected
from data_prep.readers.columns import ColumnFile, row_of
from data_prep.readers.compression import BLOCK
from data_prep.readers.foreign import PARQUET
from data_prep.readers.opening import kind_of
from data_prep.readers.rows import INVALID_UTF8, LONGEST, Item, Row, excerpt, on_one_line
from data_prep.readers.source import EmptySource
from mtdeep.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 1024  # decoded at a time, whatever the batches' size


@dataclass(frozen=True)
class Parquet(ColumnFile):
    """A Parquet file.

    columns: language -> its column of strings; `translation.en` is the field `en` of the struct `translation`. A null
    is a gap.
    id, score: the columns of the row's name (text or whole number) and score; null is the empty name and NaN.
    longest: characters of the longest text that is taken.
    """

    libraries: ClassVar[tuple[str, ...]] = ("pyarrow",)
    path: Path
    columns: Mapping[str, str]
    id: str | None = None
    score: str | None = None
    longest: int = LONGEST

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the columns."""
        return self.columns

    @property
    def nothing(self) -> EmptySource:
        """Return what to raise for a file without rows."""
        return EmptySource(str(self.path), "no row in it; leave it out")

    def items(self) -> Iterator[Item]:
        """Yield the rows; raises UserError for a damaged file, a missing column and one of another type."""
        import pyarrow as pa
        import pyarrow.parquet as pq  # for the corpora that need it

        row = 0
        try:
            schema = pq.read_schema(self.path)
            asked = self._checked(schema)
            # Texts as indices into a dictionary: a long text that stands in all rows would fill memory if written out.
            # Not those in structs, which pyarrow cannot read so across row groups.
            flat = [column for column in self.columns.values() if column in schema.names]
            with pq.ParquetFile(self.path, read_dictionary=flat, pre_buffer=False, buffer_size=BLOCK) as file:
                for batch in file.iter_batches(batch_size=_ROWS, columns=asked):
                    values = {column: _values(_column(batch, column)) for column in asked}
                    for i in range(batch.num_rows):
                        yield self._row({column: texts[i] for column, texts in values.items()}, f"row {row + 1}")
                        row += 1
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last for names that are no UTF-8
            if not row and (kind := kind_of(self.path)) and kind is not PARQUET:
                raise UserError(f"{self.path}: {kind.name}, no Parquet file; {kind.remedy}") from error
            what = on_one_line(str(error))
            raise UserError(
                f"{self.path}: cannot be read as Parquet from row {row + 1} on ({what}); fetch it again"
            ) from error

    def _checked(self, schema: pa.Schema) -> list[str]:
        """Return the columns to read. Raises UserError when one is not there or has no text where text is asked for."""
        import pyarrow.types as kinds

        tests = (kinds.is_string, kinds.is_large_string, kinds.is_string_view, kinds.is_null)
        for column in self.columns.values():
            kind = self._type(schema, column)
            kind = kind.value_type if kinds.is_dictionary(kind) else kind
            if not any(test(kind) for test in tests):
                what = on_one_line(str(kind))
                raise UserError(f"{self.path}: column {column!r} holds {what}, not text; name another")
        rest = [column for column in (self.id, self.score) if column is not None]
        for column in rest:
            kind = self._type(schema, column)
            kind = kind.value_type if kinds.is_dictionary(kind) else kind
            if not any(test(kind) for test in (*tests, kinds.is_integer, kinds.is_floating)):
                what = on_one_line(str(kind))
                raise UserError(f"{self.path}: column {column!r} holds {what}, neither text nor numbers; name another")
        return list(dict.fromkeys([*self.columns.values(), *rest]))

    def _type(self, schema: pa.Schema, column: str) -> pa.DataType:
        import pyarrow.types as kinds

        if schema.names.count(column) > 1:
            raise UserError(f"{self.path}: {schema.names.count(column)} columns {column!r}; name another")
        if column in schema.names:
            return schema.field(column).type
        name, *parts = column.split(".")
        fields: Any = schema
        for part in (name, *parts):
            if (fields is not schema and not kinds.is_struct(fields)) or fields.get_field_index(part) < 0:
                names = on_one_line(", ".join(schema.names))
                raise UserError(f"{self.path}: no column {column!r} among {names}; name one")
            fields = fields.field(part).type
        return fields

    def _row(self, values: Mapping[str, Any], place: str) -> Row | Rejected:
        texts = [values[column] for column in self.columns.values()]
        bad = next((text for text in texts if isinstance(text, bytes)), None)
        if bad is not None:
            return Rejected(INVALID_UTF8, place, excerpt(bad[:1000].decode("utf-8", "backslashreplace")))
        name = values[self.id] if self.id is not None else None
        score = values[self.score] if self.score is not None else None
        return row_of(texts, name, score, place)


def _column(batch: pa.RecordBatch, column: str) -> pa.Array:
    import pyarrow.compute as pc

    if column in batch.schema.names:
        return batch.column(column)
    name, *parts = column.split(".")
    return pc.struct_field(batch.column(name), parts)


def _values(column: pa.Array) -> list[Any]:
    """Return a column's values; a text that is no UTF-8 as its bytes, equal texts of a dictionary as one object."""
    import pyarrow as pa

    if not isinstance(column, pa.DictionaryArray):
        return _texts(column)
    used, places = np.unique(column.indices.fill_null(-1).to_numpy(), return_inverse=True)
    known = used[used >= 0]
    texts: list[Any] = [None] * (len(used) - len(known)) + _texts(column.dictionary.take(pa.array(known)))
    return [texts[place] for place in places.tolist()]


def _texts(column: pa.Array) -> list[Any]:
    import pyarrow as pa

    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        return [_decoded(value) for value in column.cast(pa.large_binary()).to_pylist()]


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return value
