"""Find, or install and start, the real components of integration tests.

``running()`` yields the environment variables that tell the tests where the
components are, and the reasons for those that are not there.  The tests skip
what has no variable:

==================================  =======================================
``BLOCKSTORE_TEST_RABBIT_URL``      transport URL of a RabbitMQ
``BLOCKSTORE_TEST_MARIADB_URL``     SQLAlchemy URL, without a database, of a
                                    user that may create databases
``BLOCKSTORE_TEST_POSTGRESQL_URL``  the same
``BLOCKSTORE_TEST_RABBIT_CONTROL``  the command that controls the RabbitMQ;
                                    ``rabbitmqctl`` without one
==================================  =======================================

A variable that is set already is believed.  Next a server on its usual port
of 127.0.0.1 is taken, if it lets us in as it would out of the box.  Else a
private one is started in a temporary folder, from packages that are installed
first (as root on Debian or Ubuntu only), and stopped at the end.
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import dataclasses
import glob
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import kombu
from kombu import exceptions as kombu_exceptions
import sqlalchemy

SECONDS_TO_START = 60

Url = Callable[[int], str]


@dataclasses.dataclass(frozen=True)
class Component:
    """One server, and how to come by it.

    :param answers: raises unless the server behind a URL is usable.
    :param prepare: makes what a private one needs in a folder.
    :param launch: starts a private one in a folder that is prepared, on a
        port.
    :param control: a variable, and what gives the command for it that
        controls the private one in a folder, on a port.
    :param ends: the signal that ends it in order, with clients or without.
    """

    name: str
    variable: str
    port: int
    url: Url
    answers: Callable[[str], None]
    program: Callable[[], str | None]
    packages: tuple[str, ...]
    prepare: Callable[[str, pathlib.Path, pathlib.Path], None]
    launch: Callable[[str, pathlib.Path, int, pathlib.Path],
                     subprocess.Popen[bytes]]
    control: tuple[str, Callable[[pathlib.Path, int], str]] | None = None
    ends: signal.Signals = signal.SIGTERM


class NotThereError(Exception):
    """Raised when a component can be neither found nor started."""


@contextlib.contextmanager
def running(
        wanted: bool,
        logs: pathlib.Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield where the components are, and why some are not."""
    found: dict[str, str] = {}
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        for component in COMPONENTS if wanted else ():
            try:
                found.update(obtain(component, logs, stack))
            except (NotThereError, OSError,
                    subprocess.SubprocessError) as error:
                missing.append(f'{component.name}: {error}')
        yield found, missing


def obtain(component: Component, logs: pathlib.Path,
           stack: contextlib.ExitStack) -> dict[str, str]:
    """Return the variables of a component that answers."""
    given = os.environ.get(component.variable)
    if given:
        return {component.variable: given}
    usual = component.url(component.port)
    if is_usable(component, usual):
        return {component.variable: usual}
    if component.program() is None:
        install(component, logs)
        # Some packages start what they bring.
        if is_usable(component, usual):
            return {component.variable: usual}
    program = component.program()
    if program is None:
        raise NotThereError('its program was not found')
    return start(component, program, logs, stack)


def is_usable(component: Component, url: str) -> bool:
    """Tell whether the server behind a URL lets us in."""
    try:
        component.answers(url)
    except (OSError, sqlalchemy.exc.SQLAlchemyError,
            kombu_exceptions.KombuError):
        return False
    return True


def install(component: Component, logs: pathlib.Path) -> None:
    """Install the packages of a component, where that is ours to do."""
    names = ' '.join(component.packages)
    if os.geteuid() != 0 or shutil.which('apt-get') is None:
        raise NotThereError(
            f'not running on 127.0.0.1:{component.port} and not installed '
            f'(Debian: {names}); only root may install it')
    command = ['apt-get', 'install', '-q', '-y', '--no-install-recommends',
               '-o', 'DPkg::Lock::Timeout=300', *component.packages]
    environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
    with open(logs / f'apt-{component.name}.log', 'wb') as log:
        for attempt in (command, ['apt-get', 'update', '-q'], command):
            done = subprocess.run(
                attempt, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, check=False)
            if attempt is command and done.returncode == 0:
                return
    raise NotThereError(f'{names} could not be installed, see {log.name}')


def start(component: Component, program: str, logs: pathlib.Path,
          stack: contextlib.ExitStack) -> dict[str, str]:
    """Start a private server and wait until it answers."""
    folder = pathlib.Path(stack.enter_context(
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    server = Server(component, program, folder,
                    logs / f'{component.name}.log')
    stack.callback(server.stop)
    server.start()
    variables = {component.variable: server.url}
    if component.control is not None:
        variable, command = component.control
        variables[variable] = command(folder, server.port)
    return variables


class Server:
    """A private server, which can be stopped and started again.

    :param folder: where it keeps everything; empty.
    :param log: what it prints is added to this file.
    """

    def __init__(self, component: Component, program: str,
                 folder: pathlib.Path, log: pathlib.Path) -> None:
        self.port = free_port()
        self.url = component.url(self.port)
        self._component = component
        self._program = program
        self._folder = folder
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o755)
        component.prepare(program, folder, log)

    def start(self) -> None:
        """Start it and wait until it answers.

        :raises NotThereError: it does not.
        """
        self._process = self._component.launch(
            self._program, self._folder, self.port, self._log)
        deadline = time.monotonic() + SECONDS_TO_START
        while not is_usable(self._component, self.url):
            if (self._process.poll() is not None
                    or time.monotonic() > deadline):
                raise NotThereError(
                    f'a private one did not start, see {self._log}')
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop it and its helpers in order, by force if they linger."""
        if self._process is not None:
            self._process.send_signal(self._component.ends)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=20)
            self.kill()

    def kill(self) -> None:
        """End it and its helpers at once: SIGKILL."""
        if self._process is None:
            return
        # PostgreSQL's helpers have process groups of their own.
        groups = [self._process.pid, *children(self._process.pid)]
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self._process.wait()


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children."""
    try:
        text = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


def run(command: list[str], log: pathlib.Path,
        user: str | None = None) -> None:
    """Run a step of a preparation."""
    with open(log, 'ab') as output:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output,
                       stderr=output, check=True, user=user, cwd='/')


def spawn(command: list[str], log: pathlib.Path, user: str | None = None,
          environment: dict[str, str] | None = None
          ) -> subprocess.Popen[bytes]:
    """Start a server."""
    with open(log, 'ab') as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            user=user, cwd='/', env={**os.environ, **(environment or {})},
            start_new_session=True)


def database_answers(url: str) -> None:
    """Log in to a database server."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text('SELECT 1'))


def broker_answers(url: str) -> None:
    """Log in to a broker."""
    with kombu.Connection(url.replace('rabbit://', 'amqp://'),
                          connect_timeout=3) as connection:
        connection.connect()


def find(*names: str) -> str | None:
    """Return the first program that is there; names may be patterns."""
    for name in names:
        matches = sorted(glob.glob(name)) if '/' in name else (
            [path] if (path := shutil.which(name)) else [])
        if matches:
            return matches[-1]
    return None


def prepare_mariadb(program: str, folder: pathlib.Path,
                    log: pathlib.Path) -> None:
    """Make an empty MariaDB whose root has no password."""
    run([find('mariadb-install-db', 'mysql_install_db') or '', '--no-defaults',
         f'--datadir={folder}/data',
         '--auth-root-authentication-method=normal', '--skip-test-db',
         *mariadb_user()], log)


def launch_mariadb(program: str, folder: pathlib.Path, port: int,
                   log: pathlib.Path) -> subprocess.Popen[bytes]:
    """Start a MariaDB."""
    return spawn(
        [program, '--no-defaults', f'--datadir={folder}/data',
         f'--port={port}', '--bind-address=127.0.0.1',
         f'--socket={folder}/socket', f'--pid-file={folder}/pid',
         '--innodb-flush-log-at-trx-commit=2', *mariadb_user()], log)


def mariadb_user() -> list[str]:
    """Return the option without which root may not run it."""
    return ['--user=root'] if os.geteuid() == 0 else []


def prepare_postgresql(program: str, folder: pathlib.Path,
                       log: pathlib.Path) -> None:
    """Make an empty PostgreSQL that trusts local users."""
    user = postgresql_user()
    if user is not None:
        shutil.chown(folder, user)
    run([str(pathlib.Path(program).with_name('initdb')), '-D',
         f'{folder}/data', '-U', 'postgres', '--auth=trust', '--no-sync'],
        log, user)


def launch_postgresql(program: str, folder: pathlib.Path, port: int,
                      log: pathlib.Path) -> subprocess.Popen[bytes]:
    """Start a PostgreSQL."""
    return spawn(
        [program, '-D', f'{folder}/data', '-p', str(port), '-h', '127.0.0.1',
         '-k', str(folder), '-F'], log, postgresql_user())


def postgresql_user() -> str | None:
    """Return who runs it, for it refuses to run as root."""
    return 'postgres' if os.geteuid() == 0 else None


def prepare_rabbit(program: str, folder: pathlib.Path,
                   log: pathlib.Path) -> None:
    """Choose the port of a RabbitMQ's own Erlang port mapper."""
    (folder / 'mapper').write_text(str(free_port()))


def launch_rabbit(program: str, folder: pathlib.Path, port: int,
                  log: pathlib.Path) -> subprocess.Popen[bytes]:
    """Start a RabbitMQ of its own, with an Erlang port mapper of its own.

    The mapper would outlive the broker that starts it.  So it is started in
    the foreground, in the broker's process group, which is stopped whole.
    """
    command = 'epmd -port "$ERL_EPMD_PORT" & exec "$0"'
    return spawn(['sh', '-c', command, program], log, environment={
        'ERL_EPMD_PORT': (folder / 'mapper').read_text(),
        'ERL_EPMD_RELAXED_COMMAND_CHECK': '1',
        'HOME': str(folder),
        'RABBITMQ_CONF_ENV_FILE': str(folder / 'none'),
        'RABBITMQ_CONFIG_FILE': str(folder / 'none'),
        'RABBITMQ_DIST_PORT': str(free_port()),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(folder / 'plugins'),
        'RABBITMQ_LOG_BASE': str(folder),
        'RABBITMQ_MNESIA_BASE': str(folder / 'data'),
        'RABBITMQ_NODE_IP_ADDRESS': '127.0.0.1',
        'RABBITMQ_NODE_PORT': str(port),
        'RABBITMQ_NODENAME': f'blockstore{port}@localhost',
        'RABBITMQ_PID_FILE': str(folder / 'pid'),
    })


def control_rabbit(folder: pathlib.Path, port: int) -> str:
    """Return the command that controls a RabbitMQ of its own."""
    program = find('/usr/lib/rabbitmq/bin/rabbitmqctl', 'rabbitmqctl')
    mapper = (folder / 'mapper').read_text()
    return shlex.join(['env', f'HOME={folder}', f'ERL_EPMD_PORT={mapper}',
                       program or 'rabbitmqctl', '-n',
                       f'blockstore{port}@localhost'])


COMPONENTS = (
    Component(
        'RabbitMQ', 'BLOCKSTORE_TEST_RABBIT_URL', 5672,
        lambda port: f'rabbit://guest:guest@127.0.0.1:{port}/',
        broker_answers,
        lambda: find('/usr/lib/rabbitmq/bin/rabbitmq-server',
                     'rabbitmq-server'),
        ('rabbitmq-server',), prepare_rabbit, launch_rabbit,
        ('BLOCKSTORE_TEST_RABBIT_CONTROL', control_rabbit)),
    Component(
        'MariaDB', 'BLOCKSTORE_TEST_MARIADB_URL', 3306,
        lambda port: f'mysql+pymysql://root@127.0.0.1:{port}/',
        database_answers,
        lambda: find('mariadbd', '/usr/sbin/mariadbd', 'mysqld'),
        ('mariadb-server-core', 'mariadb-client-core'), prepare_mariadb,
        launch_mariadb),
    Component(
        'PostgreSQL', 'BLOCKSTORE_TEST_POSTGRESQL_URL', 5432,
        lambda port: f'postgresql+psycopg2://postgres@127.0.0.1:{port}/',
        database_answers,
        lambda: find('/usr/lib/postgresql/*/bin/postgres', 'postgres'),
        ('postgresql',), prepare_postgresql, launch_postgresql,
        ends=signal.SIGINT),
)
