"""Who comes second is refused: state-machines §0, "compare-and-swap".

Many callers ask for the same at one moment.  One gets it, all others get
the refusal that a wrong status would have got, and what is stored is what
the one was promised.
"""

import collections
from collections.abc import Callable
import concurrent.futures
import threading
import typing

from blockstore.tests.functional import base

CALLERS = 6


class RaceTest(base.FunctionalTest):

    def at_once(self, ask: Callable[[int], base.Answer],
                ) -> collections.Counter[int]:
        """Ask from several threads; count the statuses of the answers."""
        barrier = threading.Barrier(CALLERS)

        def run(number: int) -> int:
            barrier.wait()
            return ask(number).status

        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            return collections.Counter(pool.map(run, range(CALLERS)))

    def act(self, volume_id: str, name: str, content: typing.Any = None,
            ) -> Callable[[int], base.Answer]:
        """Return what sends an action."""
        path = self.path(f'volumes/{volume_id}/action')
        return lambda number: self.api.post(path, {name: content})

    def test_volume(self) -> None:
        volume_id = self.make_volume(1)['id']
        one = {202: 1, 400: CALLERS - 1}
        self.assertEqual(one, self.at_once(self.act(
            volume_id, 'os-reserve')))
        self.assertEqual({202: CALLERS}, self.at_once(self.act(
            volume_id, 'os-unreserve')))
        self.assertEqual(one, self.at_once(self.act(
            volume_id, 'os-extend', {'new_size': 2})))
        self.assertEqual(2, self.wait_status(
            'volumes', volume_id, 'available')['size'])
        path = self.path(f'volumes/{volume_id}')
        found = self.at_once(lambda number: self.api.delete(path))
        self.assertEqual(1, found.pop(202))
        self.assertLessEqual(set(found), {400, 404})
        self.wait_gone('volumes', volume_id)

    def test_attachments(self) -> None:
        """Each caller is another host; one of them has the volume."""
        volume_id = self.make_volume(1)['id']
        found = self.at_once(lambda number: self.api.post(
            self.path('attachments'), {'attachment': {
                'volume_uuid': volume_id,
                'connector': {'host': f'h{number}'}}}))
        self.assertEqual({200: 1, 400: CALLERS - 1}, found)
        listed = self.api.get(self.path('attachments')).json['attachments']
        self.assertEqual(['attaching'], [one['status'] for one in listed])
        path = self.path(f'attachments/{listed[0]["id"]}')
        found = self.at_once(lambda number: self.api.delete(path))
        self.assertLessEqual(set(found), {200, 404})
        self.assertEqual('available',
                         self.show('volumes', volume_id)['status'])

    def test_backups(self) -> None:
        volume_id = self.make_volume(1)['id']
        found = self.at_once(lambda number: self.api.post(
            self.path('backups'), {'backup': {'volume_id': volume_id}}))
        # A backup of nothing is so quick that a second may follow it.
        self.assertLessEqual(set(found), {202, 400})
        listed = self.api.get(self.path('backups')).json['backups']
        self.assertEqual(found[202], len(listed))
        for backup in listed:
            self.wait_status('backups', backup['id'], 'available')
        path = self.path(f'backups/{listed[0]["id"]}')
        found = self.at_once(lambda number: self.api.delete(path))
        self.assertEqual(1, found.pop(202))
        self.assertLessEqual(set(found), {400, 404})
        self.wait_gone('backups', listed[0]['id'])

    def test_quota(self) -> None:
        """No two callers are given the same last place."""
        volume_id = self.make_volume(1)['id']
        answer = self.api.put(
            self.path(f'os-quota-sets/{self.project}'), {'quota_set': {
                'volumes': 3, 'snapshots': 2}})
        self.assertEqual(200, answer.status, answer.text)
        for path, body, left in (
                ('volumes', {'volume': {'size': 1}}, 2),
                ('snapshots', {'snapshot': {'volume_id': volume_id}}, 2)):
            found = self.at_once(lambda number, path=path, body=body:
                                 self.api.post(self.path(path), body))
            self.assertEqual({202: left, 413: CALLERS - left}, found)

    def test_names_of_types(self) -> None:
        body = {'volume_type': {'name': 'gold'}}
        self.assertEqual(
            {200: 1, 409: CALLERS - 1},
            self.at_once(lambda number: self.api.post(
                self.path('types'), body)))

    def test_metadata_under_a_tag(self) -> None:
        """§1.1: of all who read the same, one may write."""
        path = self.path(f'volumes/{self.make_volume(1)["id"]}/metadata')
        tag = self.api.get(path).headers['Etag']
        found = self.at_once(lambda number: self.api.request(
            'PUT', path, {'metadata': {'winner': str(number)}},
            headers={'If-Match': tag}))
        self.assertEqual({200: 1, 412: CALLERS - 1}, found)
