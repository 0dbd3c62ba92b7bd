"""A volume of another host, over iSCSI: os-brick logs in and finds the device.

``{'driver_volume_type': 'iscsi', 'data': {'target_portal': …, 'target_iqn':
…, 'target_lun': …, 'auth_method': 'CHAP', …}}``.  The device is then read and
written like one of this host, as long as the connection is open.
"""

from collections.abc import Mapping
import functools
import os
import threading
import typing

from oslo_concurrency import processutils
from oslo_config import cfg

from blockstore import exceptions
from blockstore.volume.connections import local

_INITIATOR = '/etc/iscsi/initiatorname.iscsi'
_SCANS = 5
# os-brick looks at the whole host: one login at a time.
_lock = threading.Lock()


@functools.cache
def initiator_name() -> str | None:
    """Return the name that targets know this host by.

    None: open-iscsi is not installed, or the service may not read it.
    """
    try:
        with open(_INITIATOR, encoding='utf-8') as source:
            for line in source:
                key, _, value = line.strip().partition('=')
                if key == 'InitiatorName':
                    return value
    except OSError:
        return None
    return None


def connect(data: Mapping[str, typing.Any], *, writable: bool = False,
            ) -> 'IscsiConnection':
    """Log in to a target and open its unit.

    :raises ConnectionFailed: os-brick is missing, or the target cannot be
        reached or refuses.
    """
    return IscsiConnection(data, writable=writable)


@functools.cache
def _connector() -> typing.Any:
    """Return os-brick's connector; only hosts that need it have os-brick."""
    try:
        import os_brick
        from os_brick.initiator import connector
        from os_brick.privileged import default
    except ImportError as error:
        raise exceptions.ConnectionFailed(
            f'connections over iSCSI need os-brick: {error}',
            remedy="pip install 'blockstore[iscsi]', and open-iscsi",
            ) from error
    if os.geteuid() == 0:
        default.set_client_mode(False)
    os_brick.setup(cfg.CONF)
    return connector.InitiatorConnector.factory(
        'ISCSI', 'sudo', device_scan_attempts=_SCANS)


class IscsiConnection(local.LocalConnection):
    """An open unit of a target; closed, the session ends, too."""

    def __init__(self, data: Mapping[str, typing.Any], *,
                 writable: bool = False) -> None:
        self._data = dict(data)
        self._open = False
        with _lock:
            self._device = self._log_in()
        self._open = True
        try:
            super().__init__(self._device['path'], writable=writable)
        except exceptions.ConnectionFailed:
            self._log_out()
            raise

    def _log_in(self) -> dict[str, typing.Any]:
        connector = _connector()
        from os_brick import exception as brick
        try:
            found: dict[str, typing.Any] = connector.connect_volume(
                self._data)
        except (brick.BrickException,
                processutils.ProcessExecutionError) as error:
            raise exceptions.ConnectionFailed(
                f'cannot log in to {self._data.get("target_iqn")} at '
                f'{self._data.get("target_portal")}: {error}') from error
        self._lend(found['path'])
        return found

    @staticmethod
    def _lend(path: str) -> None:
        """Let this process open a device that belongs to root."""
        if not os.access(path, os.R_OK):
            from blockstore.privileged import devices
            devices.lend(path, os.geteuid())

    def _log_out(self) -> None:
        if not self._open:
            return
        self._open = False
        with _lock:
            _connector().disconnect_volume(
                self._data, self._device, force=True, ignore_errors=True)

    def close(self) -> None:
        """Close the device and log out; safe to call twice."""
        super().close()
        self._log_out()
