"""What drivers raise, under the module name that their authors know (R-008).

>>> from blockstore import exception
>>> raise exception.ManageExistingInvalidReference(
...     existing_ref=existing_ref, reason='there is no such volume')
"""

from blockstore.exceptions import DriverError
from blockstore.exceptions import InvalidConnector
from blockstore.exceptions import ManageExistingAlreadyManaged
from blockstore.exceptions import ManageExistingInvalidReference
from blockstore.exceptions import NotFound
from blockstore.exceptions import SnapshotIsBusy
from blockstore.exceptions import Unsupported
from blockstore.exceptions import VolumeBackendAPIException
from blockstore.exceptions import VolumeIsBusy

__all__ = ('DriverError', 'InvalidConnector', 'ManageExistingAlreadyManaged',
           'ManageExistingInvalidReference', 'NotFound', 'SnapshotIsBusy',
           'Unsupported', 'VolumeBackendAPIException', 'VolumeIsBusy')
