"""Volumes, made, grown and deleted while the service dies."""

from blockstore.tests.crash import base
from blockstore.tests.crash import scene


class CreateVolume(base.Act):
    """An empty volume."""

    def ask(self, stage):
        return stage.service.request('POST', 'volumes',
                                     {'volume': {'size': 1}})

    def check(self, stage, answer):
        made = [row for row in stage.checks.rows('volumes')
                if row['id'] != stage.volume_id]
        base.expect_one(made, answer, 'volume')
        for row in made:
            base.expect_status(row, 'available')

    def clean(self, stage):
        for id_ in stage.checks.ids('volumes') - {stage.volume_id}:
            stage.remove('volumes', id_)


class CloneVolume(CreateVolume):
    """A volume with the bytes of another one in use."""

    def prepare(self, stage):
        stage.write()

    def ask(self, stage):
        return stage.service.request('POST', 'volumes', {'volume': {
            'size': 1, 'source_volid': stage.volume_id}})

    def check(self, stage, answer):
        super().check(stage, answer)
        for id_ in stage.checks.ids('volumes') - {stage.volume_id}:
            stage.same(stage.volume_bytes(id_), 'the clone')


class ExtendVolume(base.Act):
    """A volume grows; another one each time."""

    def prepare(self, stage):
        self.volume_id = stage.make_volume()

    def ask(self, stage):
        return stage.service.request(
            'POST', f'volumes/{self.volume_id}/action',
            {'os-extend': {'new_size': 2}})

    def check(self, stage, answer):
        row, = stage.checks.rows('volumes', f"id = '{self.volume_id}'")
        base.expect_status(row, 'available')
        if answer is not None and row['size'] != 2:
            raise AssertionError(f'not grown: {row}')
        attachment_id, connection = stage.connect(self.volume_id)
        size = connection.size
        connection.close()
        stage.disconnect(attachment_id)
        if size != row['size'] * scene.GIB:
            raise AssertionError(f'{size} bytes, {row["size"]} GiB')

    def clean(self, stage):
        stage.remove('volumes', self.volume_id)


class DeleteVolume(base.Act):
    """A volume goes, with its snapshot."""

    def prepare(self, stage):
        self.volume_id = stage.make_volume()
        snapshot = stage.must('POST', 'snapshots', {'snapshot': {
            'volume_id': self.volume_id}})['snapshot']
        stage.await_status('snapshots', snapshot['id'], 'available')

    def ask(self, stage):
        return stage.service.request(
            'DELETE', f'volumes/{self.volume_id}?cascade=true')

    def check(self, stage, answer):
        for row in stage.checks.rows('volumes', f"id = '{self.volume_id}' "
                                                'AND NOT deleted'):
            base.expect_untouched(row, answer, 'available')
            snapshot, = stage.checks.rows('snapshots')
            base.expect_status(snapshot, 'available')

    def clean(self, stage):
        if self.volume_id in stage.checks.ids('volumes'):
            stage.must('DELETE', f'volumes/{self.volume_id}?cascade=true')
            stage.await_end()


class CreateVolumeTest(base.CrashTest):
    """volume.create, scheduled."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(CreateVolume())


class CloneVolumeTest(base.CrashTest):
    """volume.create from a volume in use."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(CloneVolume())


class ExtendVolumeTest(base.CrashTest):
    """volume.extend."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(ExtendVolume())


class DeleteVolumeTest(base.CrashTest):
    """volume.delete with cascade."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(DeleteVolume())
