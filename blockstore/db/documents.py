"""Drivers' books: JSON documents of one back end, changed atomically."""

from collections.abc import Iterable
from collections.abc import Mapping
import functools
import json
import typing

import sqlalchemy as sa

from blockstore.db import dialects
from blockstore.db import models
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db.engine import Database

_T = rows.table(models.DriverDocument)
Document = dict[str, typing.Any]


class DatabaseBook:
    """The book of one back end; see ``volume.drivers.base.Book``."""

    def __init__(self, database: Database, backend: str) -> None:
        self._database = database
        self._backend = backend

    def read(self, key: str) -> Document | None:
        """Return a copy of the document, or None."""
        with self._database.read() as tx:
            text = tx.execute(sa.select(_T.c.document).where(
                _T.c.backend == self._backend,
                _T.c.key == key)).scalar_one_or_none()
        return None if text is None else json.loads(text)

    def items(self) -> Iterable[tuple[str, Document]]:
        """Return copies of all documents of this back end."""
        with self._database.read() as tx:
            found = tx.execute(sa.select(_T.c.key, _T.c.document).where(
                _T.c.backend == self._backend)).all()
        return [(key, json.loads(text)) for key, text in found]

    @retry.whole
    def commit(self, changes: Mapping[str, Document | None]) -> None:
        """Write or (None) remove documents: all of them or none."""
        removed = [key for key, document in changes.items()
                   if document is None]
        written = [
            {'backend': self._backend, 'key': key,
             'document': json.dumps(document, separators=(',', ':'))}
            for key, document in changes.items() if document is not None]
        with self._database.write() as tx:
            if removed:
                tx.execute(sa.delete(_T).where(
                    _T.c.backend == self._backend, _T.c.key.in_(removed)))
            if written:
                tx.execute(_write(tx.connection.dialect.name), written)


@functools.lru_cache(8)
def _write(dialect: str) -> sa.Insert:
    """Make the statement that adds a document, or replaces one."""
    return dialects.upsert(dialect, _T, ('backend', 'key'), lambda new: {
        'document': new.document})
