"""Separate daemons under test: one of them is killed, the others go on.

They look like the one process of :mod:`.process`, but that a crossing is
named after the daemon that makes it, and that a daemon which dies is started
again at once, as systemd does, while whoever waits for it goes on waiting.
"""

import pathlib
import signal
import subprocess
import threading
import time
import typing

from blockstore.db import migration
from blockstore.db.engine import Database
from blockstore.tests import rest
from blockstore.tests.crash import arming
from blockstore.tests.crash import nursery
from blockstore.tests.crash import process
from blockstore.tests.crash import storage
from blockstore.tests.crash.crossings import Crossing
from blockstore.tests.integration import daemon
from blockstore.tests.integration import fleet

KINDS = ('scheduler', 'volume', 'backup', 'api')
#: Seconds after which nobody waits any more for the answer of a dead daemon.
SILENCE = 4
_HOST = 'node1'
_OPTIONS = {
    ('DEFAULT', 'debug'): False,
    ('service', 'service_down_time'): 600,
    ('operations', 'lease'): process.LEASE,
    ('operations', 'poll_interval'): 0.3,
    ('rpc', 'silence_timeout'): SILENCE,
    ('store', 'chunk_size'): process.CHUNK,
    ('store', 'workers'): 2,
    ('store', 'journal_chunks'): 2,
    ('store', 'journal_seconds'): 30,
    ('quota', 'volumes'): 100,
    ('quota', 'snapshots'): 100,
    ('quota', 'backups'): 100,
}


class Nursed(daemon.Daemon):
    """A daemon that can be armed, and starts at once."""

    def __init__(self, name: str, module: str,
                 files: typing.Sequence[pathlib.Path],
                 directory: pathlib.Path,
                 environment: typing.Mapping[str, str] | None = None,
                 ) -> None:
        super().__init__(name, module, files, directory, environment)
        self.arm = arming.Arm(directory / f'{name}.arm')
        self._run = directory / _HOST / 'run'
        self._nursery: nursery.Nursery | None = None

    def spawn(self) -> daemon.Process:
        """Make its process."""
        if self._nursery is None:
            self._nursery = nursery.Nursery(
                self.module, self.files, self.arm.path, self.log, self._run,
                self.environment)
        return self._nursery.start()

    def end(self) -> None:
        """End it for good."""
        if self._nursery is not None:
            self.kill()
            self._nursery.end()
            self._nursery = None


class Separate:
    """One daemon of each kind over RabbitMQ and a database.

    :param database: empty.
    :param options: further ones, for all daemons.
    """

    def __init__(self, database: Database,
                 options: fleet.Options | None = None) -> None:
        migration.sync(database)
        self.database_url = database.engine.url.render_as_string(
            hide_password=False)
        self._fleet = fleet.Fleet(
            self.database_url, options={**_OPTIONS, **(options or {})},
            kind=Nursed)
        self._fleet.setUp()
        self.directory = self._fleet.directory
        self.store = self._fleet.store
        self._daemons = {kind: typing.cast(Nursed, self._fleet.add(kind))
                         for kind in KINDS}
        #: When the last strike has hit.
        self.struck_at: float | None = None
        self._target: Crossing | None = None
        self._supervisor: threading.Thread | None = None
        self._over = threading.Event()
        self._fault = ''

    # What its checks look at.

    @property
    def backends(self) -> typing.Any:
        """Return where its volumes are."""
        return self._fleet.backends

    def quota(self) -> typing.Any:
        """Return what is counted for the project."""
        return self._fleet.quota()

    def words(self) -> str:
        """Return all that the daemons have logged."""
        return self._fleet.words()

    def last_words(self) -> str:
        """Return what each daemon has said lately."""
        return '\n'.join(f'== {kind}\n{one.last_words(12_000)}'
                         for kind, one in self._daemons.items())

    # Start and end.

    def start(self) -> None:
        """Start all, and wait until all are ready."""
        self._fleet.start()

    def end(self) -> None:
        """End all."""
        self._calm()
        for one in self._daemons.values():
            one.end()
        for backend in self.backends:
            storage.kill_all(str(backend.run))
        self._fleet.cleanUp()

    def dead(self) -> bool:
        """Tell that there is no need to go on: never, others live."""
        return False

    def revive(self, target: Crossing | None = None) -> None:
        """See to it that the one that was to die has died and is back.

        :param target: where one is to die from now on.
        :raises rest.Broken: one has ended by itself.
        """
        self._calm()
        if self._fault:
            raise rest.Broken(f'{self._fault}: {self.last_words()}')
        if self._target is not None:
            victim = self._daemons[self._target.process]
            if self.struck_at is None:
                victim.kill()
                self.struck_at = time.monotonic()
                victim.start()
            victim.await_ready()
        struck_at = self.struck_at
        self.arm(target)
        self.struck_at = struck_at

    # Boundaries.

    def arm(self, target: Crossing | None, _victim: str = '') -> None:
        """From now on record crossings; one daemon dies at the target."""
        self._calm()
        self._target, self.struck_at, self._fault = target, None, ''
        for kind, one in self._daemons.items():
            one.arm.set(target.inside if target is not None
                        and target.process == kind else None)
        if target is not None:
            self._over.clear()
            self._supervisor = threading.Thread(
                target=self._supervise, args=(target.process,),
                name='supervisor', daemon=True)
            self._supervisor.start()

    def disarm(self) -> None:
        """Record and strike no more."""
        self._calm()
        for one in self._daemons.values():
            one.arm.clear()

    def crossings(self) -> list[Crossing]:
        """Return what all daemons have crossed since they were armed."""
        return [crossing.of(kind) for kind, one in self._daemons.items()
                for crossing in one.arm.crossings()]

    def _calm(self) -> None:
        self._over.set()
        if self._supervisor is not None:
            self._supervisor.join()
            self._supervisor = None

    def _supervise(self, kind: str) -> None:
        """Start a daemon again when it has died."""
        one = self._daemons[kind]
        while not self._over.wait(0.01):
            if one.alive():
                continue
            try:
                code = one.wait()
                if code != -signal.SIGKILL:
                    self._fault = f'{kind} ended by itself: {code}'
                # The workers of the API may outlive their parent a moment.
                one.signal(signal.SIGKILL)
                self.struck_at = time.monotonic()
                one.arm.set(None)
                one.start()
            except (OSError, subprocess.SubprocessError) as error:
                self._fault = f'{kind} was not started again: {error}'
            return

    # HTTP.

    def request(self, method: str, path: str, body: typing.Any = None,
                ) -> rest.Answer:
        """Send one request as an administrator of the project.

        :raises rest.Broken: no answer came.
        """
        return self._fleet.ask(method, path, body)
