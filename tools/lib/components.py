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
import sqlalchemy

SECONDS_TO_START = 60

Url = Callable[[int], str]


@dataclasses.dataclass(frozen=True)
class Component:
    """One server, and how to come by it.

    :param answers: raises unless the server behind a URL is usable.
    :param start: starts a private one in a folder, on a port.
    :param control: a variable, and what gives the command for it that
        controls the private one in a folder, on a port.
    """

    name: str
    variable: str
    port: int
    url: Url
    answers: Callable[[str], None]
    program: Callable[[], str | None]
    packages: tuple[str, ...]
    start: Callable[[str, pathlib.Path, int, pathlib.Path],
                    subprocess.Popen[bytes]]
    control: tuple[str, Callable[[pathlib.Path, int], str]] | None = None


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
            kombu.exceptions.KombuError):
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
    folder.chmod(0o755)
    port = free_port()
    log = logs / f'{component.name}.log'
    process = component.start(program, folder, port, log)
    stack.callback(stop, process)
    url = component.url(port)
    deadline = time.monotonic() + SECONDS_TO_START
    while not is_usable(component, url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotThereError(f'a private one did not start, see {log}')
        time.sleep(0.2)
    variables = {component.variable: url}
    if component.control is not None:
        variable, command = component.control
        variables[variable] = command(folder, port)
    return variables


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a private server and its helpers, by force if they linger."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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


def start_mariadb(program: str, folder: pathlib.Path, port: int,
                  log: pathlib.Path) -> subprocess.Popen[bytes]:
    """Make an empty MariaDB whose root has no password, and start it."""
    user = ['--user=root'] if os.geteuid() == 0 else []
    data = folder / 'data'
    run([find('mariadb-install-db', 'mysql_install_db') or '', '--no-defaults',
         f'--datadir={data}', '--auth-root-authentication-method=normal',
         '--skip-test-db', *user], log)
    return spawn(
        [program, '--no-defaults', f'--datadir={data}', f'--port={port}',
         '--bind-address=127.0.0.1', f'--socket={folder}/socket',
         f'--pid-file={folder}/pid', '--innodb-flush-log-at-trx-commit=2',
         *user], log)


def start_postgresql(program: str, folder: pathlib.Path, port: int,
                     log: pathlib.Path) -> subprocess.Popen[bytes]:
    """Make an empty PostgreSQL that trusts local users, and start it."""
    user = None
    if os.geteuid() == 0:    # it refuses to run as root
        user = 'postgres'
        shutil.chown(folder, user)
    data = folder / 'data'
    run([str(pathlib.Path(program).with_name('initdb')), '-D', str(data),
         '-U', 'postgres', '--auth=trust', '--no-sync'], log, user)
    return spawn(
        [program, '-D', str(data), '-p', str(port), '-h', '127.0.0.1',
         '-k', str(folder), '-F'], log, user)


def start_rabbit(program: str, folder: pathlib.Path, port: int,
                 log: pathlib.Path) -> subprocess.Popen[bytes]:
    """Start a RabbitMQ of its own, with an Erlang port mapper of its own.

    The mapper would outlive the broker that starts it.  So it is started in
    the foreground, in the broker's process group, which is stopped whole.
    """
    mapper = free_port()
    (folder / 'mapper').write_text(str(mapper))
    command = 'epmd -port "$ERL_EPMD_PORT" & exec "$0"'
    return spawn(['sh', '-c', command, program], log, environment={
        'ERL_EPMD_PORT': str(mapper),
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
        ('rabbitmq-server',), start_rabbit,
        ('BLOCKSTORE_TEST_RABBIT_CONTROL', control_rabbit)),
    Component(
        'MariaDB', 'BLOCKSTORE_TEST_MARIADB_URL', 3306,
        lambda port: f'mysql+pymysql://root@127.0.0.1:{port}/',
        database_answers,
        lambda: find('mariadbd', '/usr/sbin/mariadbd', 'mysqld'),
        ('mariadb-server-core', 'mariadb-client-core'), start_mariadb),
    Component(
        'PostgreSQL', 'BLOCKSTORE_TEST_POSTGRESQL_URL', 5432,
        lambda port: f'postgresql+psycopg2://postgres@127.0.0.1:{port}/',
        database_answers,
        lambda: find('/usr/lib/postgresql/*/bin/postgres', 'postgres'),
        ('postgresql',), start_postgresql),
)
