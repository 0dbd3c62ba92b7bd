"""Who a worker is, and that there is only one of it.

A worker's identity (``volume node1@fast``) is held by a lock on a file, so
that a second process with the same one does not start.  Whoever holds it
knows that leases of earlier processes with this identity are dead, and gives
them back at once instead of waiting for them to run out.

A shared back end is served by a worker on each of several hosts.  Each has an
identity of its own (``volume node1/shared@ceph``): it frees what its own
predecessor held, while what another host held waits for its lease.
"""

import fcntl
import os
import pathlib

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import uuidutils

from blockstore import exceptions
from blockstore.db import operations as db
from blockstore.db.engine import Database

LOG = logging.getLogger(__name__)


class Identity:
    """The identity of one worker of this process.

    :param kind: ``volume``, ``backup`` or ``scheduler``.
    :param host: the host that it works for; if that is not this host
        itself (``[service] host``), others may work for it, too.
    """

    def __init__(self, conf: cfg.ConfigOpts, kind: str, host: str) -> None:
        own = conf.service.host
        name = host if host.partition('@')[0] == own else f'{own}/{host}'
        self._prefix = f'{kind} {name} '
        #: A name that no other process ever has, for leases.
        self.owner = self._prefix + uuidutils.generate_uuid(dashed=False)
        file_name = f'{kind}-{name}.lock'.replace('/', '_')
        self._path = pathlib.Path(conf.service.state_path) / file_name
        self._file: int | None = None

    def take(self, database: Database) -> None:
        """Become the only one, and free what a dead predecessor held.

        :raises exceptions.Conflict: another process has this identity.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
                             0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise exceptions.Conflict(
                f'another process is {self._prefix.strip()}',
                blockers=[str(self._path)],
                remedy='stop it first, or give this one another [service] '
                       'host') from error
        self._file = descriptor
        with database.write() as tx:
            freed = db.release_all(tx, self._prefix)
        if freed:
            LOG.info('%d operations of an earlier process go on', freed)

    def leave(self) -> None:
        """Let the next process take over."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
