"""The whole API over real use cases and a database in memory.

What would go to other daemons is noted in ``rings`` and ``calls`` instead.
"""

from collections.abc import Iterator
import contextlib
import json
from typing import Any
from urllib import parse

from oslo_config import cfg
from oslo_utils import timeutils
from oslo_utils import uuidutils
from oslotest import base
from sqlalchemy import event
import webob

from blockstore import conf as blockstore_conf
from blockstore.api import app
from blockstore.api import policy
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.lifecycle import events
from blockstore.lifecycle import operations
from blockstore.rpc import clients
from blockstore.services import container
from blockstore.volume.flows import attachments
from blockstore.volume.flows import older

PROJECT = 'a' * 32
OTHER_PROJECT = 'b' * 32
ADMIN = f'admin:{PROJECT}'
MEMBER = f'alice:{PROJECT}'
READER = f'bob:{PROJECT}:reader'
STRANGER = f'eve:{OTHER_PROJECT}'
HOST = 'node1@qsd#pool'


class Driver:
    """Notes what a driver would be asked."""

    def __init__(self, calls: list[Any]) -> None:
        self._calls = calls

    def validate_connector(self, connector: Any) -> None:
        pass

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        pass

    def initialize_connection(self, volume: Any, connector: Any,
                              ) -> dict[str, Any]:
        self._calls.append(('initialize', HOST.partition('#')[0], volume.id,
                            connector))
        return {'driver_volume_type': 'nbd', 'data': {'target': 'x'}}

    def terminate_connection(self, volume: Any, connector: Any,
                             **more: Any) -> None:
        self._calls.append(('terminate', HOST.partition('#')[0], volume.id,
                            connector))


class VolumeClient:
    """Does at once, with a driver that only notes, what is asked for."""

    database: engine.Database

    def __init__(self, calls: list[Any]) -> None:
        self._driver: Any = Driver(calls)

    def run_operation(self, context: Any, host: str, operation_id: str,
                      ) -> None:
        parts = (self.database, self._driver)
        handlers: dict[str, Any] = {
            'attachment.connect': attachments.Connect(*parts),
            'attachment.disconnect': attachments.Disconnect(*parts),
            'connection.open': older.Open(*parts),
            'connection.close': older.Close(*parts)}
        with self.database.write() as tx:
            if not db_operations.claim(tx, operation_id, 'volume', (host,),
                                       'unit', 60.0):
                return
            row = db_operations.get(tx, operation_id)
        assert row is not None
        handlers[row.kind].run(operations.Claim(
            self.database, row, 'unit', 60.0))


class Clients(clients.Clients):
    """Notes what would be sent."""

    def __init__(self) -> None:
        self.listener = events.SILENCE
        self.rings: list[tuple[str, str | None]] = []
        self.calls: list[Any] = []
        self.volume: Any = VolumeClient(self.calls)

    def ring(self, context: Any, topic: str, host: str | None,
             operation_id: str) -> None:
        self.rings.append((topic, host))


class Answer:
    """What came back."""

    def __init__(self, response: webob.Response) -> None:
        self.status: int = response.status_int
        self.headers = response.headers
        self.raw: bytes = response.body
        self.json = json.loads(response.body) if response.body else None


def make_conf(**options: Any) -> cfg.ConfigOpts:
    """Return a configuration with defaults, apart from the given ones."""
    conf = cfg.ConfigOpts()
    blockstore_conf.register(conf)
    conf([])
    policy.Enforcer(conf)
    for name, value in options.items():
        group, _, option = name.partition('__')
        conf.set_override(option, value, group=group)
    return conf


class ApiTestCase(base.BaseTestCase):
    """Base of tests that ask the API."""

    options: dict[str, Any] = {}

    def setUp(self) -> None:
        super().setUp()
        self.conf = make_conf(**self.options)
        self.database = self.open_database()
        migration.sync(self.database)
        self.clients = Clients()
        self.clients.volume.database = self.database
        self.services = container.Services(self.conf, self.database,
                                           self.clients)
        self.app = app.make_app(self.conf, self.services)

    def open_database(self) -> engine.Database:
        """Return an empty database for the test."""
        database = engine.Database('sqlite://')
        self.addCleanup(database.dispose)
        return database

    def ask(self, method: str, path: str, body: Any = None, *,
            version: str | None = None, token: str | None = ADMIN,
            headers: dict[str, str] | None = None,
            raw: bytes | None = None, **params: str) -> Answer:
        """Send a request; a path without /v3 stands below the project."""
        if not path.startswith(('/v2', '/v3', '/healthcheck')) \
                and path != '/':
            path = f'/v3/{path.lstrip("/")}'
        if params:
            path += '?' + parse.urlencode(params)
        req = webob.Request.blank(path, method=method)
        if token is not None:
            req.headers['X-Auth-Token'] = token
        if version is not None:
            req.headers['OpenStack-API-Version'] = f'volume {version}'
        if body is not None or raw is not None:
            req.headers['Content-Type'] = 'application/json'
            req.body = raw if raw is not None else json.dumps(body).encode()
        req.headers.update(headers or {})
        return Answer(req.get_response(self.app))

    def get(self, path: str, **kwargs: Any) -> Answer:
        return self.ask('GET', path, **kwargs)

    def post(self, path: str, body: Any, **kwargs: Any) -> Answer:
        return self.ask('POST', path, body, **kwargs)

    def action(self, path: str, name: str, content: Any = None,
               **kwargs: Any) -> Answer:
        return self.post(f'{path}/action', {name: content}, **kwargs)

    def make_volume(self, status: str = 'available', **values: Any) -> str:
        """Create a volume through the API and set what its row has."""
        answer = self.post('volumes', {'volume': {'size': 1}},
                           token=values.pop('token', MEMBER))
        self.assertEqual(202, answer.status, answer.raw)
        volume_id: str = answer.json['volume']['id']
        self.change(models.Volume, volume_id, status=status,
                    **{'host': HOST, **values})
        return volume_id

    def make_snapshot(self, volume_id: str, status: str = 'available',
                      **values: Any) -> str:
        answer = self.post('snapshots', {'snapshot': {
            'volume_id': volume_id, 'force': True}}, token=MEMBER)
        self.assertEqual(202, answer.status, answer.raw)
        snapshot_id: str = answer.json['snapshot']['id']
        self.change(models.Snapshot, snapshot_id, status=status, **values)
        return snapshot_id

    def make_backup_service(self) -> None:
        """Let a backup service be alive."""
        self._make_service('node1', 'backup')

    def make_volume_service(self) -> None:
        """Let the volume service of all volumes be alive."""
        self._make_service(HOST.partition('#')[0], 'volume')

    def _make_service(self, host: str, topic: str) -> None:
        with self.database.write() as tx:
            rows.insert(
                tx, models.Service, uuid=uuidutils.generate_uuid(),
                host=host, binary=f'cinder-{topic}', topic=topic,
                availability_zone='nova', disabled=False, report_count=1,
                reported_at=timeutils.utcnow())

    def change(self, model: Any, id_: str, **values: Any) -> None:
        """Change a row behind the API's back."""
        with self.database.write() as tx:
            rows.update(tx, model, id_, values)

    @contextlib.contextmanager
    def counted_statements(self) -> Iterator[list[str]]:
        """Collect the SQL statements of a block."""
        statements: list[str] = []

        def note(connection: Any, cursor: Any, statement: str,
                 *rest: Any) -> None:
            if not statement.startswith('BEGIN'):
                statements.append(statement)

        engine_ = self.database.engine
        event.listen(engine_, 'before_cursor_execute', note)
        try:
            yield statements
        finally:
            event.remove(engine_, 'before_cursor_execute', note)

    def assert_fault(self, status: int, name: str, answer: Answer) -> None:
        self.assertEqual(status, answer.status, answer.raw)
        self.assertEqual([name], list(answer.json))
        self.assertEqual(status, answer.json[name]['code'])
