"""A disabled service gets no new work, and ends what it has begun."""

import threading
import time
import typing

from blockstore.conf import CONF
from blockstore.db import services
from blockstore.tests.functional import base


class SwitchTest(base.FunctionalTest):

    def switch(self, action: str, binary: str, host: str) -> None:
        answer = self.api.put(self.path(f'os-services/{action}'),
                              {'binary': binary, 'host': host})
        self.assertEqual(200, answer.status, answer.text)

    def begin_backup(self, volume_id: str) -> str:
        answer = self.api.post(self.path('backups'), {
            'backup': {'volume_id': volume_id}})
        self.assertEqual(202, answer.status, answer.text)
        return str(answer.json['backup']['id'])

    def test_backup_service(self) -> None:
        volumes = [self.make_volume()['id'] for _ in range(2)]
        reading, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)
        repository = self.backup_manager.repository
        backup = repository.backup

        def slow(*args: typing.Any, **kwargs: typing.Any) -> typing.Any:
            reading.set()
            go_on.wait(120)
            return backup(*args, **kwargs)

        self.patch(repository, 'backup', slow)
        first = self.begin_backup(volumes[0])
        self.assertTrue(reading.wait(120))
        self.switch('disable', 'cinder-backup', CONF.service.host)
        # Another one is up, and slow to come.
        with self.database.write() as tx:
            services.report(tx, 'other', services.BACKUP)
        second = self.begin_backup(volumes[1])
        # Its own goes on to the end; what is new waits though it was rung.
        go_on.set()
        self.wait_status('backups', first, 'available')
        time.sleep(3 * CONF.operations.poll_interval)
        self.assertEqual('creating', self.show('backups', second)['status'])
        self.switch('enable', 'cinder-backup', CONF.service.host)
        self.wait_status('backups', second, 'available')

    def test_volume_service(self) -> None:
        host = self.volume_manager.host
        before = self.make_volume()['id']
        self.switch('disable', 'cinder-volume', host)
        answer = self.api.post(self.path('volumes'), {'volume': {'size': 1}})
        self.assertEqual(202, answer.status, answer.text)
        refused = answer.json['volume']['id']
        limit = time.monotonic() + 120
        while self.show('volumes', refused)['status'] != 'error':
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.02)
        # What is there is served all the same.
        self.assertEqual(202, self.api.delete(
            self.path(f'volumes/{before}')).status)
        self.wait_gone('volumes', before)
        self.switch('enable', 'cinder-volume', host)
        self.make_volume()
