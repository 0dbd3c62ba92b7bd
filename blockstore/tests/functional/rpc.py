"""The service driven by RPC alone, as another service would."""

from concurrent import futures
import inspect
import typing

from oslo_utils import uuidutils

from blockstore import context as contexts
from blockstore import errors
from blockstore import exceptions
from blockstore.backup.endpoint import BackupEndpoint
from blockstore.remote.attachments import AttachmentRequests
from blockstore.remote.backups import BackupRequests
from blockstore.remote.scheduler import SchedulerRequests
from blockstore.remote.volumes import VolumeRequests
from blockstore.rpc import topics
from blockstore.rpc import versions
from blockstore.rpc.clients import Clients
from blockstore.rpc.methods import backup
from blockstore.rpc.methods import base as methods
from blockstore.rpc.methods import scheduler
from blockstore.rpc.methods import volume
from blockstore.scheduler.endpoint import SchedulerEndpoint
from blockstore.tests.functional import base
from blockstore.volume.endpoint import VolumeEndpoint
from blockstore.volume.manageable import ManageableEndpoint

OTHER = 'f' * 32
ENDPOINTS = ((volume.METHODS, VolumeRequests, AttachmentRequests,
              VolumeEndpoint, ManageableEndpoint),
             (scheduler.METHODS, SchedulerRequests, SchedulerEndpoint),
             (backup.METHODS, BackupRequests, BackupEndpoint))


class RpcTest(base.FunctionalTest):
    """A client that checks each refusal against the reference."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('quota', 'volumes'): 3, ('quota', 'gigabytes'): -1,
        ('quota', 'per_volume_gigabytes'): -1}

    def setUp(self) -> None:
        super().setUp()
        self.clients = Clients(self.transport, base.CONF, self.database)
        self.context = contexts.RequestContext(
            user_id='u', project_id=self.project)
        self.host = self.volume_manager.host
        self.topics = {'volume': topics.volume(self.host),
                       'scheduler': topics.SCHEDULER,
                       'backup': topics.BACKUP}

    def ask(self, service: str, method: str, **arguments: typing.Any,
            ) -> typing.Any:
        """Call a method; a refusal must be one that is documented."""
        client = getattr(self.clients, service)
        try:
            return client.call(self.context, self.topics[service], method,
                               timeout=60, **arguments)
        except exceptions.BlockstoreError as error:
            self.assertIn(error.code, (*methods.COMMON,
                                       *client.METHODS[method].errors))
            raise

    def refused(self, code: str, service: str, method: str,
                **arguments: typing.Any) -> exceptions.BlockstoreError:
        """Call a method that must be refused."""
        error = self.assertRaises(exceptions.BlockstoreError, self.ask,
                                  service, method, **arguments)
        self.assertEqual(code, error.code, error)
        return error

    def done(self, service: str, answer: typing.Any) -> typing.Any:
        """Wait for the end of what an answer promises; return the answer."""
        operation = answer['operation']
        for _ in range(20):
            operation = self.ask(service, 'wait_operation',
                                 operation_id=operation.id, seconds=10)
            if operation.state not in ('pending', 'running'):
                break
        self.assertEqual('done', operation.state, operation)
        return answer

    def volume(self, **arguments: typing.Any) -> typing.Any:
        """Make a volume on the back end."""
        return self.done('volume', self.ask(
            'volume', 'create_volume',
            **{'size': 1, **arguments}))['volume']

    def test_a_life(self) -> None:
        made = self.volume(name='n', metadata={'k': 'v'})
        shown = self.ask('volume', 'get_volume', volume_id=made.id)
        self.assertEqual(
            ('available', f'{self.host}#memory', 'n', {'k': 'v'}, 'nova'),
            (shown.status, shown.host, shown.name, shown.metadata,
             shown.availability_zone))
        snapshot = self.done('volume', self.ask(
            'volume', 'create_snapshot', volume_id=made.id))['snapshot']
        self.refused(errors.VOLUME_HAS_SNAPSHOTS, 'volume', 'delete_volume',
                     volume_id=made.id)
        self.done('volume', self.ask(
            'volume', 'revert_to_snapshot', volume_id=made.id,
            snapshot_id=snapshot.id))
        self.done('volume', self.ask('volume', 'extend_volume',
                                     volume_id=made.id, new_size=2))
        self.assertEqual(2, self.ask('volume', 'get_volume',
                                     volume_id=made.id).size)
        self.assertEqual('available', self.ask(
            'volume', 'get_snapshot', snapshot_id=snapshot.id).status)
        self.done('volume', self.ask('volume', 'delete_snapshot',
                                     snapshot_id=snapshot.id))
        self.done('volume', self.ask('volume', 'delete_volume',
                                     volume_id=made.id))
        self.refused(errors.NOT_FOUND, 'volume', 'get_volume',
                     volume_id=made.id)

    def test_attachments(self) -> None:
        made = self.volume()
        id_, server = uuidutils.generate_uuid(), uuidutils.generate_uuid()
        for _ in range(2):
            promised = self.ask(
                'volume', 'create_attachment', volume_id=made.id,
                instance_uuid=server, mode='rw', attachment_id=id_)
            self.assertEqual((id_, 'reserved', {}), (
                promised.id, promised.attach_status,
                promised.connection_info))
        self.refused(errors.OPERATION_TAKEN, 'volume', 'create_attachment',
                     volume_id=made.id, attachment_id=id_)
        self.refused(errors.VOLUME_ATTACHED, 'volume', 'create_attachment',
                     volume_id=made.id)
        for _ in range(2):
            opened = self.ask('volume', 'update_attachment',
                              attachment_id=id_, connector={'host': 'h'})
        self.assertEqual(
            ('attaching', 'h'), (opened.attach_status, opened.attached_host))
        self.assertIn('driver_volume_type', opened.connection_info)
        self.assertEqual('attached', self.ask(
            'volume', 'complete_attachment', attachment_id=id_).attach_status)
        self.assertEqual('in-use', self.ask(
            'volume', 'get_volume', volume_id=made.id).status)
        self.assertEqual(opened.connection_info, self.ask(
            'volume', 'get_attachment', attachment_id=id_).connection_info)
        for _ in range(2):
            self.ask('volume', 'delete_attachment', attachment_id=id_)
        self.assertEqual('available', self.ask(
            'volume', 'get_volume', volume_id=made.id).status)
        self.refused(errors.NOT_FOUND, 'volume', 'get_attachment',
                     attachment_id=id_)

    def test_many_attach_at_once(self) -> None:
        """More than there are threads to answer: none waits for another."""
        self.config.config(group='quota', volumes=-1)
        ids = [self.volume().id for _ in range(24)]

        def attach(volume_id: str) -> str:
            made = self.ask('volume', 'create_attachment',
                            volume_id=volume_id)
            status: str = self.ask(
                'volume', 'update_attachment', attachment_id=made.id,
                connector={'host': 'h'}).attach_status
            return status

        with futures.ThreadPoolExecutor(len(ids)) as pool:
            self.assertEqual({'attaching'}, set(pool.map(attach, ids)))

    def test_backups(self) -> None:
        made = self.volume()
        saved = self.done('backup', self.ask(
            'backup', 'create_backup', volume_id=made.id))['backup']
        restored = self.done('backup', self.ask(
            'backup', 'restore_backup', backup_id=saved.id))
        self.assertNotEqual(made.id, restored['volume'].id)
        self.assertEqual('backup.restore', restored['operation'].kind)
        self.assertEqual('available', self.ask(
            'backup', 'get_backup', backup_id=saved.id).status)
        self.done('backup', self.ask('backup', 'delete_backup',
                                     backup_id=saved.id))
        self.refused(errors.NOT_FOUND, 'backup', 'get_backup',
                     backup_id=saved.id)

    def test_scheduler(self) -> None:
        made = self.done('scheduler', self.ask(
            'scheduler', 'create_volume', size=1))['volume']
        pools = self.ask('scheduler', 'get_pools')
        self.assertEqual([f'{self.host}#memory'],
                         [pool.name for pool in pools])
        self.assertEqual(pools[0].name, self.ask(
            'volume', 'get_volume', volume_id=made.id).host)
        fits = self.ask('scheduler', 'validate_host_capacity',
                        host=self.host, size=1)
        self.assertEqual((True, pools[0].name), (fits.fits, fits.pool))
        full = self.ask('scheduler', 'validate_host_capacity',
                        host=self.host, size=2 ** 31 - 1)
        self.assertFalse(full.fits)
        self.assertIn('GiB', full.reason)

    def test_a_call_that_comes_twice(self) -> None:
        id_ = uuidutils.generate_uuid()
        first = self.ask('volume', 'create_volume', size=1, operation_id=id_)
        self.done('volume', first)
        again = self.ask('volume', 'create_volume', size=1, operation_id=id_)
        self.assertEqual(
            (id_, id_, first['volume'].id),
            (first['operation'].id, again['operation'].id,
             again['volume'].id))
        self.refused(errors.OPERATION_TAKEN, 'volume', 'create_volume',
                     size=2, operation_id=id_)
        self.context = contexts.RequestContext(project_id=OTHER)
        self.refused(errors.OPERATION_TAKEN, 'volume', 'create_volume',
                     size=1, operation_id=id_)
        self.context = contexts.RequestContext(project_id=self.project)
        id_ = uuidutils.generate_uuid()
        gone = [self.done('volume', self.ask(
            'volume', 'delete_volume', volume_id=first['volume'].id,
            operation_id=id_)) for _ in range(2)]
        self.assertEqual({id_}, {one['operation'].id for one in gone})
        self.assertIsNone(gone[1]['volume'])
        self.assertEqual(1, [call.method for call in self.driver.calls
                             ].count('delete_volume'))

    def test_refusals(self) -> None:
        missing = uuidutils.generate_uuid()
        for method, arguments in (
                ('create_volume', {'size': 'x'}),
                ('create_volume', {'size': 1, 'colour': 'red'}),
                ('create_volume', {'size': 1, 'operation_id': 'x'}),
                ('create_volume', {}),
                ('create_volume', {'size': 1, 'name': 'x' * 300}),
                ('extend_volume', {'volume_id': missing}),
                ('get_volume', {'volume_id': None})):
            self.refused(errors.REQUEST_INVALID, 'volume', method,
                         **arguments)
        for method, arguments in (
                ('get_volume', {'volume_id': missing}),
                ('get_operation', {'operation_id': missing}),
                ('create_snapshot', {'volume_id': missing}),
                ('create_volume', {'snapshot_id': missing})):
            self.refused(errors.NOT_FOUND, 'volume', method, **arguments)
        self.refused(errors.NO_VALID_BACKEND, 'volume', 'create_volume',
                     size=2 ** 31 - 1)
        for _ in range(3):
            made = self.volume()
        error = self.refused(errors.QUOTA_EXCEEDED, 'volume',
                             'create_volume', size=1)
        self.assertIs(exceptions.QuotaExceeded, type(error))
        self.refused(errors.VOLUME_TOO_SMALL, 'volume', 'extend_volume',
                     volume_id=made.id, new_size=1)
        error = self.refused(errors.BACKUP_NO_PARENT, 'backup',
                             'create_backup', volume_id=made.id,
                             incremental=True)
        self.assertTrue(error.remedy)

    def test_another_project(self) -> None:
        made = self.volume()
        self.context = contexts.RequestContext(project_id=OTHER)
        for method, arguments in (
                ('get_volume', {}), ('delete_volume', {}),
                ('create_snapshot', {}), ('extend_volume', {'new_size': 2}),
                ('create_attachment', {}),
                ('initialize_connection', {'connector': {'host': 'h'}})):
            self.refused(errors.NOT_FOUND, 'volume', method,
                         volume_id=made.id, **arguments)
        self.context = contexts.RequestContext()
        self.refused(errors.REQUEST_INVALID, 'volume', 'create_volume',
                     size=1)

    def test_versions_are_told(self) -> None:
        for service, topic in self.topics.items():
            client = getattr(self.clients, service)
            self.assertEqual(versions.RPC[service],
                             client.version(self.context, topic))
            self.assertTrue(client.can_send(topic, 'get_versions'))

    def test_a_pin_in_the_configuration(self) -> None:
        self.config.config(group='upgrade_levels', volume='1.0')
        error = self.refused(errors.RPC_VERSION, 'volume', 'get_volume',
                             volume_id=uuidutils.generate_uuid())
        self.assertIn('1.0', error.message)
        self.assertEqual('1.0', self.clients.volume.version(
            self.context, self.topics['volume']))
        self.assertIn('capabilities', self.clients.volume.get_capabilities(
            self.context, self.host))


class ReferenceTest(base.testtools.TestCase):
    """The tables and the endpoints tell the same."""

    def test_every_method_is_described(self) -> None:
        for table, *endpoints in ENDPOINTS:
            found = {name: member for endpoint in endpoints
                     for name, member in inspect.getmembers(
                         endpoint, inspect.isfunction)
                     if not name.startswith('_')}
            self.assertEqual(sorted(table), sorted(found))
            for name, member in found.items():
                parameters = list(inspect.signature(
                    member).parameters.values())[2:]
                self.assertEqual(
                    {one.name: one.required
                     for one in table[name].arguments},
                    {one.name: one.default is inspect.Parameter.empty
                     for one in parameters}, name)

    def test_every_error_is_a_code(self) -> None:
        codes = {value for name, value in vars(errors).items()
                 if name.isupper()}
        for table, *_ in ENDPOINTS:
            for method in table.values():
                self.assertEqual(set(), set(method.errors) - codes)
                self.assertTrue(method.about.endswith('.'), method.name)
