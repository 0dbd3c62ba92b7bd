"""The kernel's own iSCSI target (LIO), spoken to through rtslib.

What is made is not saved: the service makes it again when the host starts.
"""

from collections.abc import Iterator
import contextlib
import os
import typing

from blockstore import privileged
from blockstore.privileged import commands
from blockstore.privileged import mapper

_LUN = 0
#: Where the kernel keeps what it must remember of initiators.
_STATE = '/etc/target'


def _library() -> typing.Any:
    """Return rtslib, which only hosts with this target have.

    :raises OSError: it is not installed, or the kernel has no target.
    """
    try:
        import rtslib_fb
    except ImportError as error:
        raise OSError(f'the Python package rtslib-fb is missing: {error}',
                      ) from None
    return rtslib_fb


@contextlib.contextmanager
def _translating() -> Iterator[typing.Any]:
    """Give the library; its errors become OSError, which crosses sockets."""
    library = _library()
    os.makedirs(_STATE, 0o700, exist_ok=True)
    try:
        yield library
    except library.RTSLibError as error:
        raise OSError(str(error)) from None


@privileged.root.entrypoint
def publish(iqn: str, node: str, address: str, port: int, initiator: str,
            user: str, password: str, read_only: bool) -> int:
    """Serve a gate to one initiator; return the number of its unit.

    What is there already of the same name stays.

    :raises ValueError: it is no gate, or these are no names.
    """
    mapper.node(node)
    for text in (iqn, initiator):
        commands.name(text)
    with _translating() as library:
        storage = _storage(library, iqn)
        if storage is None:
            storage = library.BlockStorageObject(
                _storage_name(iqn), dev=node, readonly=read_only)
        target = library.Target(library.FabricModule('iscsi'), iqn)
        group = library.TPG(target, 1)
        if not list(group.luns):
            library.LUN(group, _LUN, storage)
        group.set_attribute('authentication', '1')
        group.set_attribute('generate_node_acls', '0')
        access = library.NodeACL(group, initiator)
        access.chap_userid, access.chap_password = user, password
        if not list(access.mapped_luns):
            library.MappedLUN(access, _LUN, _LUN, write_protect=read_only)
        library.NetworkPortal(group, address, port)
        group.enable = True
    return _LUN


@privileged.root.entrypoint
def withdraw(iqn: str, user: str) -> None:
    """Serve a device no more; sessions end, gone is success.

    :param user: goes with the target.
    """
    with _translating() as library:
        for target in library.FabricModule('iscsi').targets:
            if target.wwn == iqn:
                target.delete()
        storage = _storage(library, iqn)
        if storage is not None:
            storage.delete()


def _storage(library: typing.Any, iqn: str) -> typing.Any:
    for storage in library.RTSRoot().storage_objects:
        if storage.name == _storage_name(iqn):
            return storage
    return None


def _storage_name(iqn: str) -> str:
    return iqn.rpartition(':')[2]
