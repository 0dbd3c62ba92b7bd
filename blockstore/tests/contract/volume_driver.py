"""The suite that every volume driver must pass, plainly and under faults.

A driver's own test module says how it is loaded and gets five test cases:

>>> class Loaded:
...     def load_driver(self, book): …
>>> globals().update(volume_driver.cases('Fast', Loaded))
"""

from oslotest import base as test_base

from blockstore.tests.contract import driver_connections
from blockstore.tests.contract import driver_extents
from blockstore.tests.contract import driver_fixture
from blockstore.tests.contract import driver_managing
from blockstore.tests.contract import driver_snapshots
from blockstore.tests.contract import driver_volumes

FAULTS = (None, 'before', 'after', 'double', 'timeout')


class VolumeDriverContract(driver_volumes.VolumeTests,
                           driver_snapshots.SnapshotTests,
                           driver_connections.ConnectionTests,
                           driver_extents.ExtentTests,
                           driver_managing.ManagingTests,
                           driver_fixture.DriverFixture):
    """All parts; see DriverFixture for what a subclass adds."""


def cases(name, loaded, module):
    """Make one test case for each fault.

    :param loaded: a class with ``load_driver(book)``.
    :param module: the name of the test module.
    """
    made = {}
    for fault in FAULTS:
        title = f'{name}{(fault or "plain").capitalize()}Test'
        made[title] = type(
            title, (loaded, VolumeDriverContract, test_base.BaseTestCase),
            {'FAULT': fault, '__module__': module})
    return made
