"""Starting a back end, and working while the database is away."""

import time
import typing

from oslo_db import exception as db_exception

from blockstore.tests.functional import base
from blockstore.tests.functional import failures
from blockstore.volume import manager


class SetUpTest(failures.FailureTest):
    """Starts the volume service again and again."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(manager, 'SETUP_RETRY', 0.05)

    def restart(self) -> None:
        """Stop the volume service and start it again."""
        self.volume_manager.stop(time.monotonic() + 5)
        self.volume_manager = base.VolumeManager(
            base.CONF, self.database, self.transport, 'memory')
        self.addCleanup(lambda one=self.volume_manager: one.stop(
            time.monotonic() + 5))
        self.volume_manager.start()

    def check_works(self) -> None:
        """Check that volumes can be made and attached."""
        self.attach(self.make_volume(1)['id'])

    def test_a_driver_that_is_not_ready(self) -> None:
        self.fail('do_setup', times=3)
        self.restart()
        self.check_works()

    def test_a_database_that_is_away(self) -> None:
        self.driver.faults.fail('do_setup', times=3,
                                error=db_exception.DBConnectionError())
        self.restart()
        self.check_works()

    def test_one_bad_volume(self) -> None:
        self.attach(self.make_volume(1)['id'])
        self.fail('ensure_export', times=1000)
        self.restart()
        self.check_works()

    def test_stopped_while_it_is_not_ready(self) -> None:
        self.fail('do_setup', times=1000)
        self.restart()
        self.volume_manager.stop(time.monotonic() + 5)
        self.driver.faults.clear()
        before = self.driver.pool.called()
        self.assertFalse(self.volume_manager._setup.is_alive())
        self.assertEqual(before, self.driver.pool.called())

    def test_an_operation_goes_on_when_the_database_is_back(self) -> None:
        self.driver.faults.fail('create_volume', times=2,
                                error=db_exception.DBConnectionError())
        volume = self.make_volume(1)
        found = self.api.get(self.path(
            f'operations?resource_id={volume["id"]}')).json['operations']
        self.assertEqual(['done'], [one['state'] for one in found])

    def test_a_call_that_loses_the_database_for_a_moment(self) -> None:
        """What it has begun is done again, and the caller sees nothing."""
        volume_id = self.make_volume(1)['id']
        self.driver.faults.fail('create_export',
                                error=db_exception.DBConnectionError())
        body: typing.Any = {'attachment': {
            'volume_uuid': volume_id, 'connector': {'host': 'h'}}}
        answer = self.api.post(self.path('attachments'), body)
        self.assertEqual(200, answer.status, answer.text)
        self.assertEqual([answer.json['attachment']['id']], [
            one['id'] for one in self.api.get(
                self.path('attachments')).json['attachments']])
