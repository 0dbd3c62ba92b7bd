"""A fleet: the daemons as separate processes, on hosts that are only names.

They share nothing but the broker, the database and the disk.  Each fleet has
a virtual host of the broker to itself, and host names of its own.

>>> fleet = self.useFixture(fleet.Fleet(database_url))
>>> fleet.add('api'), fleet.add('scheduler'), fleet.add('volume')
>>> fleet.add('backup', 'node1'), fleet.add('backup', 'node2')
>>> fleet.start()
>>> volume = fleet.make('volumes', size=1)
>>> fleet['backup@node1'].kill()

A *host* is a state path, a directory of volumes and a ``[service] host``; the
daemons of one host share them.  The store is one for all.
"""

import pathlib
import shutil
import subprocess
import time
import typing

import fixtures
from testtools import content
from testtools import content_type

from blockstore.tests import rest
from blockstore.tests.crash import backends
from blockstore.tests.crash import storage
from blockstore.tests.integration import broker
from blockstore.tests.integration.daemon import Daemon
from blockstore.volume import connections

PROJECT = '0123456789abcdef0123456789abcdef'
WAIT_SECONDS = 120.0

Options = typing.Mapping[tuple[str, str], typing.Any]


class Fleet(fixtures.Fixture):
    """Daemons over one broker and one database; all end with the test.

    :param database_url: a database that has been migrated.
    :param transport_url: None makes a virtual host on the test broker.
    :param options: ``{(section, name): value}`` for all daemons.
    :param kind: how they are started.
    """

    def __init__(self, database_url: str, transport_url: str | None = None,
                 options: Options | None = None,
                 kind: type[Daemon] = Daemon) -> None:
        super().__init__()
        self.database_url = database_url
        self.transport_url = transport_url
        #: The virtual host, if the fleet has one of its own.
        self.broker: broker.VirtualHost | None = None
        self.daemons: dict[str, Daemon] = {}
        self._options = dict(options or {})
        self._kind = kind
        # Those that have volumes.
        self._hosts: list[str] = []

    @staticmethod
    def missing() -> str:
        """Tell what a fleet needs and is not there; empty if all is."""
        if shutil.which('qemu-storage-daemon') is None:
            return 'qemu-storage-daemon is not installed'
        return broker.VirtualHost.missing()

    def _setUp(self) -> None:
        # Sockets have short names: not below a long TMPDIR.
        self.directory = pathlib.Path(self.useFixture(
            fixtures.TempDir(rootdir='/tmp')).path)
        #: Where all backups are.
        self.store: pathlib.Path = self._options.get(
            ('store', 'posix_path'), self.directory / 'store')
        self.port = rest.free_port()
        if self.transport_url is None:
            self.broker = self.useFixture(broker.VirtualHost())
            self.transport_url = self.broker.url
        self.addCleanup(self._end)
        # One for all: a test asks for the names of a fixture's details
        # before it adds daemons.
        self.addDetail('daemons', content.Content(
            content_type.UTF8_TEXT, self._last_words))

    def _last_words(self) -> list[bytes]:
        return [f'== {name}\n{daemon.last_words()}\n'.encode()
                for name, daemon in self.daemons.items()]

    # The daemons.

    def __getitem__(self, name: str) -> Daemon:
        """Return a daemon by its name: ``backup@node1``."""
        return self.daemons[name]

    def host(self, host: str = 'node1') -> str:
        """Return the ``[service] host`` of a host, unique to this fleet."""
        return f'{host}-{self.port}'

    def add(self, kind: str, host: str = 'node1', *, name: str = '',
            module: str = '', options: Options | None = None,
            environment: typing.Mapping[str, str] | None = None) -> Daemon:
        """Add a daemon, which is not started yet.

        :param kind: ``api``, ``scheduler``, ``volume`` or ``backup``.
        :param name: a name other than ``kind@host``: for a second one.
        :param module: a module to run instead of the daemon's own.
        :param options: for this daemon alone.
        """
        name = name or f'{kind}@{host}'
        if kind == 'volume' and host not in self._hosts:
            self._hosts.append(host)
        file = self.directory / f'{name}.conf'
        file.write_text(_text({**self._common(), **self._of_host(host),
                               **self._options, **(options or {})}))
        added = self._kind(name, module or f'blockstore.cmd.{kind}', [file],
                           self.directory, environment)
        self.daemons[name] = added
        return added

    def configure(self, name: str, options: Options) -> None:
        """Change options of a daemon: it reads them on SIGHUP."""
        # Of several values of an option the last one counts.
        with self.daemons[name].files[0].open('a') as file:
            file.write(_text(options))

    def start(self, *names: str) -> None:
        """Start daemons, all by default, and wait until all are ready."""
        chosen = [self.daemons[name] for name in names or self.daemons]
        for daemon in chosen:
            daemon.start()
        for daemon in chosen:
            daemon.await_ready()
        if any(daemon.module.endswith('.api') for daemon in chosen):
            self.await_api()

    def _common(self) -> dict[tuple[str, str], typing.Any]:
        return {
            ('DEFAULT', 'transport_url'): self.transport_url,
            ('database', 'connection'): self.database_url,
            ('service', 'report_interval'): 1,
            ('operations', 'poll_interval'): 1,
            ('api', 'port'): self.port,
            ('api', 'workers'): 1,
            ('volume', 'enabled_backends'): 'qsd',
            ('qsd', 'volume_driver'): 'qsd',
            ('qsd', 'qsd_capacity_gb'): 1000,
            ('store', 'posix_path'): self.store,
            ('store', 'chunk_size'): 262144,
        }

    def _of_host(self, host: str) -> dict[tuple[str, str], typing.Any]:
        directory = self.directory / host
        return {
            ('service', 'host'): self.host(host),
            ('service', 'state_path'): directory / 'state',
            ('qsd', 'qsd_directory'): self.images(host),
            ('qsd', 'qsd_run_directory'): self._sockets(host),
        }

    def _sockets(self, host: str) -> pathlib.Path:
        return self.directory / host / 'run'

    def images(self, host: str = 'node1') -> pathlib.Path:
        """Return where the volumes of a host are."""
        own = self.directory / host / 'volumes'
        return typing.cast(pathlib.Path, self._options.get(
            ('qsd', 'qsd_directory'), own))

    # What its checks look at.

    @property
    def backends(self) -> list[backends.Qcow]:
        """Return where the volumes of all its hosts are."""
        return [backends.Qcow(f'{self.host(host)}@qsd', self.images(host),
                              self._sockets(host)) for host in self._hosts]

    def quota(self) -> typing.Any:
        """Return what is counted for the project."""
        return self.request(
            'GET', f'os-quota-sets/{PROJECT}?usage=true')['quota_set']

    def words(self) -> str:
        """Return all that its daemons have logged."""
        return '\n'.join(
            daemon.log.read_text(encoding='utf-8', errors='replace')
            for daemon in self.daemons.values() if daemon.log.exists())

    def _end(self) -> None:
        living = [daemon for daemon in self.daemons.values()
                  if daemon.alive()]
        for daemon in living:
            daemon.thaw()
            daemon.terminate()
        stuck = []
        for daemon in living:
            try:
                daemon.wait()
            except subprocess.TimeoutExpired:
                stuck.append(f'{daemon.name}: {daemon.last_words()}')
            # Also what a daemon left behind that was killed alone.
            daemon.kill()
        for run in self.directory.glob('*/run'):
            storage.kill_all(str(run))
        if stuck:
            raise AssertionError('did not end by SIGTERM: '
                                 + '\n'.join(stuck))

    # Requests.

    def ask(self, method: str, path: str, body: typing.Any = None,
            ) -> rest.Answer:
        """Send one request as the administrator, below the project.

        :raises rest.Broken: no answer came.
        """
        return rest.send(self.port, PROJECT, method, path, body)

    def request(self, method: str, path: str, body: typing.Any = None,
                ) -> typing.Any:
        """Send a request that must succeed; return the answer's body."""
        answer = self.ask(method, path, body)
        if answer.status >= 400:
            raise AssertionError(f'{method} {path}: {answer}')
        return answer.json

    def show(self, noun: str, id_: str) -> typing.Any:
        """Return a resource; None if it is gone."""
        answer = self.ask('GET', f'{noun}/{id_}')
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise AssertionError(f'GET {noun}/{id_}: {answer}')
        return answer.json[noun.removesuffix('s')]

    def wait(self, noun: str, id_: str, status: str | None = 'available',
             seconds: float = WAIT_SECONDS) -> typing.Any:
        """Wait for a status, or (None) until the resource is gone."""
        limit = time.monotonic() + seconds
        while True:
            body = self.show(noun, id_)
            found = None if body is None else body['status']
            if found == status:
                return body
            if time.monotonic() > limit or (
                    found or 'error').startswith('error'):
                raise AssertionError(f'{noun} {id_} is {found}, not '
                                     f'{status}: {body}')
            time.sleep(0.05)

    def make(self, noun: str, **fields: typing.Any) -> typing.Any:
        """Create a resource and wait until it is available."""
        one = noun.removesuffix('s')
        made = self.request('POST', noun, {one: fields})[one]
        return self.wait(noun, made['id'])

    def delete(self, noun: str, id_: str) -> None:
        """Delete a resource and wait until it is gone."""
        self.request('DELETE', f'{noun}/{id_}')
        self.wait(noun, id_, None)

    def attach(self, volume_id: str) -> tuple[str, typing.Any]:
        """Attach a volume; return the attachment's id and its bytes."""
        attachment = self.request('POST', 'attachments', {'attachment': {
            'volume_uuid': volume_id, 'instance_uuid': volume_id,
            'connector': {'host': 'client'}}})['attachment']
        self.request('POST', f'attachments/{attachment["id"]}/action',
                     {'os-complete': None})
        info = dict(attachment['connection_info'])
        opened = connections.open_connection(
            {'driver_volume_type': info.pop('driver_volume_type'),
             'data': info}, writable=True)
        self.addCleanup(opened.close)
        return attachment['id'], opened

    def detach(self, attachment_id: str) -> None:
        """Let a volume go."""
        self.request('DELETE', f'attachments/{attachment_id}')

    def states(self) -> dict[tuple[str, str], str]:
        """Return the state of each service by its binary and its host."""
        return {(row['binary'], row['host']): row['state']
                for row in self.request('GET', 'os-services')['services']}

    def await_api(self) -> None:
        """Wait until the API answers."""
        limit = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self.states()
            except rest.Broken:
                if time.monotonic() > limit:
                    raise
                time.sleep(0.02)
            else:
                return


def _text(options: Options) -> str:
    """Write a configuration file."""
    sections: dict[str, list[str]] = {}
    for (section, name), value in options.items():
        sections.setdefault(section, []).append(f'{name} = {value}')
    return '\n'.join(f'[{section}]\n' + '\n'.join(lines)
                     for section, lines in sections.items()) + '\n'
