"""The ways in to volumes and snapshots: who may reach what, and how.

Each connection has a gate of its own (:mod:`blockstore.privileged.mapper`),
named ``<name>.<digest of who has it>``.  A client on this machine opens the
gate; for one elsewhere it is served over iSCSI, by a target of its own.  So a
connection that is closed serves nothing more, whoever still has it open, and
a read-only one cannot be written to.

The book has a connection before its gate is made, and until it is shut:
document ``connections:<name>``, ``{identity: {'mode': …, 'kind': …}}``.
"""

from collections.abc import Iterator
import errno
import hashlib
import os
import re
import secrets

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.privileged import mapper
from blockstore.volume.drivers import shapes
from blockstore.volume.drivers.lvm.group import Group
from blockstore.volume.drivers.lvm.group import translating
from blockstore.volume.drivers.lvm.targets import Targets

LOCAL, ISCSI = 'local', 'iscsi'
_BLOCKS = '/sys/class/block'
# As the privileged side takes it, see ``commands.name``.
_INITIATOR = re.compile(r'(?:iqn|eui|naa)\.[A-Za-z0-9_.:-]{1,120}')


def identity_of(connector: shapes.Connector) -> str:
    """Return what tells a connector from others."""
    return str(connector.get('attachment_id') or connector.get('host')
               or 'default')


def mode_of(connector: shapes.Connector) -> str:
    """Return ``ro`` or ``rw``, the default; raise InvalidConnector else."""
    mode = connector.get('mode') or 'rw'
    if mode not in ('ro', 'rw'):
        raise exceptions.InvalidConnector(
            f'the mode {mode!r} is not known', remedy='use ro or rw')
    return str(mode)


class Ways:
    """All ways in of one back end."""

    def __init__(self, group: Group, book: shapes.Book) -> None:
        self._group = group
        self._book = book
        self._settings = group.settings
        self._targets = Targets(group.settings)

    def validate(self, connector: shapes.Connector) -> None:
        """Raise InvalidConnector when nobody can be let in by it."""
        mode_of(connector)
        self._kind_of(connector)

    def _kind_of(self, connector: shapes.Connector) -> str:
        host = connector.get('host')
        if host is None or host in self._settings.local_hosts:
            return LOCAL
        if self._settings.target_helper == 'none':
            raise exceptions.InvalidConnector(
                f'{host} is another host, and this back end serves none',
                remedy='set lvm_target_helper, or name the host in '
                       'lvm_local_hosts if it is this machine')
        initiator = connector.get('initiator')
        if not initiator:
            raise exceptions.InvalidConnector(
                f'{host} does not tell the name of its iSCSI initiator',
                remedy='install open-iscsi there')
        if not isinstance(initiator, str) or not _INITIATOR.fullmatch(
                initiator):
            raise exceptions.InvalidConnector(
                f'{str(initiator)[:64]!r} is no name of an iSCSI initiator',
                remedy='see /etc/iscsi/initiatorname.iscsi there')
        return ISCSI

    # Opening.

    def open(self, name: str, connector: shapes.Connector, limit: int = 0,
             read_only: bool = False) -> shapes.ConnectionInfo:
        """Let a connector in; the same one again gets the same answer.

        :param name: of the volume or snapshot.
        :param limit: how many of its bytes; 0: all.
        :param read_only: whatever the connector says.
        """
        mode = 'ro' if read_only else mode_of(connector)
        kind = self._kind_of(connector)
        identity = identity_of(connector)
        opened = self._opened(name)
        entry = opened.get(identity)
        if entry is None:
            entry = {'mode': mode, 'kind': kind, 'limit': limit}
            if kind == ISCSI:
                entry |= {'initiator': connector['initiator'],
                          'user': secrets.token_hex(8),
                          'password': secrets.token_hex(12)}
            opened[identity] = entry
            self._note(name, opened)
        elif entry['mode'] != mode:
            raise exceptions.InvalidConnector(
                f'{identity} is connected with mode {entry["mode"]}',
                remedy='end that connection first')
        return self._lead(name, identity, entry)

    def _lead(self, name: str, identity: str, entry: shapes.Document,
              ) -> shapes.ConnectionInfo:
        """Make, or make again, what leads to a volume's bytes."""
        gate = _gate(name, identity)
        self._group.activate(name)
        with boundaries.around('driver', 'lvm.open_gate'), translating(gate):
            node = mapper.open_gate(
                gate, self._group.name, name, entry['limit'],
                entry['mode'] == 'ro', os.geteuid(), os.getegid())
        if entry['kind'] == LOCAL:
            return {'driver_volume_type': 'local', 'data': {
                'device_path': node, 'access_mode': entry['mode']}}
        return {'driver_volume_type': 'iscsi', 'data': {
            **self._targets.publish(gate, node, entry),
            'access_mode': entry['mode']}}

    def restore(self, name: str) -> None:
        """Make the ways in again that a start of the host has taken away."""
        there = self._gates(name)
        for identity, entry in self._opened(name).items():
            if entry['kind'] == ISCSI or _gate(name, identity) not in there:
                self._lead(name, identity, entry)

    def grow(self, name: str) -> None:
        """Let every way in reach to a volume's end, which is new."""
        for identity, entry in self._opened(name).items():
            if entry['kind'] == ISCSI:
                self._targets.regrow(_gate(name, identity), entry)
            self._lead(name, identity, entry)

    # Closing.

    def close(self, name: str, connector: shapes.Connector | None) -> None:
        """Shut one way in, or (None) all; shut is success."""
        opened = self._opened(name)
        if connector is None:
            gates = {_gate(name, one): one for one in opened}
            gates |= dict.fromkeys(self._gates(name) - gates.keys(), '')
        else:
            one = identity_of(connector)
            gates = {_gate(name, one): one}
        for gate, identity in gates.items():
            entry = opened.get(identity, {})
            if entry.get('kind') == ISCSI:
                self._targets.withdraw(gate, entry)
            with (boundaries.around('driver', 'lvm.shut_gate'),
                  translating(gate)):
                mapper.shut_gate(gate)
        left = {identity: entry for identity, entry in opened.items()
                if identity not in gates.values()}
        if left != opened:
            self._note(name, left)

    # Looking.

    def is_open(self, name: str) -> list[str]:
        """List who has a way in, as blockers."""
        return [f'connection {identity}' for identity in self._opened(name)]

    def all_open(self) -> list[tuple[str, str]]:
        """List the ways in, as names of what they lead to and of gates."""
        return [(gate.rpartition('.')[0], gate) for gate in _devices()
                if '.' in gate]

    def _gates(self, name: str) -> set[str]:
        return {gate for gate in _devices() if gate.startswith(f'{name}.')}

    def _opened(self, name: str) -> shapes.Document:
        return self._book.read(f'connections:{name}') or {}

    def _note(self, name: str, opened: shapes.Document) -> None:
        with boundaries.around('driver', 'lvm.book'):
            self._book.commit({f'connections:{name}': opened or None})


def _gate(name: str, identity: str) -> str:
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return f'{name}.{digest}'


def _devices() -> Iterator[str]:
    """Yield the names of this machine's device-mapper devices."""
    for entry in os.scandir(_BLOCKS):
        if entry.name.startswith('dm-'):
            try:
                with open(f'{entry.path}/dm/name', encoding='utf-8') as name:
                    yield name.read().strip()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENODEV):
                    raise       # it has not just gone
