"""The API refuses more while too much is open; nothing is lost."""

import threading

from blockstore.tests.functional import failures

OTHER = 'f' * 32


class PressureTest(failures.FailureTest):
    """A back end that stands still."""

    OPTIONS = failures.FailureTest.OPTIONS | {('operations', 'lease'): 30.0}

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume(1)['id']
        self.quiet()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)
        self.driver.faults.hang('create_snapshot', self.gate, times=10)

    def set(self, **options):
        for name, value in options.items():
            self.config.config(group='operations', **{name: value})

    def snapshot(self, api=None):
        return (api or self.api).post(self.path('snapshots'), {
            'snapshot': {'volume_id': self.volume_id}})

    def accepted(self, number):
        """Ask for snapshots; return their ids."""
        answers = [self.snapshot() for _ in range(number)]
        self.assertEqual([202] * number, [one.status for one in answers])
        return [one.json['snapshot']['id'] for one in answers]

    def used(self):
        sets = self.api.get(self.path(
            f'os-quota-sets/{self.project}?usage=True')).json['quota_set']
        return sets['snapshots']['in_use']

    def test_of_a_project(self):
        self.set(max_open_of_project=2)
        ids = self.accepted(2)
        answer = self.snapshot()
        self.assertEqual((429, '10'), (
            answer.status, answer.headers['Retry-After']), answer.text)
        refusal = answer.json['overLimit']
        self.assertEqual('blockstore.operation.project_busy',
                         refusal['error_code'])
        self.assertEqual(['2 open operations'], refusal['blockers'])
        self.assertEqual(2, self.used())
        # Another project goes on.
        other = self.as_user(f'admin:{OTHER}')
        answer = other.post(f'/v3/{OTHER}/volumes', {'volume': {'size': 1}})
        self.assertEqual(202, answer.status, answer.text)
        self.gate.set()
        for id_ in ids:
            self.wait_status('snapshots', id_, 'available')
        self.quiet()
        self.accepted(1)

    def test_of_all(self):
        self.set(max_open=2)
        ids = self.accepted(2)
        other = self.as_user(f'admin:{OTHER}')
        answer = other.post(f'/v3/{OTHER}/volumes', {'volume': {'size': 1}})
        self.assertEqual((503, '10'), (
            answer.status, answer.headers['Retry-After']), answer.text)
        self.assertEqual('blockstore.operation.service_busy',
                         answer.json['serviceUnavailable']['error_code'])
        self.gate.set()
        for id_ in ids:
            self.wait_status('snapshots', id_, 'available')

    def test_what_is_refused_changes_nothing(self):
        self.set(max_open_of_project=1)
        id_, = self.accepted(1)
        volume = self.path(f'volumes/{self.volume_id}')
        for method, path, body in (
                ('POST', self.path('volumes'), {'volume': {'size': 1}}),
                ('POST', self.path('backups'),
                 {'backup': {'volume_id': self.volume_id}}),
                ('POST', f'{volume}/action', {'os-extend': {'new_size': 2}})):
            answer = self.api.request(method, path, body)
            self.assertEqual(429, answer.status, (path, answer.text))
        shown = self.show('volumes', self.volume_id)
        self.assertEqual(('available', 1), (shown['status'], shown['size']))
        self.assertEqual(1, len(self.api.get(
            self.path('volumes')).json['volumes']))
        # Who attaches is let through.
        self.attach(self.volume_id)
        self.gate.set()
        self.wait_status('snapshots', id_, 'available')

    def test_without_limits(self):
        self.set(max_open_of_project=0, max_open=0)
        for id_ in self.accepted(3):
            self.gate.set()
            self.wait_status('snapshots', id_, 'available')
