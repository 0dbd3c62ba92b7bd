"""The driver ``memory``: exact, instant, with faults on command, for tests.

It declares every capability; the option ``memory_lacks`` takes some away.
The bytes live in a pool of this process
(:mod:`blockstore.volume.connections.memory`), which tests reach by name:

>>> pool = memory.pool('memory')
>>> pool.faults.fail('create_snapshot', when='after')
>>> pool.faults.busy('delete_volume')
>>> pool.called()
['create_volume', 'create_export', 'initialize_connection', 'read']
"""

from blockstore.volume.connections.memory import forget
from blockstore.volume.connections.memory import pool
from blockstore.volume.drivers.memory.driver import MemoryDriver

__all__ = ('MemoryDriver', 'forget', 'pool')
