"""What the tests of manage and unmanage on a real volume group share.

One service serves all tests of a class.  A test leaves behind what it made,
unless its removal is what it is about: so the group changes only by what a
test does itself, and can be compared.
"""

import json
import pathlib
import shutil
import tempfile
import time

from oslotest import base as test_base

from blockstore.tests.crash import process
from blockstore.tests.crash import scene
from blockstore.tests.lvm import real
from blockstore.tests.lvm import service
from blockstore.volume import connections

HOST = f'{process.HOST}@lvm'
POLICY = """
"snapshot_extension:snapshot_manage": "rule:admin_api or role:importer"
"""


class ManagedTest(test_base.BaseTestCase):
    """Has a running service, and one volume with known bytes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if real.missing():
            return
        real.prepare()
        real.spoil()
        directory = pathlib.Path(tempfile.mkdtemp(prefix='bs-'))
        cls.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
        (directory / 'policy.yaml').write_text(POLICY)
        started = service.service(directory, report_interval=30)
        cls.addClassCleanup(started.end)
        cls.stage = scene.Scene(started, attached=False)
        cls.addClassCleanup(cls.stage.close)
        cls.volume_id = cls.stage.volume_id

    def setUp(self):
        reason = real.missing()
        if reason:
            self.skipTest(reason)
        super().setUp()

    # Asking.

    def ask(self, method, path, body=None, **how):
        """Send a request; return the answer."""
        return self.stage.service.request(method, path, body, **how)

    def ask_snapshot(self, ref, query='', volume=None, **fields):
        """Ask for a snapshot to be managed."""
        return self.ask('POST', f'manageable_snapshots{query}', {
            'snapshot': {'volume_id': volume or self.volume_id, 'ref': ref,
                         **fields}})

    def accepted(self, answer):
        """Return the resource of a 202."""
        self.assertEqual(202, answer.status, answer)
        return next(iter(answer.json.values()))

    def manage_snapshot(self, ref, **fields):
        """Manage a snapshot and wait until it is available."""
        made = self.accepted(self.ask_snapshot(ref, **fields))
        return self.await_status('snapshots', made['id'], 'available')

    def manage_volume(self, ref):
        """Manage a volume and wait until it is available."""
        made = self.accepted(self.ask('POST', 'manageable_volumes', {
            'volume': {'host': HOST, 'ref': ref}}))
        return self.await_status('volumes', made['id'], 'available')

    def unmanage(self, noun, id_):
        """Let something go and wait until its row is gone."""
        answer = self.ask('POST', f'{noun}/{id_}/action',
                          {'os-unmanage': {}})
        self.assertEqual((202, None), (answer.status, answer.json))
        self.await_gone(noun, id_)

    def delete(self, noun, id_):
        """Ask for a deletion."""
        self.assertEqual(202, self.ask('DELETE', f'{noun}/{id_}').status)

    def listed(self, rest='', noun='snapshots'):
        """Return the long list of what stands on the back end."""
        answer = self.ask('GET',
                          f'manageable_{noun}/detail?host={HOST}{rest}')
        self.assertEqual(200, answer.status, answer)
        return answer.json[f'manageable-{noun}']

    def message(self, id_):
        """Return the one message about a resource."""
        message, = self.ask(
            'GET', f'messages?resource_uuid={id_}').json['messages']
        return message

    def operation(self, id_):
        """Return the latest operation of a resource."""
        return self.ask('GET', f'operations?resource_id={id_}',
                        ).json['operations'][0]

    def usage(self):
        """Return the volumes, snapshots and gigabytes that count."""
        found = self.stage.service.quota()
        return tuple(found[name]['in_use'] + found[name]['reserved']
                     for name in ('volumes', 'snapshots', 'gigabytes'))

    # Waiting.

    def await_true(self, condition):
        """Wait until something is so."""
        limit = time.monotonic() + 120
        while not condition():
            self.assertLess(time.monotonic(), limit, 'waited in vain')
            time.sleep(0.1)

    def show(self, noun, id_):
        """Return a resource as it is shown, or None."""
        answer = self.ask('GET', f'{noun}/{id_}')
        if answer.status == 404:
            return None
        return answer.json[noun.removesuffix('s')]

    def await_status(self, noun, id_, wanted):
        """Wait until a resource is through; return it."""
        self.await_true(
            lambda: self.show(noun, id_)['status'] != 'creating')
        shown = self.show(noun, id_)
        self.assertEqual(wanted, shown['status'], self.operation(id_))
        return shown

    def await_gone(self, noun, id_):
        """Wait until a resource is gone."""
        self.await_true(lambda: self.show(noun, id_) is None)

    # The group.

    def by_hand(self, name, origin=None):
        """Take a snapshot of a volume as any administrator would."""
        real.lv('lvcreate', '-s', '-n', name, f'{real.GROUP}/'
                + (origin or f'volume-{self.volume_id}'))
        return name

    def thin(self, name, size='1G'):
        """Make a thin volume as any administrator would."""
        real.lv('lvcreate', '-V', size, '-n', name, '--thinpool', real.POOL,
                real.GROUP)
        return name

    def group(self):
        """Return what is in the group: name, origin and tags of each uuid.
        """
        report = json.loads(real.run(
            'lvs', '--reportformat', 'json', '-o',
            'lv_uuid,lv_name,origin,lv_tags,lv_size', real.GROUP))
        return {one.pop('lv_uuid'): one for one in report['report'][0]['lv']}

    def uuid(self, name):
        """Return the uuid of what has a name in the group."""
        uuid, = (uuid for uuid, one in self.group().items()
                 if one['lv_name'] == name)
        return uuid

    def read(self, name):
        """Return the first bytes of what has a name in the group."""
        real.lv('lvchange', '-ay', '-K', f'{real.GROUP}/{name}')
        connection = connections.open_connection({
            'driver_volume_type': 'local',
            'data': {'device_path': f'/dev/{real.GROUP}/{name}'}})
        try:
            return scene.read(connection)
        finally:
            connection.close()
