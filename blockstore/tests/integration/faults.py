"""What all tests of faults around the daemons share.

A fault is done to a fleet that works; then everything that was granted comes
to its end, and :meth:`FaultTest.settle` finds what must always hold.
"""

import os
import pathlib
import time
import typing

import fixtures
from testtools import content

from blockstore.db import migration
from blockstore.tests import rest
from blockstore.tests.crash import checks
from blockstore.tests.crash import scene
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers

MIB = 1 << 20
#: A machine may have a bad minute; what is late by then never comes.
PATIENCE = 150.0


class FaultTest(servers.ServerTestCase):
    """Has ``self.fleet`` and looks at what a fault leaves behind."""

    LEASE = 4.0

    def setUp(self) -> None:
        super().setUp()
        missing = fleet.Fleet.missing()
        if missing:
            self.skipTest(missing)
        migration.sync(self.database)

    def start_fleet(self, *daemons: tuple[str, str],
                    options: fleet.Options | None = None,
                    transport_url: str | None = None,
                    environment: typing.Mapping[str, str] | None = None,
                    ) -> None:
        """Start daemons, each a kind and a host; the API and a scheduler.

        :param environment: of the daemons that are named.
        """
        self.fleet = self.useFixture(fleet.Fleet(
            self.database.engine.url.render_as_string(hide_password=False),
            transport_url, {
                ('operations', 'lease'): self.LEASE,
                ('service', 'service_down_time'): 600,
                ('observability', 'check_interval'): 1,
                ('rpc', 'call_timeout'): 8,
                ('rpc', 'long_call_timeout'): 8,
                **(options or {})}))
        #: The ports where they tell whether they are ready, by name.
        self.ports: dict[str, int] = {}
        for kind, host in (('api', 'node1'), ('scheduler', 'node1'),
                           *daemons):
            port = rest.free_port()
            added = self.fleet.add(
                kind, host, options=None if kind == 'api' else {
                    ('observability', 'port'): port},
                environment=environment if (kind, host) in daemons else None)
            if kind != 'api':
                self.ports[added.name] = port
        self.fleet.start()
        self.checks = checks.Checks(self.fleet)
        self.addCleanup(self.checks.close)

    def directory(self) -> pathlib.Path:
        """Return a directory that goes with the test."""
        return pathlib.Path(self.useFixture(
            fixtures.TempDir(rootdir='/tmp')).path)

    def written(self, mebibytes: int) -> tuple[str, bytes, typing.Any]:
        """Make a volume that a client has filled to some length.

        :returns: its id, its bytes and the client's connection.
        """
        id_ = self.fleet.make('volumes', size=1)['id']
        _, opened = self.fleet.attach(id_)
        data = os.urandom(mebibytes * MIB)
        opened.write(0, data)
        opened.flush()
        return id_, data, opened

    def await_that(self, condition: typing.Callable[[], object],
                   what: str) -> None:
        """Wait until something is so."""
        limit = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), limit, what)
            time.sleep(0.05)

    def await_copy(self, kind: str) -> typing.Any:
        """Wait until an operation copies; return its row."""
        where = f"kind = '{kind}' AND state = 'running' AND bytes_done > 0"
        self.await_that(lambda: self.checks.rows('operations', where),
                        f'no {kind} copies anything')
        return self.checks.rows('operations', where)[0]

    def settle(self) -> None:
        """Wait until everything is as promised, and say how long it took."""
        begun = time.monotonic()
        while found := self.checks.problems():
            if time.monotonic() - begun > PATIENCE:
                self.fail('\n'.join(found))
            time.sleep(0.2)
        self.addDetail('settled', content.text_content(
            f'{time.monotonic() - begun:.1f} s after the last request'))

    def restored(self, backup_id: str, size: int) -> bytes:
        """Return the first bytes of a backup, from the store alone."""
        target = scene.Target(scene.GIB, size)
        self.checks.repository.restore(backup_id, target, target_is_new=True)
        return bytes(target.data)

    def content(self, volume_id: str, size: int) -> bytes:
        """Return the first bytes of a volume, attached for the moment."""
        attachment, opened = self.fleet.attach(volume_id)
        found = bytearray(size)
        opened.read_into(0, memoryview(found))
        opened.close()
        self.fleet.detach(attachment)
        self.fleet.wait('volumes', volume_id)
        return bytes(found)
