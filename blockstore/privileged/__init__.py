"""Everything that needs root, and nothing else.

What stands in this package runs in a small process of its own, started by
``sudo privsep-helper`` when the first of these functions is called; the
daemon itself needs no rights.  A daemon that is root already calls them
directly.

Each function does one thing, checks the names that it is given, and passes
them on as a list of arguments, never through a shell.  Arguments and answers
are plain: they cross a socket.

>>> from blockstore.privileged import lvm
>>> lvm.create_thin('vg', 'pool', 'volume-1', 1 << 30)
"""

import os

from oslo_privsep import capabilities
from oslo_privsep import priv_context

#: The only way into this package: its functions are the context's.
root = priv_context.PrivContext(
    'blockstore.privileged',
    cfg_section='privileged',
    pypath='blockstore.privileged.root',
    # LVM and device-mapper want the first; the others are for device nodes
    # that belong to the service, for /etc/lvm, and for locking memory.
    capabilities=[capabilities.CAP_SYS_ADMIN, capabilities.CAP_MKNOD,
                  capabilities.CAP_CHOWN, capabilities.CAP_FOWNER,
                  capabilities.CAP_DAC_OVERRIDE, capabilities.CAP_IPC_LOCK,
                  capabilities.CAP_SYS_NICE, capabilities.CAP_SYS_RAWIO,
                  capabilities.CAP_SYS_RESOURCE],
)

if os.geteuid() == 0:
    root.set_client_mode(False)
