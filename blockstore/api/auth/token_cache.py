"""Remembers what Keystone said of a token, in the memory of this process.

keystonemiddleware's own cache in memory is deprecated: it grows without
bounds, and walks over all of it at every request.  This one has a bound in
bytes.  The keys are hashes of the tokens; no token is kept.
"""

import threading
import time

import cachetools

MOST_BYTES = 16 * 1024 * 1024


class TokenCache:
    """The part of a memcached client that keystonemiddleware uses.

    :param seconds: how long something is remembered; 0 or less: not at all.
    """

    def __init__(self, seconds: int, most_bytes: int = MOST_BYTES) -> None:
        self._lock = threading.Lock()
        self._enabled = seconds > 0
        self._most_bytes = most_bytes
        self._values: cachetools.TTLCache[str, bytes] = cachetools.TTLCache(
            most_bytes, max(seconds, 0), timer=time.monotonic,
            getsizeof=len)

    def get(self, key: str) -> bytes | None:
        """Return what is known, or None."""
        with self._lock:
            value: bytes | None = self._values.get(key)
            return value

    def set(self, key: str, value: bytes, time: int = 0) -> None:
        """Remember something for as long as this cache remembers."""
        if self._enabled and len(value) <= self._most_bytes:
            with self._lock:
                self._values[key] = value
