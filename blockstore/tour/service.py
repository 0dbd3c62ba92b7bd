"""The service of a tour: ``blockstore-all`` as a process of its own.

It can be killed and started again at any time; the storage daemons, and so
the clients of volumes, go on meanwhile.
"""

from collections.abc import Mapping
import http.client
import json
import pathlib
import signal
import subprocess
import sys
import time

from blockstore.tour.place import Place

_START_SECONDS = 60.0
_STOP_SECONDS = 40.0
_BINARIES = {'cinder-volume', 'cinder-backup', 'cinder-scheduler'}


class ServiceFailed(Exception):
    """Raised when the service does not start."""


class Service:
    """One running service, or none.

    :param place: where it lives.
    :param headers: with them an administrator asks whether it serves.
    """

    def __init__(self, place: Place,
                 headers: Mapping[str, str] | None = None) -> None:
        self._place = place
        self._headers = dict(headers or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; return after how many seconds it serves.

        :raises ServiceFailed: it ends, or does not serve in a minute.
        """
        begun = time.monotonic()
        output = self._place.logs / 'output.log'
        with open(output, 'ab') as errors:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'blockstore.cmd.all', '--config-file',
                 str(self._place.configuration)], stdin=subprocess.DEVNULL,
                stdout=errors, stderr=errors, start_new_session=True)
        self._place.pid.write_text(str(self._process.pid))
        while not self._serves():
            if self._process.poll() is not None or (
                    time.monotonic() - begun > _START_SECONDS):
                self.kill()
                raise ServiceFailed(
                    'the service did not start; see '
                    f'{self._place.logs}/blockstore.log and {output}')
            time.sleep(0.05)
        return time.monotonic() - begun

    def _serves(self) -> bool:
        """Tell whether every part of the service says that it is up."""
        connection = http.client.HTTPConnection(
            '127.0.0.1', self._place.port, timeout=5)
        try:
            connection.request('GET', '/v3/os-services',
                               headers=self._headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        up = {row['binary'] for row in body.get('services', ())
              if row['state'] == 'up'}
        return answer.status == 200 and up >= _BINARIES

    def kill(self) -> None:
        """End it as ``kill -9`` does: it can neither finish nor tidy up."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ask it to end, and wait for that; safe to call twice."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def running(self) -> bool:
        """Tell whether it has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    @property
    def peak_memory(self) -> int | None:
        """The most memory that it has had, in bytes, where one can know."""
        if self._process is None:
            return None
        path = pathlib.Path(f'/proc/{self._process.pid}/status')
        try:
            lines = path.read_text().splitlines()
        except OSError:
            return None
        peaks = [line.split()[1] for line in lines
                 if line.startswith('VmHWM:')]
        return int(peaks[0]) * 1024 if peaks else None
