"""A whole blockstore in this process: real HTTP app, database, RPC, threads.

Only the back end is the ``memory`` driver, exact and with faults on command.

>>> class Test(base.FunctionalTest):
...     def test(self):
...         volume = self.make_volume(1)
...         self.api.get(f'/v3/{self.project}/volumes/{volume["id"]}')
"""

import json
import logging
import pathlib
import time
import typing

import fixtures
from oslo_config import fixture as config_fixture
from oslo_messaging.notify import notifier
import testtools
import webob

from blockstore.api import app
from blockstore.cmd import backup as cmd_backup
from blockstore.cmd import scheduler as cmd_scheduler
from blockstore.cmd import volume as cmd_volume
from blockstore.conf import CONF
from blockstore.conf import register
from blockstore.db import engine
from blockstore.db import migration
from blockstore.notifications.publisher import Publisher
from blockstore.rpc import transport as rpc_transport
from blockstore.rpc.clients import Clients
from blockstore.services.container import Services
from blockstore.volume.drivers import loader
from blockstore.volume.drivers.memory.driver import MemoryDriver

#: The managers as the daemons put them together.
BackupManager = cmd_backup.manager
SchedulerManager = cmd_scheduler.manager
VolumeManager = cmd_volume.manager

PROJECT = '0123456789abcdef0123456789abcdef'
GIB = 1024 ** 3


class Answer:
    """An HTTP answer: ``status``, ``headers`` and the ``json`` body."""

    def __init__(self, response: webob.Response) -> None:
        self.status = response.status_int
        self.headers = response.headers
        self.text = response.text
        self.json: typing.Any = (
            json.loads(response.body) if response.body else None)


class Api:
    """Sends requests to the application as one caller."""

    def __init__(self, application: typing.Any, token: str,
                 version: str = '3.71') -> None:
        self._application = application
        self._token = token
        self._version = version

    def request(self, method: str, path: str, body: typing.Any = None,
                version: str | None = None,
                headers: dict[str, str] | None = None) -> Answer:
        """Send one request; ``version`` is the microversion."""
        request = webob.Request.blank(path, method=method)
        request.headers['X-Auth-Token'] = self._token
        request.headers['OpenStack-API-Version'] = (
            f'volume {version or self._version}')
        if body is not None:
            request.body = json.dumps(body).encode()
            request.content_type = 'application/json'
        request.headers.update(headers or {})
        return Answer(request.get_response(self._application))

    def get(self, path: str, **kwargs: typing.Any) -> Answer:
        """Send a GET."""
        return self.request('GET', path, **kwargs)

    def post(self, path: str, body: typing.Any = None,
             **kwargs: typing.Any) -> Answer:
        """Send a POST."""
        return self.request('POST', path, body, **kwargs)

    def put(self, path: str, body: typing.Any = None,
            **kwargs: typing.Any) -> Answer:
        """Send a PUT."""
        return self.request('PUT', path, body, **kwargs)

    def delete(self, path: str, **kwargs: typing.Any) -> Answer:
        """Send a DELETE."""
        return self.request('DELETE', path, **kwargs)


class FunctionalTest(testtools.TestCase):
    """Starts all services before each test and stops them after it.

    Subclasses may set ``MEMORY_LACKS`` (capabilities that the driver shall
    not have) and ``OPTIONS`` (``{(group, name): value}``).
    """

    MEMORY_LACKS: tuple[str, ...] = ()
    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {}

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger(level=logging.INFO))
        self.project = PROJECT
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        self._configure()
        self.database = engine.Database(
            f'sqlite:///{self.directory}/blockstore.sqlite')
        self.addCleanup(self.database.dispose)
        migration.sync(self.database)
        self.transport = rpc_transport.get_transport(
            CONF, f'local://{self.id().replace(".", "-")}')
        self.publisher = Publisher(CONF)
        self.publisher.remember(self.database)
        self.addCleanup(lambda: self.publisher.stop(time.monotonic() + 10))
        self.start_services()
        self.services = Services(
            CONF, self.database, Clients(
                self.transport, CONF, self.database, self.publisher))
        self.application = app.make_app(CONF, self.services)
        self.api = self.as_user(f'admin:{PROJECT}')

    def _configure(self) -> None:
        engine.register_options(CONF)
        register(CONF)
        CONF.register_opts(notifier._notifier_opts,
                           group='oslo_messaging_notifications')
        self.config = self.useFixture(config_fixture.Config(CONF))
        CONF([], project='blockstore', default_config_files=[])
        loader.register(CONF, 'memory', MemoryDriver.OPTS)
        for (group, name), value in {
                ('service', 'host'): 'test',
                ('service', 'state_path'): str(self.directory),
                ('store', 'posix_path'): str(self.directory / 'store'),
                ('store', 'chunk_size'): 65536,
                ('volume', 'enabled_backends'): ['memory'],
                ('memory', 'volume_driver'): 'memory',
                ('memory', 'memory_pool'): self.id(),
                ('memory', 'memory_lacks'): list(self.MEMORY_LACKS),
                ('operations', 'poll_interval'): 0.2,
                ('operations', 'lease'): 2.0,
                **self.OPTIONS}.items():
            self.config.config(group=group, **{name: value})

    def start_services(self) -> None:
        """Start the volume, backup and scheduler services."""
        self.volume_manager = VolumeManager(
            CONF, self.database, self.transport, 'memory',
            self.publisher)
        self.backup_manager = BackupManager(
            CONF, self.database, self.transport, self.publisher)
        self.scheduler = SchedulerManager(
            CONF, self.database, self.transport, self.publisher)
        for service in (self.volume_manager, self.backup_manager,
                        self.scheduler):
            self.addCleanup(
                lambda one=service: one.stop(time.monotonic() + 10))
            service.worker.watch(self.publisher)
            service.start()
        self.driver: typing.Any = self.volume_manager.driver.driver

    def as_user(self, token: str, version: str = '3.71') -> Api:
        """Return the API as somebody (``user:project[:roles]``) sees it."""
        return Api(self.application, token, version)

    def path(self, rest: str) -> str:
        """Return a path below the project."""
        return f'/v3/{self.project}/{rest}'

    def show(self, noun: str, id_: str) -> typing.Any:
        """Return a resource's body, by the plural of its noun."""
        answer = self.api.get(self.path(f'{noun}/{id_}'))
        self.assertEqual(200, answer.status, answer.text)
        return answer.json[noun.removesuffix('s')]

    def wait_status(self, noun: str, id_: str, wanted: str,
                    timeout: float = 60.0) -> typing.Any:
        """Wait until a resource has a status, and return it."""
        limit = time.monotonic() + timeout
        while True:
            body = self.show(noun, id_)
            if body['status'] == wanted:
                return body
            if time.monotonic() > limit or (
                    body['status'].startswith('error')):
                self.fail(f'{noun} {id_} is {body["status"]}, not {wanted}: '
                          f'{body}')
            time.sleep(0.01)

    def wait_gone(self, noun: str, id_: str, timeout: float = 60.0) -> None:
        """Wait until a resource is not found any more."""
        limit = time.monotonic() + timeout
        while self.api.get(self.path(f'{noun}/{id_}')).status != 404:
            if time.monotonic() > limit:
                self.fail(f'{noun} {id_} is {self.show(noun, id_)}')
            time.sleep(0.01)

    def make_volume(self, size: int = 1, **fields: typing.Any) -> typing.Any:
        """Create a volume and wait until it is available."""
        answer = self.api.post(self.path('volumes'),
                               {'volume': {'size': size, **fields}})
        self.assertEqual(202, answer.status, answer.text)
        return self.wait_status('volumes', answer.json['volume']['id'],
                                'available')

    def make_snapshot(self, volume_id: str, **fields: typing.Any,
                      ) -> typing.Any:
        """Create a snapshot and wait until it is available."""
        answer = self.api.post(self.path('snapshots'), {
            'snapshot': {'volume_id': volume_id, **fields}})
        self.assertEqual(202, answer.status, answer.text)
        return self.wait_status('snapshots', answer.json['snapshot']['id'],
                                'available')

    def make_backup(self, volume_id: str, **fields: typing.Any) -> typing.Any:
        """Create a backup and wait until it is available."""
        answer = self.api.post(self.path('backups'), {
            'backup': {'volume_id': volume_id, **fields}})
        self.assertEqual(202, answer.status, answer.text)
        return self.wait_status('backups', answer.json['backup']['id'],
                                'available', timeout=60)

    def attach(self, volume_id: str) -> typing.Any:
        """Attach a volume as a client would; return the attachment."""
        answer = self.api.post(self.path('attachments'), {'attachment': {
            'volume_uuid': volume_id, 'instance_uuid': volume_id,
            'connector': {'host': 'client'}}})
        self.assertEqual(200, answer.status, answer.text)
        attachment = answer.json['attachment']
        answer = self.api.post(
            self.path(f'attachments/{attachment["id"]}/action'),
            {'os-complete': None})
        self.assertEqual(204, answer.status, answer.text)
        return attachment
