"""A driver around a driver: every call passes through one method.

What a wrapper adds, it adds in :meth:`Wrapper._call`; capabilities are those
of the driver inside (:func:`blockstore.volume.drivers.base.has` looks there).

>>> driver = GuardedDriver(MemoryDriver(conf, host, book))
>>> base.require(driver, base.Reverts).revert_to_snapshot(…)   # guarded
"""

from collections.abc import Callable
import functools
import typing

from blockstore.volume.drivers import base

# Made of other calls, each of which is wrapped by itself.
_COMPOSED = ('_attach_snapshot', '_detach_snapshot')
_OWN = ('class_for', 'set_initialized', 'get_version')


class Wrapper(base.Driver):
    """Hands every call on to ``driver``.

    :param driver: whose ``conf``, ``host`` and ``book`` it takes over.
    """

    def __init__(self, driver: base.Driver) -> None:
        super().__init__(driver.conf, driver.host, driver.book)
        self.driver: base.Driver = driver
        self.initialized = driver.initialized
        for name in _methods(driver):
            effect = getattr(driver, name)
            setattr(self, name, functools.partial(self._pass, name, effect))

    def set_initialized(self) -> None:
        """Note that set-up is done, outside and inside."""
        self.driver.set_initialized()
        self.initialized = self.driver.initialized

    def get_version(self) -> str:
        """Return the driver's version."""
        return self.driver.get_version()

    def _pass(self, name: str, effect: Callable[..., typing.Any],
              *args: typing.Any, **kwargs: typing.Any) -> typing.Any:
        return self._call(name, lambda: effect(*args, **kwargs))

    def _call(self, name: str, effect: Callable[[], typing.Any],
              ) -> typing.Any:
        """Do one call."""
        return effect()


def _methods(driver: base.Driver) -> list[str]:
    """List the methods to hand on: the base's and the capabilities'."""
    sources = [*base.Driver.__mro__[:-1],
               *(protocol for protocol in base.CAPABILITIES.values()
                 if base.has(driver, protocol))]
    found = [name for source in sources for name in vars(source)
             if not name.startswith('_') and name not in _OWN
             and callable(getattr(driver, name, None))]
    # A driver that composes them in its own way is called as a whole.
    found += [name for name in _COMPOSED
              if getattr(type(base.innermost(driver)), name)
              is not getattr(base.Driver, name)]
    return found
