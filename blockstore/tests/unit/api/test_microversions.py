"""What a request says about its version, and what it gets."""

from oslotest import base

from blockstore.api import faults
from blockstore.api import microversions
from blockstore.tests.unit.api import base as api_base


class NegotiateTest(base.BaseTestCase):

    def test_range(self):
        self.assertEqual('3.0', str(microversions.MIN))
        self.assertEqual('3.71', str(microversions.MAX))

    def test_accepted(self):
        for header, wanted in ((None, '3.0'), ('volume 3.0', '3.0'),
                               ('volume 3.71', '3.71'),
                               ('volume latest', '3.71'),
                               ('VOLUME 3.9', '3.9'),
                               ('compute 2.1, volume 3.44', '3.44')):
            version = microversions.negotiate(header)
            self.assertEqual(wanted, str(version), header)

    def test_not_understood(self):
        for header in ('compute 2.1', '', 'volume', 'volume 3', '3.1',
                       'volume 3.x', 'volume 3.01', 'volume 3.1 3.2',
                       'volume 3.\u0663', 'volume -3.1', 'volume 3.1.1'):
            self.assertRaises(faults.BadRequest, microversions.negotiate,
                              header)

    def test_out_of_range(self):
        for header in ('volume 3.72', 'volume 2.0', 'volume 4.0',
                       'volume 3.9999'):
            self.assertRaises(faults.NotAcceptable, microversions.negotiate,
                              header)


class HeaderTest(api_base.ApiTestCase):

    def test_answer_names_the_version(self):
        answer = self.get('volumes', version='3.44')
        self.assertEqual('volume 3.44',
                         answer.headers['OpenStack-API-Version'])
        self.assertEqual('OpenStack-API-Version', answer.headers['Vary'])
        self.assertEqual('volume 3.0', self.get(
            'volumes').headers['OpenStack-API-Version'])

    def test_fault_names_the_version_too(self):
        answer = self.get('volumes/nothing', version='3.44')
        self.assert_fault(404, 'itemNotFound', answer)
        self.assertEqual('volume 3.44',
                         answer.headers['OpenStack-API-Version'])

    def test_refused(self):
        answer = self.get('volumes', version='3.72')
        self.assert_fault(406, 'computeFault', answer)
        message = answer.json['computeFault']['message']
        for part in ('3.72', '3.0', '3.71'):
            self.assertIn(part, message)
        answer = self.get('volumes', version='three')
        self.assert_fault(400, 'badRequest', answer)
        self.assertNotIn('OpenStack-API-Version', answer.headers)

    def test_v2_is_always_3_0(self):
        answer = self.get(f'/v2/{api_base.PROJECT}/attachments',
                          version='3.71')
        self.assert_fault(404, 'itemNotFound', answer)
