"""Many requests at once: one of them wins, and the counts stay right."""

import concurrent.futures
import typing

from blockstore.tests.functional import failures

AT_ONCE = 8


class ConcurrencyTest(failures.FailureTest):
    """Sends the same requests from several threads."""

    def at_once(self, *requests: typing.Callable[[], typing.Any],
                ) -> list[typing.Any]:
        """Send requests at the same time; return their answers."""
        with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
            started = [pool.submit(request) for request in requests]
            return [future.result() for future in started]

    def statuses(self, *requests: typing.Callable[[], typing.Any],
                 ) -> list[int]:
        """Send requests at the same time; return HTTP statuses, sorted."""
        return sorted(one.status for one in self.at_once(*requests))

    def act(self, volume_id: str, name: str, content: typing.Any = None,
            ) -> typing.Callable[[], typing.Any]:
        """Return a request for an action of a volume."""
        return lambda: self.api.post(
            self.path(f'volumes/{volume_id}/action'), {name: content})

    def test_the_last_of_the_quota(self) -> None:
        self.api.put(self.path(f'os-quota-sets/{self.project}'),
                     {'quota_set': {'volumes': 3}})
        found = self.statuses(*[lambda: self.api.post(
            self.path('volumes'), {'volume': {'size': 1}})] * AT_ONCE)
        self.assertEqual([202] * 3 + [413] * (AT_ONCE - 3), found)
        self.assertEqual((3, 3, 0), self.used())

    def test_one_extension(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.driver.faults.delay('extend_volume', 2)
        found = self.statuses(
            *[self.act(volume_id, 'os-extend', {'new_size': 2})] * AT_ONCE)
        self.assertEqual([202] + [400] * (AT_ONCE - 1), found)
        self.wait_status('volumes', volume_id, 'available')
        self.assertEqual((1, 2, 0), self.used())

    def test_one_backup(self) -> None:
        volume_id = self.one(attached=True)
        self.driver.faults.delay('read', 2)
        found = self.statuses(*[lambda: self.api.post(
            self.path('backups'), {'backup': {
                'volume_id': volume_id, 'force': True}})] * AT_ONCE)
        self.assertEqual([202] + [400] * (AT_ONCE - 1), found)
        self.quiet()
        self.assertEqual((1, 1, 1), self.used())

    def test_one_client(self) -> None:
        volume_id = self.make_volume(1)['id']
        found = self.statuses(*[lambda: self.api.post(
            self.path('attachments'), {'attachment': {
                'volume_uuid': volume_id,
                'connector': {'host': 'h'}}})] * AT_ONCE)
        self.assertEqual([200] + [400] * (AT_ONCE - 1), found)
        self.assertEqual(1, len(self.driver.pool.exports))

    def test_one_restore(self) -> None:
        volume_id = self.one(attached=False)
        backup = self.make_backup(volume_id)
        # The first one shall not have ended before the last one is asked for.
        self.driver.faults.delay('initialize_connection', 2)
        found = self.statuses(*[lambda: self.api.post(
            self.path(f'backups/{backup["id"]}/restore'),
            {'restore': {'volume_id': volume_id}})] * AT_ONCE)
        self.assertEqual([202] + [400] * (AT_ONCE - 1), found)
        self.wait_status('volumes', volume_id, 'available')

    def test_clients_that_leave_together(self) -> None:
        self.api.post(self.path('types'), {'volume_type': {
            'name': 'shared', 'extra_specs': {'multiattach': '<is> True'}}})
        volume_id = self.make_volume(1, volume_type='shared')['id']
        paths = [self.path(f'attachments/{self.attach(volume_id)["id"]}')
                 for _ in range(4)]
        found = self.statuses(*[
            lambda path=path: self.api.delete(path)
            for path in paths for _ in range(2)])
        self.assertEqual([200] * 4, found[:4])
        self.assertLessEqual(set(found[4:]), {200, 404})
        self.assertEqual('available',
                         self.show('volumes', volume_id)['status'])
        self.assertEqual({}, self.driver.pool.exports)

    def test_one_of_all(self) -> None:
        """Delete, extend, attach, back up: one comes first, none breaks."""
        volume_id = self.make_volume(1)['id']
        found = self.at_once(
            lambda: self.api.delete(self.path(f'volumes/{volume_id}')),
            self.act(volume_id, 'os-extend', {'new_size': 2}),
            self.act(volume_id, 'os-reserve'),
            lambda: self.api.post(self.path('snapshots'), {
                'snapshot': {'volume_id': volume_id}}),
            lambda: self.api.post(self.path('backups'), {
                'backup': {'volume_id': volume_id}}))
        self.assertLessEqual({one.status for one in found},
                             {202, 400, 404})
        self.assertIn(202, [one.status for one in found])
        self.quiet()
        answer = self.api.get(self.path(f'volumes/{volume_id}'))
        if answer.status == 200:
            self.assertIn(answer.json['volume']['status'],
                          ('available', 'attaching'))
        self.assertEqual({}, self.driver.pool.exports)
