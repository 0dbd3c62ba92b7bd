"""The users of ``http_basic``: one file, one line each.

    # name:bcrypt-hash[:project[:role,role]]
    alice:$2y$12$…:0123456789abcdef0123456789abcdef:member

The first two fields are those of Apache's ``htpasswd -B``.  What the others
leave out is in ``[auth] http_basic_project`` and ``http_basic_roles``.  A
line that cannot be read keeps that user out, and nobody else.
"""

from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import dataclasses
import os
import re
import tempfile
import threading

from oslo_config import cfg
from oslo_log import log as logging

from blockstore import errors
from blockstore import exceptions

LOG = logging.getLogger(__name__)

_HASH = re.compile(r'\$2[aby]\$(0[4-9]|1\d|2\d|3[01])\$[./A-Za-z0-9]{53}')
_MODE = 0o640
_Stamp = tuple[int, int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """One line of the file."""

    name: str
    password_hash: str = dataclasses.field(repr=False)
    project_id: str
    roles: tuple[str, ...]


def parse(line: str, project_id: str, roles: Sequence[str]) -> User:
    """Read one line.

    :param project_id: the project, and ``roles`` the roles, if it has none.
    :raises ValueError: saying what is wrong, without the line itself.
    """
    fields = line.split(':')
    if not 2 <= len(fields) <= 4:
        raise ValueError('it has not two to four fields')
    name, password_hash, *more = (field.strip() for field in fields)
    if not name:
        raise ValueError('it has no name')
    if not _HASH.fullmatch(password_hash):
        raise ValueError('its password is no bcrypt hash (htpasswd -B)')
    named = [role.strip() for role in more[1].split(',')] if (
        len(more) > 1) else []
    return User(name, password_hash, (more[0] if more else '') or project_id,
                tuple(role for role in named if role) or tuple(roles))


class UserFile:
    """The file as it is now: read again whenever it has changed.

    :param path: it must be there, but not have any users yet.
    """

    def __init__(self, path: str, project_id: str,
                 roles: Sequence[str]) -> None:
        self.path = path
        self._project_id = project_id
        self._roles = tuple(roles)
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._users: dict[str, User] = {}

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> 'UserFile':
        """Return the file that the configuration names."""
        group = conf.auth
        return cls(group.http_basic_user_file, group.http_basic_project,
                   group.http_basic_roles)

    def users(self) -> dict[str, User]:
        """Return the users by their names.

        :raises exceptions.Unavailable: the file cannot be read.
        """
        try:
            if _stamp(os.stat(self.path)) != self._stamp:
                with self._lock:
                    self._read()
        except (OSError, UnicodeError) as error:
            LOG.error('The users cannot be read from %s: %s', self.path,
                      error)
            raise exceptions.Unavailable(
                'the users of this service cannot be looked up now',
                code=errors.AUTH_UNAVAILABLE,
                remedy='tell the operator') from None
        return self._users

    def _read(self) -> None:
        with open(self.path, encoding='utf-8') as file:
            status = os.fstat(file.fileno())
            if _stamp(status) == self._stamp:
                return
            text = file.read()
        if status.st_mode & 0o007:
            LOG.warning('Everybody on this host may read or write %s: '
                        'chmod 640', self.path)
        users: dict[str, User] = {}
        for number, line in _lines(text):
            try:
                user = parse(line, self._project_id, self._roles)
            except ValueError as error:
                LOG.error('%s, line %s does not count: %s', self.path,
                          number, error)
                continue
            if user.name in users:
                LOG.warning('%s, line %s: the user is there twice, the last '
                            'line counts', self.path, number)
            users[user.name] = user
        if self._stamp is not None:
            LOG.info('%s has changed: %s users', self.path, len(users))
        self._users = users
        self._stamp = _stamp(status)


def write(path: str, name: str, line: str | None) -> bool:
    """Put a user's line into the file, or take it out (None).

    The file is replaced as a whole; other lines and comments stay.  Returns
    whether the user was there before.
    """
    kept: list[str] = []
    found = False
    status = None
    with (contextlib.suppress(FileNotFoundError),
          open(path, encoding='utf-8') as file):
        status = os.fstat(file.fileno())
        for old in file.read().splitlines():
            if old.partition(':')[0].strip() != name:
                kept.append(old)
            elif not found:
                found = True
                kept.extend([] if line is None else [line])
    if line is not None and not found:
        kept.append(line)
    _replace(path, ''.join(f'{one}\n' for one in kept), status)
    return found


def _replace(path: str, text: str, like: os.stat_result | None) -> None:
    folder = os.path.dirname(os.path.abspath(path))
    descriptor, temporary = tempfile.mkstemp(prefix='.users-', dir=folder)
    try:
        with open(descriptor, 'w', encoding='utf-8') as file:
            file.write(text)
            if like is not None:
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor,
                      _MODE if like is None else like.st_mode & 0o777)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith('#'):
            yield number, line


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_ino, status.st_mtime_ns, status.st_size
