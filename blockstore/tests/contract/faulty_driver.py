"""A driver around a driver under test, whose calls meet faults.

The caller of a driver is the manager, which repeats a call that failed.  So
does :class:`FaultyDriver`: each call first meets one fault and is then
repeated, and whoever uses it must not notice.
"""

from blockstore import exceptions
from blockstore.volume import faults
from blockstore.volume.drivers import wrapper


class _Injected(exceptions.DriverError):
    """Raised by the fault, never by the driver itself."""


class FaultyDriver(wrapper.Wrapper):
    """Every call meets one fault.

    :param fault: ``before``, ``after``, ``double`` or ``timeout`` (the
        effect goes on while the call is repeated); None for no fault.
    """

    def __init__(self, driver, fault):
        super().__init__(driver)
        self._fault = fault
        #: How many calls met a fault.
        self.met = 0

    def _call(self, name, effect):
        if self._fault is None:
            return effect()
        self.met += 1
        ordered = faults.Faults()
        if self._fault == faults.DOUBLE:
            ordered.double(name)
        elif self._fault == faults.TIMEOUT:
            ordered.time_out(name, error=_Injected(name))
        else:
            ordered.fail(name, self._fault, error=_Injected(name))
        try:
            return ordered.call(name, effect)
        except _Injected:
            return effect()
        finally:
            ordered.clear()
