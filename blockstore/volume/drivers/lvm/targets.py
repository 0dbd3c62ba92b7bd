"""Serving gates to other hosts over iSCSI: one target for each connection.

A target has one unit, one initiator that may use it, and a password of its
own.  What serves it, the kernel (LIO) or the daemon ``tgtd``, is an option.
"""

import types
import typing

from blockstore.lifecycle import boundaries
from blockstore.privileged import lio
from blockstore.privileged import tgt
from blockstore.volume.drivers import shapes
from blockstore.volume.drivers.lvm.group import translating
from blockstore.volume.drivers.lvm.settings import Settings

_HELPERS: dict[str, types.ModuleType] = {'lio': lio, 'tgt': tgt}


class Targets:
    """The targets of one back end; without a helper it has none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._helper: typing.Any = _HELPERS.get(settings.target_helper)

    def _iqn(self, gate: str) -> str:
        # No underscore is allowed in such a name.
        return self._settings.iqn_prefix + gate.removeprefix('_')

    def publish(self, gate: str, node: str, entry: shapes.Document,
                ) -> shapes.Document:
        """Serve a gate to its initiator; return what that connects with."""
        iqn = self._iqn(gate)
        with boundaries.around('driver', 'lvm.publish'), translating(iqn):
            lun = self._helper.publish(
                iqn, node, self._settings.target_address,
                self._settings.target_port, entry['initiator'], entry['user'],
                entry['password'], entry['mode'] == 'ro')
        portal = f'{self._settings.target_address}:' \
                 f'{self._settings.target_port}'
        return {'target_discovered': False, 'target_portal': portal,
                'target_iqn': iqn, 'target_lun': lun, 'auth_method': 'CHAP',
                'auth_username': entry['user'],
                'auth_password': entry['password']}

    def withdraw(self, gate: str, entry: shapes.Document) -> None:
        """Serve a gate no more; gone is success."""
        iqn = self._iqn(gate)
        with boundaries.around('driver', 'lvm.withdraw'), translating(iqn):
            self._helper.withdraw(iqn, entry['user'])

    def regrow(self, gate: str, entry: shapes.Document) -> None:
        """Get ready for the gate's new size.

        The kernel sees it by itself.  tgtd does not: its unit is taken away
        and comes back with the new size, which initiators wait for.
        """
        if self._settings.target_helper == 'tgt':
            self.withdraw(gate, entry)
