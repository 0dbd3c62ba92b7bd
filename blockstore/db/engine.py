"""One door to the database: readers, writers and what follows a commit.

A :class:`Database` hands out transactions.  ``read()`` gives a consistent
look; ``write()`` serialises writers on SQLite (BEGIN IMMEDIATE) and is an
ordinary transaction elsewhere.  Functions given to ``after_commit`` run once
the facts are durable, never when the transaction failed.

>>> with database.write() as tx:
...     snapshots.insert(tx, …)
...     tx.after_commit(ring_the_doorbell)
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import math
import sqlite3
import threading
import time
import typing

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_db import options as oslo_options
from oslo_db.sqlalchemy import engines
from oslo_db.sqlalchemy import exc_filters
from oslo_log import log as logging
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy import pool

from blockstore.db import failures
from blockstore.db import pings
from blockstore.lifecycle import boundaries

LOG = logging.getLogger(__name__)

_T = typing.TypeVar('_T')
Gatherer = Callable[['Transaction', list[_T]], None]


class _Here(threading.local):
    """What the transactions of this thread have come to.

    ``commits`` counts those that are durable, or may be; ``begun`` is the
    count at which :mod:`blockstore.db.retry` would begin again.
    """

    writing = False
    commits = 0
    begun = -1


here = _Here()

# How often a server is tried at the start, and seconds between two tries.
_TRIES = 10
_PAUSE = 10
# Seconds after which a server ends a transaction whose owner does nothing.
_IDLE_LIMIT = 10.0
# Between two tries to switch a SQLite file over, in seconds.
_SHORT_WHILE = 0.01


class Transaction:
    """A transaction under way; passed first to every query function."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self._last_looks: list[Callable[[], None]] = []
        self._gathered: dict[typing.Any, list[typing.Any]] = {}
        self._follow_ups: list[Callable[[], None]] = []

    def execute(self, statement: sa.Executable,
                parameters: typing.Any = None,
                ) -> sa.CursorResult[*tuple[typing.Any, ...]]:
        """Run a Core statement."""
        return self.connection.execute(statement, parameters)

    def aside(self) -> contextlib.AbstractContextManager[typing.Any]:
        """Do something whose failure shall not spoil this transaction.

        Only PostgreSQL needs to be told: there one failed statement ends
        all.  It costs two statements.
        """
        if self.connection.dialect.name == 'postgresql':
            return self.connection.begin_nested()
        return contextlib.nullcontext()

    def before_commit(self, last_look: Callable[[], None]) -> None:
        """Look at what this transaction has come to, just before it ends."""
        self._last_looks.append(last_look)

    def gather(self, last_look: 'Gatherer[_T]', item: _T) -> None:
        """Have one last look take all items that are gathered for it."""
        if last_look not in self._gathered:
            items = self._gathered[last_look] = []
            self.before_commit(lambda: last_look(self, items))
        self._gathered[last_look].append(item)

    def look(self) -> None:
        """Take the last looks, in order."""
        for last_look in self._last_looks:
            last_look()

    def after_commit(self, follow_up: Callable[[], None]) -> None:
        """Run something when, and only when, this transaction is durable."""
        self._follow_ups.append(follow_up)

    def follow_ups(self) -> list[Callable[[], None]]:
        """Return what must run after the commit, in order."""
        return self._follow_ups


class Database:
    """The engine and its transactions.

    :param url: an SQLAlchemy URL.
    :param busy_timeout: seconds a SQLite writer waits for another.
    :param options: further keyword arguments for oslo.db's create_engine.
    :param idle_limit: seconds after which the server ends a transaction of a
        process that stands still, so that its locks hold up nobody.
    """

    def __init__(self, url: str, *, busy_timeout: float = 30.0,
                 options: Mapping[str, typing.Any] | None = None,
                 idle_limit: float = _IDLE_LIMIT) -> None:
        if url.startswith('sqlite'):
            self.engine = _sqlite_engine(url, busy_timeout)
        else:
            given = dict(options or {})
            tries = given.pop('max_retries', _TRIES)
            pause = given.pop('retry_interval', _PAUSE)
            self.engine = engines.create_engine(
                _with_all_characters(url), max_retries=0, **given)
            _set_up_sessions(self.engine, idle_limit)
            pings.spare(self.engine)
            self._await_server(tries, pause)

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> 'Database':
        """Open the database that ``[database] connection`` names."""
        group = conf.database
        options = {name: getattr(group, name) for name in (
            'max_pool_size', 'max_overflow', 'pool_timeout',
            'connection_recycle_time', 'mysql_sql_mode', 'max_retries',
            'retry_interval')}
        return cls(group.connection, busy_timeout=group.sqlite_busy_timeout,
                   options=options,
                   idle_limit=max(_IDLE_LIMIT, conf.operations.lease))

    def _await_server(self, tries: int, pause: float) -> None:
        """Return when the server answers, which may still be starting.

        oslo.db would do so for MariaDB alone: it does not know what
        PostgreSQL's driver says when there is no connection.

        :param tries: how often to try; -1: without end; 0: not at all.
        :param pause: seconds between two tries.
        :raises DBError: the server refuses, or was tried often enough.
        """
        while tries:
            try:
                with self.read():
                    return
            except db_exception.DBError as error:
                if tries == 1 or not failures.is_lost(error):
                    raise
                LOG.warning('The database does not answer, and is tried '
                            'again in %s seconds: %s', pause, error)
            tries -= 1
            time.sleep(pause)

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads."""
        with _one_family(), self.engine.connect() as connection:
            yield Transaction(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is committed at the end of the block."""
        commits = here.commits
        here.writing = True
        try:
            with _one_family(), self.engine.begin() as connection:
                transaction = Transaction(connection)
                yield transaction
                transaction.look()
                boundaries.cross('commit', 'transaction', 'before')
                # It may be durable now, even if no answer comes.
                here.commits = commits + 1
        except failures.ERRORS as error:
            if failures.is_conflict(error):
                # But for a server that says that it is not.
                here.commits = commits
            raise
        finally:
            here.writing = False
        boundaries.cross('commit', 'transaction', 'after')
        for follow_up in transaction.follow_ups():
            follow_up()

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def register_options(conf: cfg.ConfigOpts) -> None:
    """Register oslo.db's options, with SQLite as the default database."""
    conf.register_opts(oslo_options.database_opts, group='database')


@contextlib.contextmanager
def _one_family() -> Iterator[None]:
    """Raise what oslo.db lets through as one of its own errors, too.

    That is what a server says which starts or stops, is full, or has no
    connection left, and a pool that has none to lend.  Whoever lives through
    a database's errors, such as the threads that look for work, knows a
    single family of them.
    """
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        raise db_exception.DBError(error) from error


def _with_all_characters(url: str) -> str:
    """Have MariaDB's connections carry every character, as its tables do.

    The default of oslo.db stops short of most pictograms, which are common
    in names nowadays.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() not in ('mysql', 'mariadb'):
        return url
    return parsed.update_query_dict(
        {'charset': 'utf8mb4', **parsed.query}).render_as_string(
            hide_password=False)


def _set_up_sessions(engine: sa.Engine, idle_limit: float) -> None:
    """Tell the server how each connection wants to be treated.

    See what others have committed, on every database alike: MariaDB's own
    default shows a transaction the past, as of its first look, and what is
    counted after a lock was waited for would be too old.

    And let nobody wait for who stands still: a process that is frozen in a
    transaction keeps its locks, and with them whoever takes its work over,
    until the server ends that transaction.
    """
    prepare = {'mysql': _prepare_mysql, 'mariadb': _prepare_mysql,
               'postgresql': _prepare_postgresql}.get(engine.dialect.name)
    if prepare is not None:
        event.listen(engine, 'connect', lambda connection, record: prepare(
            connection, idle_limit))


def _prepare_mysql(connection: typing.Any, idle_limit: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
        if 'mariadb' in connection.get_server_info().lower():
            cursor.execute('SET SESSION idle_transaction_timeout = '
                           f'{math.ceil(idle_limit):d}')


def _prepare_postgresql(connection: typing.Any, idle_limit: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute('SET SESSION idle_in_transaction_session_timeout = '
                       f'{math.ceil(idle_limit * 1000):d}')
    connection.commit()


def _sqlite_engine(url: str, busy_timeout: float) -> sa.Engine:
    """Make an engine with write-ahead log, pooled, one writer at a time.

    oslo.db would force a new connection for each transaction; a pooled one
    costs a tenth of that.
    """
    memory = url in ('sqlite://', 'sqlite:///:memory:')
    engine = sa.create_engine(
        url, poolclass=pool.StaticPool if memory else pool.QueuePool,
        connect_args={'check_same_thread': False, 'timeout': busy_timeout},
        **({} if memory else {'pool_size': 16, 'max_overflow': 64}))
    exc_filters.register_engine(engine)
    event.listen(engine, 'connect', lambda connection, record: _prepare_sqlite(
        connection, busy_timeout))
    event.listen(engine, 'begin', _on_begin)
    return engine


def _prepare_sqlite(connection: typing.Any, patience: float) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    _use_write_ahead_log(cursor, patience)
    cursor.execute('PRAGMA synchronous=FULL')
    cursor.execute('PRAGMA foreign_keys=ON')
    cursor.close()


def _use_write_ahead_log(cursor: typing.Any, patience: float) -> None:
    """Switch a file over, unless it is so already.

    Of several who open a new file at once one switches it; the others are
    told at once that it is locked, however long they would wait.
    """
    limit = time.monotonic() + patience
    while True:
        try:
            if cursor.execute('PRAGMA journal_mode').fetchone() != ('wal',):
                cursor.execute('PRAGMA journal_mode=WAL')
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY
                    or time.monotonic() > limit):
                raise
        else:
            return
        time.sleep(_SHORT_WHILE)


def _on_begin(connection: sa.Connection) -> None:
    immediate = here.writing
    connection.exec_driver_sql(
        'BEGIN IMMEDIATE' if immediate else 'BEGIN')
