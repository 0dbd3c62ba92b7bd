"""The iSCSI target daemon ``tgtd``, told what to serve by ``tgtadm``.

It forgets everything when it ends; the service then makes it again.
"""

from collections.abc import Sequence
import re

from blockstore import privileged
from blockstore.privileged import commands
from blockstore.privileged import mapper

_LUN = 1
_TARGET = re.compile(r'^Target (\d+): (\S+)$', re.MULTILINE)


def _tgtadm(*words: str, secrets: Sequence[str] = ()) -> str:
    return commands.run(['tgtadm', '--lld', 'iscsi', *words],
                        secrets=secrets)


class _Targets:
    """What is served now."""

    def __init__(self) -> None:
        parts = _TARGET.split(_tgtadm('--op', 'show', '--mode', 'target'))
        #: Number and description by name.
        self.all = {name: (int(number), text) for number, name, text
                    in zip(parts[1::3], parts[2::3], parts[3::3],
                           strict=True)}

    def free(self) -> str:
        """Return a number that no target has."""
        taken = {number for number, _ in self.all.values()}
        return str(next(number for number in range(1, len(taken) + 2)
                        if number not in taken))

    def is_open(self, iqn: str, initiator: str) -> bool:
        """Tell whether a target is complete: its initiator comes last."""
        return iqn in self.all and initiator in (
            word.strip() for word in self.all[iqn][1].splitlines())


@privileged.root.entrypoint
def publish(iqn: str, node: str, address: str, port: int, initiator: str,
            user: str, password: str, read_only: bool) -> int:
    """Serve a gate to one initiator; return the number of its unit.

    Address and port are those that tgtd was started with.

    :raises ValueError: it is no gate, or these are no names.
    """
    mapper.node(node)
    for text in (iqn, initiator, user):
        commands.name(text)
    there = _Targets()
    if there.is_open(iqn, initiator):
        return _LUN
    _drop(there, iqn, user)
    number = there.free()
    _tgtadm('--op', 'new', '--mode', 'target', '--tid', number,
            '--targetname', iqn)
    # Past the page cache: several gates may lead to the same volume.
    _tgtadm('--op', 'new', '--mode', 'logicalunit', '--tid', number,
            '--lun', str(_LUN), '--bstype', 'aio', '--backing-store', node)
    if read_only:
        _tgtadm('--op', 'update', '--mode', 'logicalunit', '--tid', number,
                '--lun', str(_LUN), '--params', 'readonly=1')
    _tgtadm('--op', 'new', '--mode', 'account', '--user',
            user, '--password', password, secrets=[password])
    _tgtadm('--op', 'bind', '--mode', 'account', '--tid', number,
            '--user', user)
    _tgtadm('--op', 'bind', '--mode', 'target', '--tid', number,
            '--initiator-name', initiator)
    return _LUN


@privileged.root.entrypoint
def withdraw(iqn: str, user: str) -> None:
    """Serve a device no more; sessions end, gone is success."""
    _drop(_Targets(), iqn, user)


def _drop(there: _Targets, iqn: str, user: str) -> None:
    found = there.all.get(iqn)
    if found is not None:
        _tgtadm('--op', 'delete', '--mode', 'target', '--tid',
                str(found[0]), '--force')
    if user in _tgtadm('--op', 'show', '--mode', 'account').split():
        _tgtadm('--op', 'delete', '--mode', 'account', '--user', user)
