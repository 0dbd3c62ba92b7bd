"""Clients that come and go while the service dies.

A client that gets no answer asks what there is, and goes on from there: what
is connected it uses or lets go, what is not there it may ask for again.
"""

from blockstore.tests import rest
from blockstore.tests.crash import base
from blockstore.tests.crash import scene

CONNECTOR = {'host': 'client'}


class Attach(base.Act):
    """A client connects, as the compute service does it."""

    attached = False

    def ask(self, stage):
        made = stage.must('POST', 'attachments', {'attachment': {
            'volume_uuid': stage.volume_id,
            'instance_uuid': stage.volume_id}})['attachment']
        return self.connect(stage, made['id'])

    def connect(self, stage, id_):
        """Connect an attachment; return the first answer that is no yes."""
        answer = stage.service.request('PUT', f'attachments/{id_}', {
            'attachment': {'connector': CONNECTOR}})
        if answer.status != 200:
            return answer
        return stage.service.request(
            'POST', f'attachments/{id_}/action', {'os-complete': None})

    def check(self, stage, answer):
        found = rows(stage)
        if answer is not None and answer.status == 204:
            row, = found
            base.expect_equal('attached', row['attach_status'])
        elif answer is not None:
            # It was told so: another process has died.
            base.expect_equal(503, answer.status)
        for row in found:
            self.use(stage, row)
        volume, = stage.checks.rows('volumes')
        base.expect_status(volume, 'available')

    def use(self, stage, row):
        """Connect an attachment that is there, and read."""
        if row['attach_status'] != 'attached':
            base.expect_equal(204, self.connect(stage, row['id']).status)
        shown = stage.must('GET', f'attachments/{row["id"]}')['attachment']
        opened = stage.open(shown)
        try:
            stage.same(scene.read(opened), 'the client')
        finally:
            opened.close()
        stage.disconnect(row['id'])


class AttachAtOnce(Attach):
    """A client connects by one request."""

    def ask(self, stage):
        answer = stage.service.request('POST', 'attachments', {
            'attachment': {'volume_uuid': stage.volume_id,
                           'instance_uuid': stage.volume_id,
                           'connector': CONNECTOR}})
        if answer.status != 200:
            return answer
        return stage.service.request(
            'POST', f'attachments/{answer.json["attachment"]["id"]}/action',
            {'os-complete': None})


class Detach(Attach):
    """A client lets go."""

    def prepare(self, stage):
        self.id, opened = stage.connect(stage.volume_id)
        opened.close()

    def ask(self, stage):
        return stage.service.request('DELETE', f'attachments/{self.id}')

    def check(self, stage, answer):
        found = rows(stage)
        if answer is not None and answer.status == 200:
            base.expect_equal([], found)
        elif answer is not None:
            base.expect_equal(503, answer.status)
        for row in found:
            base.expect_equal('attached', row['attach_status'])
            self.use(stage, row)
        volume, = stage.checks.rows('volumes')
        base.expect_status(volume, 'available')


class OlderCalls(base.Act):
    """A client comes and goes by the calls without attachments."""

    attached = False
    steps = (
        {'os-reserve': {}},
        {'os-initialize_connection': {'connector': CONNECTOR}},
        {'os-attach': {'mountpoint': '/dev/vdb', 'host_name': 'client'}},
        {'os-begin_detaching': {}},
        {'os-terminate_connection': {'connector': CONNECTOR}},
        {'os-detach': {}})

    def ask(self, stage):
        for step in self.steps:
            answer = self.send(stage, step)
            if answer.status not in (200, 202):
                break
        return answer

    def send(self, stage, step):
        """Send one call."""
        return stage.service.request(
            'POST', f'volumes/{stage.volume_id}/action', step)

    def come_back(self, stage):
        """The client gives up whatever it may have."""
        for step in ({'os-terminate_connection': {'connector': CONNECTOR}},
                     {'os-unreserve': {}}, {'os-detach': {}}):
            answer = self.send(stage, step)
            if answer.status != 202:
                raise rest.Broken(f'{step}: {answer}')

    def check(self, stage, answer):
        if answer is not None and answer.status not in (202, 503):
            raise AssertionError(f'refused: {answer}')
        base.expect_equal([], rows(stage))
        volume, = stage.checks.rows('volumes')
        base.expect_status(volume, 'available')


def rows(stage):
    """Return the attachments of the scene's volume."""
    return stage.checks.rows('volume_attachments',
                             f"volume_id = '{stage.volume_id}' "
                             'AND NOT deleted')


class AttachTest(base.CrashTest):
    """attachment.connect, of an attachment that was promised."""

    def test_every_boundary(self):
        self.strike_everywhere(Attach())


class AttachAtOnceTest(base.CrashTest):
    """attachment.connect, of one that is made for it."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(AttachAtOnce())


class DetachTest(base.CrashTest):
    """attachment.disconnect."""

    def test_every_boundary(self):
        self.strike_everywhere(Detach())


class OlderCallsTest(base.CrashTest):
    """connection.open and connection.close."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(OlderCalls())
