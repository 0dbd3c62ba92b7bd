"""A broker or a database server that one test has to itself.

It may be stopped, killed and started again, which the servers that all tests
share may not.

>>> server = self.useFixture(own_servers.OwnServer('RabbitMQ'))
>>> server.kill(), server.start()
"""

import importlib.util
import pathlib
import types
import typing

import fixtures

from blockstore.tests import discovery

_COMPONENTS = pathlib.Path(discovery.TOP, 'tools', 'lib', 'components.py')


def missing(*names: str) -> str:
    """Tell which of some components cannot be had; empty if all can."""
    if not _COMPONENTS.exists():
        return f'{_COMPONENTS} is not there'
    return ', '.join(f'{name} is not installed' for name in names
                     if _component(name).program() is None)


class OwnServer(fixtures.Fixture):
    """Has ``url``, where a server is that was started for this test.

    :param name: of a component in ``tools/lib/components.py``.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._component = _component(name)
        self._server: typing.Any = None

    def _setUp(self) -> None:
        folder = pathlib.Path(self.useFixture(
            fixtures.TempDir(rootdir='/tmp')).path)
        data = folder / 'server'
        data.mkdir()
        # Another user may run it, who has to find the way.
        folder.chmod(0o755)
        self._server = _load().Server(
            self._component, self._component.program(), data,
            folder / 'log')
        self.addCleanup(self._server.kill)
        self._server.start()
        self.url: str = self._server.url

    def start(self) -> None:
        """Start it again, and return when it answers."""
        self._server.start()

    def stop(self) -> None:
        """Stop it in order."""
        self._server.stop()

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._server.kill()


def _component(name: str) -> typing.Any:
    return next(one for one in _load().COMPONENTS if one.name == name)


def _load() -> types.ModuleType:
    """Load what the tests are started with, which is no package."""
    if not _loaded:
        spec = importlib.util.spec_from_file_location(
            'components', _COMPONENTS)
        if spec is None or spec.loader is None:
            raise ImportError(f'{_COMPONENTS} cannot be loaded')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        _loaded.append(module)
    return _loaded[0]


_loaded: list[types.ModuleType] = []
