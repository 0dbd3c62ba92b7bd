"""The whole service in one process, with its volumes in the tests' group."""

import pathlib
import shutil
import tempfile

from blockstore.tests.crash import backends
from blockstore.tests.crash import process
from blockstore.tests.crash import scene
from blockstore.tests.lvm import real

BACKEND = f"""
lvm_volume_group = {real.GROUP}
lvm_pool = {real.POOL}
lvm_pool_size_gb = {real.POOL_GB}
lvm_local_hosts = client
"""


def service(directory, **options):
    """Return a service that is not started yet."""
    return process.Service(
        directory, backend=BACKEND, looked_at=backends.Lvm(
            f'{process.HOST}@lvm', real.GROUP, real.POOL), **options)


class Served(real.VolumeGroup):
    """Mixed into a test case: a volume, its client, the service."""

    def stage(self, attached=True):
        """Start the service and give it a volume with a client."""
        real.spoil()
        directory = pathlib.Path(tempfile.mkdtemp(prefix='bs-'))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        started = service(directory)
        self.addCleanup(started.end)
        stage = scene.Scene(started, attached)
        self.addCleanup(stage.close)
        return stage
