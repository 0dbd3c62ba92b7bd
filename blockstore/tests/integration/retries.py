"""What the database undoes is done again: on the servers of production.

The servers themselves raise every error here: real deadlocks, real lost
connections, and conditions raised in triggers where only a cluster would.
"""

import json
import threading

from oslo_db import exception as db_exception
import sqlalchemy as sa
import webob

from blockstore import exceptions
from blockstore.api import app
from blockstore.db import failures
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import retry
from blockstore.db import rows
from blockstore.services import container
from blockstore.tests.integration import servers
from blockstore.tests.unit.api import base

WAIT = 120
VOLUME = '00000000-0000-4000-8000-000000000001'


class RetryMixin:
    """Transactions that the server ends."""

    def setUp(self):
        super().setUp()
        migration.sync(self.database)
        with self.database.write() as tx:
            for id_ in ('a', 'b'):
                rows.insert(tx, models.Quota, project_id=id_,
                            resource='volumes', hard_limit=0)
        self.runs = []

    def _run(self, statement):
        """Run a statement on another connection."""
        with self.database.engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def add(self, tx, project_id):
        columns = rows.table(models.Quota).c
        tx.execute(rows.table(models.Quota).update().where(
            columns.project_id == project_id).values(
                hard_limit=columns.hard_limit + 1))

    def limits(self):
        columns = rows.table(models.Quota).c
        with self.database.read() as tx:
            return list(tx.execute(
                sa.select(columns.hard_limit).order_by(
                    columns.project_id)).scalars())

    def run_both(self, function, *arguments):
        """Run a function twice at the same time; return what it raised."""
        raised = []

        def run(argument):
            try:
                function(argument)
            except Exception as error:  # noqa: BLE001 - it is looked at
                raised.append(error)

        threads = [threading.Thread(target=run, args=(argument,))
                   for argument in arguments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        self.assertFalse([one for one in threads if one.is_alive()])
        return raised

    def crossing(self):
        """Return a function that deadlocks with itself, but only once."""
        both = threading.Barrier(2)

        def cross(order):
            self.runs.append(order)
            with self.database.write() as tx:
                self.add(tx, order[0])
                if len(self.runs) <= 2:
                    both.wait(WAIT)
                self.add(tx, order[1])
        return cross

    def test_without_it_one_of_two_fails(self):
        raised = self.run_both(self.crossing(), 'ab', 'ba')
        self.assertEqual([True], [failures.is_conflict(one)
                                  for one in raised])
        self.assertEqual([1, 1], self.limits())

    def test_a_deadlock_is_nobody_s_failure(self):
        self.assertEqual([], self.run_both(
            retry.whole(self.crossing()), 'ab', 'ba'))
        self.assertEqual(3, len(self.runs))
        self.assertEqual([2, 2], self.limits())

    def test_a_cut_connection(self):
        @retry.whole
        def cut():
            self.runs.append(1)
            with self.database.write() as tx:
                self.add(tx, 'a')
                if len(self.runs) == 1:
                    self.cut(tx)
                self.add(tx, 'b')

        cut()
        self.assertEqual(2, len(self.runs))
        self.assertEqual([1, 1], self.limits())

    def test_what_is_committed_is_not_done_again(self):
        cross = self.crossing()

        @retry.whole
        def first_something_else(order):
            with self.database.write() as tx:
                self.add(tx, 'a' if order == 'ab' else 'b')
            cross(order)

        raised = self.run_both(first_something_else, 'ab', 'ba')
        self.assertEqual(1, len(raised), raised)
        self.assertEqual([2, 2], self.limits())

    def test_an_inner_one_begins_again_alone(self):
        cross = retry.whole(self.crossing())

        @retry.whole
        def outer(order):
            with self.database.write() as tx:
                self.add(tx, 'a' if order == 'ab' else 'b')
            cross(order)

        self.assertEqual([], self.run_both(outer, 'ab', 'ba'))
        self.assertEqual([3, 3], self.limits())

    def test_other_errors_are_not_repeated(self):
        @retry.whole
        def fail():
            self.runs.append(1)
            with self.database.write():
                raise exceptions.Conflict('no')

        self.assertRaises(exceptions.Conflict, fail)
        self.assertEqual(1, len(self.runs))

    def test_a_request_is_answered_all_the_same(self):
        conf = base.make_conf()
        api = app.make_app(conf, container.Services(
            conf, self.database, base.Clients()))
        with self.database.write() as tx:
            rows.insert(tx, models.Volume, id=VOLUME, project_id=base.PROJECT,
                        size=1, status='available', host=base.HOST)
            self.trip(tx, 'snapshots')
        request = webob.Request.blank('/v3/snapshots', method='POST', headers={
            'X-Auth-Token': base.ADMIN, 'Content-Type': 'application/json'})
        request.body = json.dumps({'snapshot': {'volume_id': VOLUME}}).encode()
        answer = request.get_response(api)
        self.assertEqual(202, answer.status_int, answer.body)
        with self.database.read() as tx:
            self.assertEqual(1, len(tx.execute(
                rows.table(models.Operation).select()).all()))
            # The first one failed, the second one did not.
            self.assertEqual(3, tx.connection.exec_driver_sql(
                self.tries).scalar_one())


class MariaDBRetryTest(RetryMixin, servers.ServerTestCase):
    """MariaDB."""

    server = servers.MARIADB
    tries = 'SELECT nextval(tries)'

    def cut(self, tx):
        number = tx.connection.exec_driver_sql(
            'SELECT connection_id()').scalar_one()
        self._run(f'KILL {number}')

    def trip(self, tx, table):
        """Let the first insert fail as a Galera node fails it."""
        tx.connection.exec_driver_sql('CREATE SEQUENCE tries')
        tx.connection.exec_driver_sql(
            f'CREATE TRIGGER trip BEFORE INSERT ON {table} FOR EACH ROW '
            "IF nextval(tries) = 1 THEN SIGNAL SQLSTATE '40001' SET "
            "MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock: wsrep aborted "
            "transaction'; END IF")

    def test_waiting_too_long_for_a_lock(self):
        held = self.database.engine.connect()
        self.addCleanup(held.close)
        held.exec_driver_sql('UPDATE quotas SET hard_limit = 7')

        @retry.whole
        def wait():
            self.runs.append(1)
            with self.database.write() as tx:
                tx.connection.exec_driver_sql(
                    'SET SESSION innodb_lock_wait_timeout = 1')
                if len(self.runs) > 1:
                    held.rollback()
                self.add(tx, 'a')

        wait()
        self.assertEqual(2, len(self.runs))
        self.assertEqual([1, 0], self.limits())


class PostgreSQLRetryTest(RetryMixin, servers.ServerTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
    tries = "SELECT nextval('tries')"

    def cut(self, tx):
        number = tx.connection.exec_driver_sql(
            'SELECT pg_backend_pid()').scalar_one()
        self._run(f'SELECT pg_terminate_backend({number})')

    def trip(self, tx, table, action="RAISE EXCEPTION USING ERRCODE = "
             "'40001', MESSAGE = 'could not serialize access'"):
        """Let the first commit after an insert fail."""
        tx.connection.exec_driver_sql('CREATE SEQUENCE tries')
        tx.connection.exec_driver_sql(
            'CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql AS '
            f"$$BEGIN IF nextval('tries') = 1 THEN {action}; END IF; "
            'RETURN NULL; END$$')
        tx.connection.exec_driver_sql(
            f'CREATE CONSTRAINT TRIGGER trip AFTER INSERT ON {table} '
            'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW '
            'EXECUTE FUNCTION trip()')

    def test_a_commit_without_an_answer_is_not_repeated(self):
        with self.database.write() as tx:
            self.trip(tx, 'quotas',
                      'PERFORM pg_terminate_backend(pg_backend_pid())')

        @retry.whole
        def insert():
            self.runs.append(1)
            with self.database.write() as tx:
                rows.insert(tx, models.Quota, project_id='c',
                            resource='volumes', hard_limit=0)

        error = self.assertRaises(db_exception.DBError, insert)
        self.assertTrue(failures.is_lost(error), error)
        self.assertEqual(1, len(self.runs))
