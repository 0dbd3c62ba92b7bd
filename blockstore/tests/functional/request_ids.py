"""One request id, from the API to the driver, in logs that machines read."""

import collections
import io
import json
import logging

from oslo_log import formatters

from blockstore.db import models
from blockstore.db import rows
from blockstore.tests.functional import base


class RequestIdTest(base.FunctionalTest):
    """Follows one request through all services."""

    def setUp(self):
        super().setUp()
        self.log = io.StringIO()
        handler = logging.StreamHandler(self.log)
        handler.setFormatter(formatters.JSONFormatter())
        logger = logging.getLogger('blockstore')
        level = logger.level
        self.addCleanup(logger.setLevel, level)
        self.addCleanup(logger.removeHandler, handler)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)

    def lines(self, request_id):
        """Return the lines of a request by the module that wrote them."""
        found = collections.defaultdict(list)
        for text in self.log.getvalue().splitlines():
            line = json.loads(text)
            if line['context'].get('request_id') == request_id:
                found[line['name'].removeprefix('blockstore.')].append(line)
        return found

    def test_from_the_api_to_the_driver(self):
        volume = self.make_volume()['id']
        self.attach(volume)
        answer = self.api.post(self.path('backups'), {'backup': {
            'volume_id': volume, 'force': True}})
        backup = answer.json['backup']['id']
        self.wait_status('backups', backup, 'available')
        request_id = answer.headers['x-openstack-request-id']
        found = self.lines(request_id)
        self.assertIn('POST', found['api.router'][0]['message'])

        operations = {}
        with self.database.read() as tx:
            for line in [*found['lifecycle.worker'],
                         *found['lifecycle.attempts']]:
                context = line['context']
                if context['operation_id'] is None:
                    continue  # a doorbell has come by RPC
                row = rows.get(tx, models.Operation,
                               context['operation_id'])
                self.assertEqual(
                    (request_id, row.resource_id),
                    (row.request_id, context['resource_uuid']))
                operations[row.kind] = row
        self.assertLessEqual({'backup.create', 'snapshot.create'},
                             operations.keys())

        calls = {line['message'].split()[1]: line['context']
                 for line in found['volume.drivers.guarded']}
        snapshot = operations['snapshot.create']
        self.assertEqual(
            (snapshot.id, snapshot.resource_id),
            (calls['create_snapshot']['operation_id'],
             calls['create_snapshot']['resource_uuid']))
        # What came by RPC belongs to the backup.
        self.assertIn(operations['backup.create'].id, {
            context['operation_id'] for context in calls.values()})
