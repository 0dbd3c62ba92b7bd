"""Exceptions that cross RPC, and doorbells that must not fail."""

import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import fixtures
import oslo_messaging

import blockstore
from blockstore import errors
from blockstore import exceptions
from blockstore.rpc import doorbell
from blockstore.rpc import scheduler
from blockstore.rpc import topics
from blockstore.rpc import transport
from blockstore.rpc import volume
from blockstore.tests.unit import rpc_base


class ErrorsMixin:
    """What holds for the exceptions of every transport."""

    client: volume.VolumeClient
    context: Any
    host: str

    def _fail(self, volume_id: str) -> exceptions.BlockstoreError:
        try:
            self.client.terminate_connection(self.context, self.host,
                                             volume_id, None)
        except exceptions.BlockstoreError as error:
            return error
        raise RuntimeError('the call did not fail')

    def test_own_error_arrives_whole(self: Any) -> None:
        error = self._fail('busy')
        self.assertIs(exceptions.VolumeIsBusy, type(error))
        self.assertEqual(errors.VOLUME_ATTACHED, error.code)
        self.assertEqual('volume busy is in use', error.message)
        self.assertEqual('volume busy is in use', str(error))
        self.assertEqual(('attachment a', 'attachment b'), error.blockers)
        self.assertEqual('detach it', error.remedy)

    def test_unknown_class_arrives_as_its_family(self: Any) -> None:
        error = self._fail('private')
        self.assertIs(exceptions.VolumeBackendAPIException, type(error))
        self.assertEqual('chain c1 is broken', error.message)
        self.assertEqual('repair it', error.remedy)
        self.assertEqual(errors.DRIVER_FAILED, error.code)

    def test_bug_arrives_as_internal_error(self: Any) -> None:
        log = self.useFixture(fixtures.FakeLogger(
            'blockstore.rpc.failures'))
        error = self._fail('bug')
        self.assertIs(exceptions.BlockstoreError, type(error))
        self.assertEqual(errors.INTERNAL, error.code)
        self.assertNotIn('Traceback', str(error))
        self.assertIn("KeyError: 'a bug'", log.output)


class LocalErrorsTest(ErrorsMixin, rpc_base.RpcTestCase):

    def setUp(self) -> None:
        super().setUp()
        opened = self.open(f'local://{self.id()}')
        self.host = 'node1@fast'
        self.serve(opened, topics.volume(self.host),
                   rpc_base.VolumeEndpoint())
        self.client = volume.VolumeClient(opened, self.conf)

    def test_missing_method_is_our_error_too(self) -> None:
        error = self.assertRaises(
            exceptions.BlockstoreError, self.client.call, self.context,
            topics.volume(self.host), 'no_such_method', timeout=60)
        self.assertIn('no_such_method', str(error))


class LeaderlessTest(rpc_base.RpcTestCase):
    """A daemon whose starter has ended, as after ``nohup daemon &``."""

    def test_gets_a_group_of_its_own(self) -> None:
        script = textwrap.dedent("""
            import os, subprocess, sys, time
            if sys.argv[1:] == ['daemon']:
                while os.path.exists(f'/proc/{os.getpgrp()}'):
                    time.sleep(0.01)
                from blockstore import conf
                from blockstore.rpc import transport
                conf.register(conf.CONF)
                conf.CONF([], project='blockstore')
                conf.CONF.set_override('state_path', sys.path[0], 'service')
                transport.get_transport(conf.CONF, 'rabbit://nowhere/')
                print(os.getpgrp() == os.getpid(), flush=True)
            else:
                os.setpgid(0, 0)
                subprocess.Popen([sys.executable, __file__, 'daemon'])
            """)
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (path / 'start.py').write_text(script)
        top = pathlib.Path(blockstore.__file__).parent.parent
        with (path / 'said').open('wb') as said:
            subprocess.run(
                [sys.executable, '-W', 'ignore', str(path / 'start.py')],
                check=True, stdout=said, timeout=60, cwd=top,
                env={**os.environ, 'PYTHONPATH': str(top)})
        limit = time.monotonic() + 60
        while not (path / 'said').read_text():
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.02)
        self.assertEqual('True\n', (path / 'said').read_text())


class BrokerAwayTest(rpc_base.RpcTestCase):

    def test_broker_away(self) -> None:
        """A request neither fails nor waits when nobody answers."""
        log = self.useFixture(fixtures.FakeLogger('blockstore.rpc'))
        self.config.config(group='service', state_path=self.useFixture(
            fixtures.TempDir()).path)
        # Port 1 refuses.
        opened = self.open('rabbit://guest:guest@127.0.0.1:1/')
        client = scheduler.SchedulerClient(opened, self.conf)
        began = time.monotonic()
        client.operation_due(self.context, 'o-1')
        # One try to connect alone takes longer than the queue.
        self.assertLess(time.monotonic() - began, 5)
        deadline = began + 60
        while 'o-1' not in log.output and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertIn('not delivered', log.output)

    def test_calls_end_while_the_broker_is_away(self) -> None:
        self.config.config(group='rpc', call_timeout=1, calls_in_flight=1)
        self.config.config(group='service', state_path=self.useFixture(
            fixtures.TempDir()).path)
        self.useFixture(fixtures.MonkeyPatch(
            'blockstore.rpc.client._GRACE', 0))
        # Not cleaned up: the call left behind holds the transport's lock.
        opened = transport.get_transport(
            self.conf, 'rabbit://guest:guest@127.0.0.1:1/')
        client = volume.VolumeClient(opened, self.conf)
        began = time.monotonic()
        error = self.assertRaises(
            exceptions.Unavailable, client.get_capabilities, self.context,
            'node1@fast')
        self.assertIn('did not answer', str(error))
        # The first one still hangs; no second thread joins it.
        error = self.assertRaises(
            exceptions.Unavailable, client.get_capabilities, self.context,
            'node1@fast')
        self.assertIn('too many calls', str(error))
        self.assertLess(time.monotonic() - began, 60)

    def test_full_queue_drops(self) -> None:
        log = self.useFixture(fixtures.FakeLogger('blockstore.rpc'))
        entered, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def hang() -> None:
            entered.set()
            release.wait(60)

        bell = doorbell.Doorbell(inline=False, limit=1)
        bell.ring('first', hang)
        entered.wait(60)
        rung = threading.Event()
        bell.ring('second', rung.set)
        bell.ring('third', lambda: self.fail('was to be dropped'))
        self.assertIn('Dropped the doorbell third', log.output)
        release.set()
        self.assertTrue(rung.wait(60))

    def test_a_failure_does_not_end_the_thread(self) -> None:
        log = self.useFixture(fixtures.FakeLogger('blockstore.rpc'))

        def fail() -> None:
            raise oslo_messaging.MessageDeliveryFailure('no route')

        bell = doorbell.Doorbell(inline=False, limit=10)
        rung = threading.Event()
        bell.ring('bad', fail)
        bell.ring('good', rung.set)
        self.assertTrue(rung.wait(60))
        self.assertIn('no route', log.output)
