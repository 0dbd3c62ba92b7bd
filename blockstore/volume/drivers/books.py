"""Books for drivers that run without the service's database (tests, tools).

>>> book = MemoryBook()
>>> book.commit({'volume:1': {'size': 1}, 'volume:0': None})
"""

from collections.abc import Mapping
import copy
import json
import os
import threading

from blockstore.volume.drivers.base import Document


class MemoryBook:
    """Facts that live as long as the object."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._lock = threading.Lock()

    def read(self, key: str) -> Document | None:
        """Return a copy of the document, or None."""
        with self._lock:
            return copy.deepcopy(self._documents.get(key))

    def items(self) -> list[tuple[str, Document]]:
        """Return copies of all documents, sorted by key."""
        with self._lock:
            return copy.deepcopy(sorted(self._documents.items()))

    def commit(self, changes: Mapping[str, Document | None]) -> None:
        """Write or remove documents: all of them or none."""
        with self._lock:
            documents = dict(self._documents)
            for key, document in changes.items():
                if document is None:
                    documents.pop(key, None)
                else:
                    documents[key] = json.loads(json.dumps(document))
            self._store(documents)
            self._documents = documents

    def _store(self, documents: dict[str, Document]) -> None:
        """Make the documents durable before they count."""


class FileBook(MemoryBook):
    """Facts in one JSON file, replaced as a whole by each commit."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        if os.path.exists(path):
            with open(path, encoding='utf-8') as source:
                self._documents = json.load(source)

    def _store(self, documents: dict[str, Document]) -> None:
        fresh = self._path + '.new'
        with open(fresh, 'w', encoding='utf-8') as target:
            json.dump(documents, target, indent=1, sort_keys=True)
            target.flush()
            os.fsync(target.fileno())
        os.rename(fresh, self._path)
        directory = os.open(os.path.dirname(self._path) or '.', os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
