"""What the views of several nouns share."""

import datetime

from blockstore.lifecycle.statuses import SHOWN


def time(value: datetime.datetime | None) -> str | None:
    """Return a time as the API writes it: microseconds, no zone."""
    if value is None:
        return None
    return value.isoformat(timespec='microseconds')


def status(stored: str) -> str:
    """Return a status as clients know it."""
    return SHOWN.get(stored, stored)
