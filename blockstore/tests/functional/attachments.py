"""Attachments over HTTP, down to the driver and back."""

import threading
import time
import typing

from blockstore import exceptions
from blockstore.tests.functional import base


class AttachmentTest(base.FunctionalTest):

    def status(self, volume_id: str) -> str:
        """Return a volume's status."""
        return str(self.show('volumes', volume_id)['status'])

    def test_life(self) -> None:
        volume_id = self.make_volume(1)['id']
        attachment = self.attach(volume_id)
        self.assertEqual('in-use', self.status(volume_id))
        path = self.path(f'attachments/{attachment["id"]}')
        shown = self.api.get(path).json['attachment']
        self.assertEqual(('attached', attachment['connection_info']),
                         (shown['status'], shown['connection_info']))
        answer = self.api.delete(path)
        self.assertEqual((200, {'attachments': []}),
                         (answer.status, answer.json))
        self.assertEqual('available', self.status(volume_id))
        self.assertEqual(
            ['initialize_connection', 'terminate_connection'],
            [call.method for call in self.driver.calls
             if call.method.endswith('_connection')])

    def test_a_connector_that_does_not_do(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.driver.faults.fail(
            'initialize_connection', when='before',
            error=exceptions.InvalidConnector('no initiator'))
        answer = self.api.post(self.path('attachments'), {'attachment': {
            'volume_uuid': volume_id, 'connector': {'host': 'h'}}})
        self.assertEqual(400, answer.status, answer.text)
        self.assertEqual('no initiator', answer.json['badRequest']['message'])
        self.assertEqual('available', self.status(volume_id))

    def test_a_back_end_that_fails(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.driver.faults.fail(
            'initialize_connection', when='before',
            error=exceptions.VolumeBackendAPIException('down'))
        answer = self.api.post(self.path('attachments'), {'attachment': {
            'volume_uuid': volume_id, 'connector': {'host': 'h'}}})
        self.assertEqual(500, answer.status, answer.text)
        self.assertEqual([], self.api.get(
            self.path('attachments')).json['attachments'])
        self.assertEqual('available', self.status(volume_id))
        self.attach(volume_id)

    def test_the_older_way(self) -> None:
        volume_id = self.make_volume(1)['id']
        path = self.path(f'volumes/{volume_id}/action')
        for name, content, code, status in (
                ('os-reserve', None, 202, 'attaching'),
                ('os-initialize_connection', {'connector': {'host': 'h'}},
                 200, 'attaching'),
                ('os-attach', {'mountpoint': '/dev/vdb', 'host_name': 'h'},
                 202, 'in-use'),
                ('os-begin_detaching', None, 202, 'detaching'),
                ('os-terminate_connection', {'connector': {'host': 'h'}},
                 202, 'detaching'),
                ('os-detach', None, 202, 'available')):
            answer = self.api.post(path, {name: content})
            self.assertEqual(code, answer.status, answer.text)
            self.assertEqual(status, self.status(volume_id), name)


class RaceTest(base.FunctionalTest):
    """Requests that meet: nothing stays open, no status lies."""

    def reserve(self, volume_id: str) -> str:
        """Promise a volume; return the path of the attachment."""
        answer = self.api.post(self.path('attachments'), {
            'attachment': {'volume_uuid': volume_id}})
        self.assertEqual(200, answer.status, answer.text)
        return self.path(f'attachments/{answer.json["attachment"]["id"]}')

    def connect(self, path: str) -> base.Answer:
        """Connect an attachment's client."""
        return self.api.put(path, {'attachment': {
            'connector': {'host': 'client'}}})

    def hold(self, method: str) -> threading.Event:
        """Let a driver call wait; return what lets it go on."""
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.driver.faults.hang(method, go_on)
        return go_on

    def begin(self, function: typing.Callable[[], typing.Any],
              ) -> 'tuple[threading.Thread, list[typing.Any]]':
        """Start a request in a thread; its answer will be in the list."""
        answers: list[typing.Any] = []
        thread = threading.Thread(
            target=lambda: answers.append(function()), daemon=True)
        thread.start()
        return thread, answers

    def until(self, condition: typing.Callable[[], bool]) -> None:
        """Wait until something is so."""
        limit = time.monotonic() + 60
        while not condition():
            self.assertTrue(time.monotonic() < limit, 'waited in vain')
            time.sleep(0.01)

    def called(self, method: str) -> bool:
        """Tell whether a driver method was called."""
        return method in self.driver.pool.called()

    def exports(self) -> list[str]:
        """Return the ways in that are open."""
        return list(self.driver.pool.exports)

    def test_deleted_while_it_connects(self) -> None:
        """The later one waits, and has the last word."""
        volume_id = self.make_volume(1)['id']
        path = self.reserve(volume_id)
        go_on = self.hold('initialize_connection')
        connecting, connected = self.begin(lambda: self.connect(path))
        self.until(lambda: self.called('initialize_connection'))
        deleting, deleted = self.begin(lambda: self.api.delete(path))
        self.until(lambda: self.api.get(path).json['attachment'][
            'status'] == 'detaching')
        go_on.set()
        connecting.join()
        deleting.join()
        self.assertEqual(409, connected[0].status, connected[0].text)
        self.assertEqual(200, deleted[0].status, deleted[0].text)
        self.assertEqual([], self.exports())
        self.assertEqual('available',
                         self.show('volumes', volume_id)['status'])

    def test_connects_while_it_is_deleted(self) -> None:
        """Refused; and to delete it again is to wait for the same end."""
        volume_id = self.make_volume(1)['id']
        path = self.path(f'attachments/{self.attach(volume_id)["id"]}')
        go_on = self.hold('terminate_connection')
        deleting = [self.begin(lambda: self.api.delete(path))
                    for _ in range(2)]
        self.until(lambda: self.called('terminate_connection'))
        answer = self.connect(path)
        self.assertEqual(409, answer.status, answer.text)
        go_on.set()
        for thread, answers in deleting:
            thread.join()
            self.assertIn(answers[0].status, (200, 404), answers[0].text)
        self.assertEqual(1, self.driver.pool.called().count(
            'terminate_connection'))
        self.assertEqual([], self.exports())

    def test_a_call_that_was_not_answered(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.driver.faults.fail('initialize_connection', when='after')
        answer = self.api.post(self.path('attachments'), {'attachment': {
            'volume_uuid': volume_id, 'connector': {'host': 'h'}}})
        self.assertEqual(500, answer.status, answer.text)
        self.until(lambda: not self.exports())
        self.attach(volume_id)

    def test_a_delete_that_fails_changes_nothing(self) -> None:
        volume_id = self.make_volume(1)['id']
        path = self.path(f'attachments/{self.attach(volume_id)["id"]}')
        self.driver.faults.fail('terminate_connection', when='before')
        self.assertEqual(500, self.api.delete(path).status)
        self.assertEqual('attached',
                         self.api.get(path).json['attachment']['status'])
        self.assertEqual('in-use', self.show('volumes', volume_id)['status'])
        self.assertEqual(200, self.api.delete(path).status)
        self.assertEqual('available',
                         self.show('volumes', volume_id)['status'])

    def test_detached_by_the_older_way(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.attach(volume_id)
        answer = self.api.post(self.path(f'volumes/{volume_id}/action'),
                               {'os-detach': None})
        self.assertEqual(202, answer.status, answer.text)
        self.until(lambda: not self.exports())

    def test_forgotten_by_an_administrator(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.attach(volume_id)
        answer = self.api.post(
            self.path(f'volumes/{volume_id}/action'),
            {'os-reset_status': {'status': 'available',
                                 'attach_status': 'detached'}})
        self.assertEqual(202, answer.status, answer.text)
        self.until(lambda: not self.exports())

    def test_force_detach_leaves_the_others(self) -> None:
        answer = self.api.post(self.path('types'), {'volume_type': {
            'name': 'shared', 'extra_specs': {'multiattach': '<is> True'}}})
        self.assertEqual(200, answer.status, answer.text)
        volume_id = self.make_volume(1, volume_type='shared')['id']
        first, second = (self.attach(volume_id), self.attach(volume_id))
        answer = self.api.post(
            self.path(f'volumes/{volume_id}/action'),
            {'os-force_detach': {'attachment_id': first['id']}})
        self.assertEqual(202, answer.status, answer.text)
        self.until(lambda: len(self.exports()) == 1)
        self.assertIn(second['id'], self.exports()[0])
        self.assertEqual('in-use', self.show('volumes', volume_id)['status'])

    def test_detached_while_it_grows(self) -> None:
        volume_id = self.make_volume(1)['id']
        path = self.path(f'attachments/{self.attach(volume_id)["id"]}')
        go_on = self.hold('extend_volume')
        answer = self.api.post(self.path(f'volumes/{volume_id}/action'),
                               {'os-extend': {'new_size': 2}})
        self.assertEqual(202, answer.status, answer.text)
        self.assertEqual(200, self.api.delete(path).status)
        self.assertEqual('extending',
                         self.show('volumes', volume_id)['status'])
        go_on.set()
        self.wait_status('volumes', volume_id, 'available')
