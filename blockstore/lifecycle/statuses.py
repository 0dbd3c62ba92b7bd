"""Statuses that clients see by another name.

They tell whose bytes a row has: those that were being taken over, or could
not be, are never removed with it.  Clients know the words of the creation.
"""

from collections.abc import Iterable

SHOWN = {'managing': 'creating', 'error_managing': 'error',
         'error_managing_deleting': 'deleting'}


def stored(shown: str) -> Iterable[str]:
    """Return what is meant by a status that a client names."""
    return [shown, *(one for one, known in SHOWN.items() if known == shown)]
