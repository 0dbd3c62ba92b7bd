"""A volume finds its place, or its owner is told why it has none."""

from blockstore.tests.functional import base


class PlacementTest(base.FunctionalTest):
    """POST /volumes through the scheduler to the back end."""

    MEMORY_LACKS = ('multi_attaches',)
    OPTIONS = {('memory', 'memory_capacity_gb'): 10.0,
               ('memory', 'max_over_subscription_ratio'): 1.0}

    def create(self, **fields):
        answer = self.api.post(self.path('volumes'), {'volume': fields})
        self.assertEqual(202, answer.status, answer.text)
        return answer.json['volume']['id']

    def make_type(self, name, **specs):
        answer = self.api.post(self.path('types'), {'volume_type': {
            'name': name, 'extra_specs': specs}})
        self.assertEqual(200, answer.status, answer.text)

    def test_a_volume_is_where_it_was_placed(self):
        volume = self.make_volume(2)
        self.assertEqual('test@memory#memory', volume['os-vol-host-attr:host'])
        self.assertIn(f'volume-{volume["id"]}', self.driver.pool.contents)

    def test_too_big(self):
        self.make_volume(4)
        id_ = self.create(size=7)
        self.wait_refused(id_)
        message = self.api.get(self.path('messages')).json['messages'][0]
        self.assertEqual(('VOLUME_VOLUME_001_003', id_),
                         (message['event_id'], message['resource_uuid']))
        operation = self.api.get(self.path(
            f'operations?resource_id={id_}')).json['operations'][0]
        self.assertEqual('failed', operation['state'])
        self.assertEqual('blockstore.scheduler.no_valid_backend',
                         operation['error']['code'])
        self.assertIn('capacity removed 1', operation['error']['message'])
        self.assertNotIn(f'volume-{id_}', self.driver.pool.contents)

    def test_a_type_that_nobody_fulfils(self):
        self.make_type('many', multiattach='<is> True')
        self.wait_refused(self.create(size=1, volume_type='many'))

    def test_a_type_that_is_fulfilled(self):
        self.make_type('stable', **{
            'capabilities:stable_reads': '<is> True',
            'volume_backend_name': 'memory'})
        self.make_volume(1, volume_type='stable')

    def test_a_copy_stays_with_its_source(self):
        volume = self.make_volume(6)
        copy = self.make_volume(6, source_volid=volume['id'])
        self.assertEqual(volume['os-vol-host-attr:host'],
                         copy['os-vol-host-attr:host'])

    def wait_refused(self, id_):
        self.wait_status('volumes', id_, 'error')
