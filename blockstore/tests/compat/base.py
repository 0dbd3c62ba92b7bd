"""What the tests with clients share: one running service, and the clients.

>>> class Test(base.CompatTest):
...     def test(self):
...         volume = self.make_volume()
...         self.sdk.get_volume(volume.id)
"""

import atexit
import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from oslo_utils import importutils
from oslo_utils import uuidutils
import testtools

from blockstore.tour import place as places
from blockstore.tour import service as services
from blockstore.volume import connections

openstack = importutils.try_import('openstack')
cinder_client = importutils.try_import('cinderclient.client')
cinder_noauth = importutils.try_import('cinderclient.contrib.noauth')
sessions = importutils.try_import('keystoneauth1.session')

HAS_QEMU = all(shutil.which(program) for program in (
    'qemu-storage-daemon', 'qemu-img'))
_WITHOUT_QEMU = """
[volume]
enabled_backends = memory
"""


@functools.cache
def running():
    """Start the service of this process of tests; it ends with it."""
    return start()


def start(configure=None):
    """Start a service that ends with this process; return its place.

    :param configure: is given the place; returns what else the
        configuration says, and the headers of an administrator.
    """
    directory = pathlib.Path(tempfile.mkdtemp(prefix='compat-'))
    place = places.Place(directory, 0)
    place.prepare()
    started = []

    def end():
        for service in started:
            service.stop()
        place.leave()
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(end)
    more, headers = configure(place) if configure else ('', None)
    with open(place.configuration, 'a') as file:
        file.write(more if HAS_QEMU else more + _WITHOUT_QEMU)
    started.append(services.Service(place, headers))
    started[0].start()
    return place


class CompatTest(testtools.TestCase):
    """Has the clients at hand, and cleans up what a test has made."""

    def setUp(self):
        super().setUp()
        self.place = self.start_service()

    def start_service(self):
        """Return where the service of these tests is."""
        return running()

    @functools.cached_property
    def sdk(self):
        """The administrator's openstacksdk."""
        return self.sdk_of(f'admin:{places.PROJECT}')

    def sdk_of(self, token, version=None):
        """Return openstacksdk for somebody (``user:project``).

        :param version: the microversion of what the SDK has none for.
        """
        if openstack is None:
            self.skipTest('openstacksdk is not installed')
        connection = openstack.connect(
            load_yaml_config=False, load_envvars=False,
            auth_type='admin_token',
            block_storage_default_microversion=version,
            auth={'endpoint': self.place.endpoint, 'token': token})
        self.addCleanup(connection.close)
        return connection.block_storage

    def cinder(self, version='3.71', user='admin', project=places.PROJECT):
        """Return python-cinderclient's library."""
        if cinder_client is None or cinder_noauth is None:
            self.skipTest('python-cinderclient is not installed')
        return cinder_client.Client(version, session=sessions.Session(
            auth=cinder_noauth.CinderNoAuthPlugin(
                user, project, endpoint=self.place.endpoint)))

    def program(self, name):
        """Return the path of a client's program."""
        path = places.programs() / name
        if not path.exists():
            self.skipTest(f'the program {name} is not installed')
        return str(path)

    def openstack(self, *words, answers=True):
        """Run ``openstack``; return what it says."""
        config = str(self.place.clouds)
        return self._run(
            [self.program('openstack'), *words,
             *(('-f', 'json') if answers else ())],
            {'OS_CLIENT_CONFIG_FILE': config, 'OS_CLOUD': places.CLOUD},
            answers)

    def cinder_shell(self, *words):
        """Run ``cinder``; return what it prints."""
        return self._run(
            [self.program('cinder'), '--os-auth-type', 'noauth',
             '--os-user-id', 'admin', '--os-project-id', places.PROJECT,
             '--os-endpoint', self.place.endpoint,
             '--os-volume-api-version', '3.71', *words], {}, False)

    def _run(self, command, environment, answers):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(('OS_', 'CINDER'))}
        done = subprocess.run(
            command, env={**kept, 'NO_PROXY': '127.0.0.1', **environment},
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout) if answers else done.stdout

    def name(self, noun='thing'):
        """Return a name that nothing else has."""
        return f'{noun}-{uuidutils.generate_uuid(dashed=False)[:8]}'

    # What tests need again and again, made with openstacksdk.

    def wait(self, kind, id_, status='available'):
        """Wait until something has a status; return it."""
        resource = getattr(self.sdk, f'get_{kind}')(id_)
        return self.sdk.wait_for_status(
            resource, status, ['error', 'error_restoring', 'error_deleting'],
            interval=0.05, wait=30)

    def gone(self, kind, id_):
        """Wait until something is not found any more."""
        try:
            resource = getattr(self.sdk, f'get_{kind}')(id_)
        except openstack.exceptions.NotFoundException:
            return
        self.sdk.wait_for_delete(resource, interval=0.05, wait=30)

    def make_volume(self, **fields):
        """Make a volume of 1 GiB, removed at the end with its snapshots."""
        volume = self.sdk.create_volume(**{
            'size': 1, 'name': self.name('volume'), **fields})
        self.addCleanup(self.remove_volume, volume.id)
        return self.wait('volume', volume.id)

    def remove_volume(self, id_):
        """Remove a volume and everything that holds it."""
        try:
            self.sdk.get_volume(id_)
        except openstack.exceptions.NotFoundException:
            return
        for attachment in self.sdk.attachments(volume_id=id_):
            self.sdk.delete_attachment(attachment)
        self.sdk.delete_volume(id_, cascade=True)
        self.gone('volume', id_)

    def make_snapshot(self, volume, **fields):
        """Make a snapshot of a volume."""
        snapshot = self.sdk.create_snapshot(
            volume_id=volume.id, name=self.name('snapshot'), **fields)
        return self.wait('snapshot', snapshot.id)

    def make_backup(self, volume, **fields):
        """Make a backup of a volume, removed at the end."""
        backup = self.sdk.create_backup(
            volume_id=volume.id, name=self.name('backup'), **fields)
        self.addCleanup(self.remove_backup, backup.id)
        return self.wait('backup', backup.id)

    def remove_backup(self, id_):
        """Remove a backup."""
        try:
            self.sdk.delete_backup(id_, ignore_missing=False)
        except openstack.exceptions.NotFoundException:
            return
        self.gone('backup', id_)

    def attach(self, volume, mode='rw'):
        """Attach a volume to this host, as Nova would."""
        attachment = self.sdk.create_attachment(
            volume.id, instance=uuidutils.generate_uuid(),
            connector={'host': 'client', 'mode': mode})
        self.sdk.complete_attachment(attachment)
        return attachment

    def open(self, attachment, writable=True):
        """Open an attached volume's bytes, closed at the end."""
        if not HAS_QEMU:
            self.skipTest('qemu-storage-daemon is not installed')
        flat = dict(attachment.connection_info)
        connection = connections.open_connection({
            'driver_volume_type': flat.pop('driver_volume_type'),
            'data': flat}, writable=writable)
        self.addCleanup(connection.close)
        return connection

    def read(self, volume, offset=0, length=4096):
        """Return bytes of a volume that nobody has attached."""
        attachment = self.attach(volume, 'ro')
        connection = self.open(attachment, writable=False)
        data = bytearray(length)
        connection.read_into(offset, memoryview(data))
        connection.close()
        self.sdk.delete_attachment(attachment)
        return bytes(data)

    def write(self, volume, data, offset=0):
        """Write bytes to a volume that nobody has attached."""
        attachment = self.attach(volume)
        connection = self.open(attachment)
        connection.write(offset, data)
        connection.flush()
        connection.close()
        self.sdk.delete_attachment(attachment)
