"""One qemu-storage-daemon: the process, its block graph and its exports.

A volume that somebody is connected to, or that is being worked on, has one
process of its own, in a session of its own, so that it outlives the service.
It is found again by its pid file, which the daemon keeps locked as long as
it lives, and by its monitor socket.

The graph: one node for each layer, each added by its own command (nested
ones would vanish after a merge), and above the active layer a filter named
``root`` that exports and jobs refer to, whatever the active layer is.
"""

import fcntl
import hashlib
import os
import signal
import struct
import subprocess
import sys
import time
import typing
import uuid

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers.qsd import images
from blockstore.volume.drivers.qsd import qmp
from blockstore.volume.drivers.qsd.images import Images
from blockstore.volume.drivers.qsd.settings import Settings

LOG = logging.getLogger(__name__)

ROOT = 'root'
_CONNECTIONS = 100      # the daemon's own default, beyond which it hangs
_END_TIMEOUT = 120.0    # a clean end flushes everything first


def stem(owner: str) -> str:
    """Return the 32 characters that name a volume's or export's run files.
    """
    try:
        return uuid.UUID(owner).hex
    except ValueError:
        return hashlib.sha256(owner.encode()).hexdigest()[:32]


def node_name(layer: str) -> str:
    """Return the name of a layer's node (at most 31 characters)."""
    return 'L' + hashlib.sha256(layer.encode()).hexdigest()[:20]


class Daemon:
    """The process of one volume, running or not.

    :param name: of its run files; the default is the volume's.
    """

    def __init__(self, volume_id: str, settings: Settings, images: Images,
                 direct: bool, name: str | None = None) -> None:
        self.volume_id = volume_id
        self._settings = settings
        self._images = images
        self._direct = direct
        base = os.path.join(settings.run_directory,
                            name or stem(volume_id))
        self.monitor_path = base + '.q'
        self.socket_path = base + '.n'
        self.pid_path = base + '.pid'
        self._log_path = base + '.log'
        self._process: subprocess.Popen[bytes] | None = None
        self._monitor: qmp.Monitor | None = None

    # The process.

    def pid(self) -> int | None:
        """Return the id of the living process, or None."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
        return living(self.pid_path)

    def alive(self) -> bool:
        """Tell whether the process lives."""
        return self.pid() is not None

    def monitor(self) -> qmp.Monitor:
        """Return the open monitor, connecting to a found process."""
        if self._monitor is None:
            self._monitor = qmp.open_when_ready(
                self.monitor_path, self._settings.qmp_timeout, self.alive)
        return self._monitor

    def command(self, name: str, /, **arguments: typing.Any) -> typing.Any:
        """Run a monitor command; a lost monitor is dropped."""
        monitor = self.monitor()
        try:
            return monitor.command(name, **arguments)
        except qmp.Lost:
            self.forget()
            raise

    def forget(self) -> None:
        """Hang up the monitor; the process goes on."""
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.close()

    def start(self) -> None:
        """Start the process with an empty graph.

        :raises DriverError: when it does not come up; with its own words.
        """
        self.forget()
        for path in (self.monitor_path, self.socket_path, self.pid_path):
            _unlink(path)
        command = [
            self._settings.daemon,
            '--chardev', f'socket,id=monitor,path={self.monitor_path},'
                         'server=on,wait=off',
            '--monitor', 'chardev=monitor',
            '--nbd-server', f'addr.type=unix,addr.path={self.socket_path},'
                            f'max-connections={_CONNECTIONS}',
            '--object', 'throttle-group,id=limits',
            '--pidfile', self.pid_path]
        with boundaries.around('driver', 'qsd.start'), \
                open(self._log_path, 'wb') as words:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=words,
                    start_new_session=True, umask=0o077)
            except OSError as error:
                raise exceptions.DriverError(
                    f'cannot start {command[0]}: {error}') from error
            self._process = process
            # It writes the file just before it begins to serve.
            deadline = time.monotonic() + self._settings.qmp_timeout
            while (process.poll() is None and not living(self.pid_path)
                    and time.monotonic() < deadline):
                time.sleep(0.002)
            try:
                self._monitor = qmp.open_when_ready(
                    self.monitor_path, self._settings.qmp_timeout,
                    lambda: process.poll() is None)
            except qmp.Lost as error:
                process.kill()
                process.wait()
                raise exceptions.DriverError(
                    f'the storage daemon of volume {self.volume_id} did not '
                    f'start: {self._last_words() or error}') from error

    def _last_words(self) -> str:
        with open(self._log_path, encoding='utf-8', errors='replace') as log:
            return log.read(2000).strip()

    def stop(self) -> None:
        """End the process cleanly: everything written is durable then.

        :raises DriverError: when it does not end.
        """
        pid = self.pid()
        if pid is not None:
            with boundaries.around('driver', 'qsd.stop'):
                self._quit(pid)
        self.forget()
        self._process = None
        for path in (self.monitor_path, self.socket_path, self.pid_path,
                     self._log_path):
            _unlink(path)

    def _quit(self, pid: int) -> None:
        try:
            self.command('quit')
        except qmp.Lost:
            # It is hung or just ending; a signal asks for the same.
            if living(self.pid_path) == pid:
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _END_TIMEOUT
        while self.alive():
            if time.monotonic() > deadline:
                raise exceptions.DriverError(
                    f'the storage daemon {pid} of volume {self.volume_id} '
                    'does not end', remedy='kill it if its disk is gone')
            time.sleep(0.002)
        if self._process is not None:
            self._process.wait()

    # The graph.

    def nodes(self) -> dict[str, dict[str, typing.Any]]:
        """Return the graph's named nodes."""
        return {node['node-name']: node for node in self.command(
            'query-named-block-nodes', flat=True)}

    def _layer_options(self, layer: str, parent: str | None, writable: bool,
                       ) -> dict[str, typing.Any]:
        return {
            'driver': images.format_of(layer), 'node-name': node_name(layer),
            'read-only': not writable, 'discard': 'unmap',
            'detect-zeroes': 'unmap',
            **({'backing': node_name(parent) if parent else None}
               if images.format_of(layer) == 'qcow2' else {}),
            'file': {'driver': 'file', 'filename': self._images.path(layer),
                     'aio': self._settings.aio, 'discard': 'unmap',
                     'cache': {'direct': self._direct}}}

    def add_layers(self, chain: typing.Sequence[str], *, writable: bool,
                   ) -> None:
        """Add the nodes of a chain (top first) that are not there yet.

        Headers are compared with the book before anything is opened.

        :param writable: whether the top one will be written to.
        """
        there = self.nodes()
        parents = [*chain[1:], None]
        missing = [(layer, parent) for layer, parent
                   in zip(chain, parents, strict=True)
                   if node_name(layer) not in there]
        for layer, parent in missing:
            self._images.verify(layer, parent)
        for layer, parent in reversed(missing):
            self.command('blockdev-add', **self._layer_options(
                layer, parent, writable and layer == chain[0]))

    def add_root(self, active: str) -> None:
        """Put the filter above the active layer."""
        self.command('blockdev-add', driver='throttle', node_name=ROOT,
                     throttle_group='limits', file=node_name(active))

    def serves(self, active: str) -> bool:
        """Tell whether a layer is the one that clients' writes go to.

        It is the only writable one.  (A node's file name would tell, too,
        but QEMU cuts long ones off.)
        """
        nodes = self.nodes()
        writable = [name for name, node in nodes.items()
                    if name.startswith('L') and not node['ro']]
        return ROOT in nodes and writable == [node_name(active)]

    def push(self, old: str, new: str) -> None:
        """Switch from one active layer to a new one above it; repeatable."""
        if self.serves(new):
            return
        with boundaries.around('driver', 'qsd.switch'):
            if node_name(new) not in self.nodes():
                self._images.verify(new, old)
                # Its backing is given by the switch, not by the header.
                self.command('blockdev-add', **self._layer_options(
                    new, None, True))
            self.command('blockdev-snapshot', node=node_name(old),
                         overlay=node_name(new))

    def stray_nodes(self, chain: typing.Sequence[str]) -> list[str]:
        """List layer nodes outside of a chain, upper ones first."""
        wanted = {node_name(layer) for layer in chain}
        # The answer lists a node before those that were added earlier.
        return [name for name in self.nodes()
                if name.startswith('L') and name not in wanted]

    def drop_layer(self, layer: str) -> None:
        """Remove a layer's node if it is there and nothing stands on it."""
        if node_name(layer) in self.nodes():
            self.command('blockdev-del', node_name=node_name(layer))

    def resize(self, size: int) -> None:
        """Grow the active layer (through the filter, which keeps a length).

        There must be no export of ``root``.
        """
        with boundaries.around('driver', 'qsd.resize'):
            self.command('block_resize', node_name=ROOT, size=size)

    # Exports.

    def exports(self) -> set[str]:
        """Return the names of the exports that are there."""
        return {export['id'] for export in
                self.command('query-block-exports')}

    def add_export(self, name: str, *, writable: bool,
                   layer: str | None = None) -> None:
        """Let clients reach ``root`` or one frozen layer; repeatable."""
        if name in self.exports():
            return
        options: dict[str, typing.Any] = {}
        if layer:
            options['allocation_depth'] = True
        with boundaries.around('driver', 'qsd.export'):
            self.command('block-export-add', type='nbd', id=name, name=name,
                         node_name=node_name(layer) if layer else ROOT,
                         writable=writable, **options)

    def remove_export(self, name: str) -> None:
        """Disconnect the clients of an export; returns when it is gone."""
        if name not in self.exports():
            return
        with boundaries.around('driver', 'qsd.unexport'):
            self.command('block-export-del', id=name, mode='hard')
            deadline = time.monotonic() + self._settings.qmp_timeout
            while name in self.exports():
                if time.monotonic() > deadline:
                    raise exceptions.DriverError(
                        f'the export {name} of volume {self.volume_id} does '
                        'not end', remedy='end its client, which stands '
                        'still')
                time.sleep(0.002)

    # Merging.

    def start_merge(self, job: str, top: str, base: str, child: str | None,
                    ) -> None:
        """Begin to move a layer's content into the one below it."""
        options: dict[str, typing.Any] = {}
        if child:
            options['backing_file'] = os.path.basename(
                self._images.path(base))
        with boundaries.around('driver', 'qsd.commit'):
            self.command('block-commit', job_id=job, device=ROOT,
                         top_node=node_name(top), base_node=node_name(base),
                         auto_dismiss=False, **options)

    def jobs(self) -> dict[str, dict[str, typing.Any]]:
        """Return the jobs that are there, by name."""
        return {job['id']: job for job in self.command('query-jobs')}

    def end_job(self, name: str) -> str | None:
        """Cancel a job unless it has ended; return its error, or None."""
        deadline = time.monotonic() + self._settings.qmp_timeout
        cancelled = False
        while True:
            job = self.jobs().get(name)
            if job is None:
                return 'the job is gone'
            if job['status'] == 'concluded':
                self.command('job-dismiss', id=name)
                return job.get('error') or (
                    'the job was cancelled' if cancelled else None)
            if not cancelled:
                try:
                    self.command('job-cancel', id=name)
                except qmp.Refused as error:
                    LOG.debug('Job %s ends by itself: %s', name, error)
                cancelled = True
            if time.monotonic() > deadline:
                raise exceptions.DriverError(f'the job {name} does not end')
            time.sleep(0.002)


def living(pid_path: str) -> int | None:
    """Return the process id in a pid file if its owner holds the lock."""
    try:
        descriptor = os.open(pid_path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not _locked(descriptor):
            return None
        text = os.pread(descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Tell whether another process has a lock on a file."""
    if sys.platform == 'linux':
        # Only asking: taking it could make a starting daemon fail.
        asked = struct.pack('hhqqi', fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, asked)
        return bool(struct.unpack('hhqqi', answer)[0] != fcntl.F_UNLCK)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
