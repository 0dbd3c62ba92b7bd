"""What the views of several nouns share."""

import datetime


def time(value: datetime.datetime | None) -> str | None:
    """Return a time as the API writes it: microseconds, no zone."""
    if value is None:
        return None
    return value.isoformat(timespec='microseconds')
