"""Is this the password?  bcrypt, but not at every request.

bcrypt takes a quarter of a second on purpose.  What it found is remembered
for a while, under a keyed hash of the password and of the user's hash: the
key is random, made by this process and never leaves it; no password is kept.
A user's new hash has another key, so the old password ends at once.
"""

import hashlib
import hmac
import os
import secrets
import threading
import time

import bcrypt
import cachetools

from blockstore import errors
from blockstore import exceptions
from blockstore.api.auth.user_file import User

#: bcrypt would ignore what comes after.
MOST_BYTES = 72
_REMEMBERED = 4096
# A client with a wrong password must not keep a processor busy.
_SECONDS_REFUSED = 10
_SECONDS_IN_LINE = 5
_LOCKS = 64


class Passwords:
    """Checks passwords; for many threads.

    :param seconds: for how long a right one is not computed again.
    """

    def __init__(self, seconds: int) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._right: cachetools.TTLCache[bytes, bool] = cachetools.TTLCache(
            _REMEMBERED if seconds else 0, seconds, timer=time.monotonic)
        self._wrong: cachetools.TTLCache[bytes, bool] = cachetools.TTLCache(
            _REMEMBERED, _SECONDS_REFUSED, timer=time.monotonic)
        # Equal ones are computed once; and never by all processors.
        self._same = [threading.Lock() for _ in range(_LOCKS)]
        self._turns = threading.BoundedSemaphore(
            max(1, (os.cpu_count() or 1) // 2))
        # What a name is compared with that does not exist: takes as long.
        self._nobody = bcrypt.gensalt().decode() + '.' * 31

    def is_right(self, user: User | None, password: bytes) -> bool:
        """Tell whether a password is that of a user.

        :param user: None is nobody, whose password is never right.
        :raises exceptions.Unavailable: too many are asking.
        """
        if len(password) > MOST_BYTES or b'\0' in password:
            return False
        password_hash = (user.password_hash if user else self._nobody)
        digest = hmac.digest(
            self._key, password_hash.encode() + b'\0' + password,
            hashlib.sha256)
        known = self._remembered(digest)
        if known is None:
            with self._same[digest[0] % _LOCKS]:
                known = self._remembered(digest)
                if known is None:
                    known = self._compute(password, password_hash, digest)
        return known and user is not None

    def _remembered(self, digest: bytes) -> bool | None:
        with self._lock:
            if digest in self._right:
                return True
            return False if digest in self._wrong else None

    def _compute(self, password: bytes, password_hash: str,
                 digest: bytes) -> bool:
        if not self._turns.acquire(timeout=_SECONDS_IN_LINE):
            raise exceptions.Unavailable(
                'too many passwords are being checked',
                code=errors.AUTH_UNAVAILABLE,
                remedy='repeat the request later')
        try:
            right = bcrypt.checkpw(password, password_hash.encode())
        finally:
            self._turns.release()
        remembered = self._right if right else self._wrong
        with self._lock:
            if remembered.maxsize:
                remembered[digest] = True
        return right
