"""A volume with a client, over and over struck in the middle of things."""

import os
import time

from blockstore.tests.crash import checks
from blockstore.tests.crash import process
from blockstore.tests.crash import writer
from blockstore.volume import connections

GIB = 1 << 30
SPAN = 8 * process.CHUNK
PROMISE = 2 * process.LEASE
# No machine is quick every time: how many may be later is the test's matter.
_PATIENCE = 15 * PROMISE


class Scene:
    """A running service, and a volume of it that a client writes to."""

    def __init__(self, service, attached=True):
        self.service = service
        service.start()
        self.checks = checks.Checks(service)
        self.volume_id = self.make_volume()
        self.attachment_id = self.client = self.writer = None
        self.image = bytes(SPAN)
        self.attach()
        self.write()
        if not attached:
            self.detach()
        #: Seconds that each settling took.
        self.settled = []

    def close(self):
        """End everything."""
        if self.client is not None:
            self.writer.stop()
            self.client.close()
        self.checks.close()
        self.service.end()

    # The client.

    def attach(self):
        """Let the client connect as any client of the API does."""
        self.attachment_id, self.client = self.connect(self.volume_id)
        self.writer = writer.Writer(self.info)

    def detach(self):
        """Let the client go."""
        self.writer.stop()
        self.client.close()
        self.disconnect(self.attachment_id)
        self.client = self.writer = self.attachment_id = None

    def reconnect(self):
        """Let the client ask again, as after a death of its daemon.

        Raises unless every byte that was flushed is there.
        """
        if self.client is None:
            return
        self.writer.stop()
        self.client.close()
        flushed = self.writer.flushed
        attachment = self.must('PUT', f'attachments/{self.attachment_id}', {
            'attachment': {'connector': {'host': 'client'}}})['attachment']
        self.must('POST', f'attachments/{self.attachment_id}/action',
                  {'os-complete': None})
        self.client = self.open(attachment)
        self.writer = writer.Writer(self.info)
        if self.writer.flushed < flushed:
            raise AssertionError('flushed bytes are lost')
        self.same(read(self.client), 'the client')

    def connect(self, volume_id):
        """Attach a volume; return the attachment's id and the way in."""
        attachment = self.must('POST', 'attachments', {'attachment': {
            'volume_uuid': volume_id, 'instance_uuid': volume_id,
            'connector': {'host': 'client'}}})['attachment']
        self.must('POST', f'attachments/{attachment["id"]}/action',
                  {'os-complete': None})
        return attachment['id'], self.open(attachment)

    def open(self, attachment):
        """Open what an attachment gives."""
        info = dict(attachment['connection_info'])
        self.info = {'driver_volume_type': info.pop('driver_volume_type'),
                     'data': info}
        return connections.open_connection(self.info, writable=True)

    def disconnect(self, attachment_id):
        """Delete an attachment."""
        self.must('DELETE', f'attachments/{attachment_id}')

    def write(self):
        """Give the volume new bytes, and flush them."""
        self.image = os.urandom(SPAN)
        self.client.write(0, self.image)
        self.client.flush()

    def rewrite(self):
        """Give a volume that nobody uses new bytes, by a client that goes.
        """
        self.attach()
        self.write()
        self.detach()

    def check_client(self):
        """Raise unless the client is still there and finds its bytes."""
        if self.client is not None:
            self.same(read(self.client), 'the client')
            self.writer.check()

    def same(self, found, where):
        """Raise unless bytes are those that the client has written."""
        if found[:SPAN] != self.image:
            raise AssertionError(f'{where} has other bytes')
        writer.expect_moment(found[SPAN:], where)

    # What is asked of the service.

    def must(self, method, path, body=None):
        """Send a request that has to be granted; return the body.

        As any client does, it asks again when it is told to come later, and
        when what it had asked for and is being undone stands in the way.
        """
        limit = time.monotonic() + _PATIENCE
        while True:
            answer = self.service.request(method, path, body)
            if answer.status < 300:
                return answer.json
            if (answer.status not in (409, 503)
                    or time.monotonic() > limit):
                raise AssertionError(f'{method} {path}: {answer}')
            time.sleep(0.1)

    def make_volume(self, size=1):
        """Create a volume and wait for it."""
        volume = self.must('POST', 'volumes',
                           {'volume': {'size': size}})['volume']
        self.await_status('volumes', volume['id'], 'available')
        return volume['id']

    def make_snapshot(self):
        """Take a snapshot and wait for it."""
        snapshot = self.must('POST', 'snapshots', {'snapshot': {
            'volume_id': self.volume_id, 'force': True}})['snapshot']
        self.await_status('snapshots', snapshot['id'], 'available')
        return snapshot['id']

    def make_backup(self, **fields):
        """Back the volume up and wait for it."""
        backup = self.must('POST', 'backups', {'backup': {
            'volume_id': self.volume_id, 'force': True, **fields}})['backup']
        self.await_status('backups', backup['id'], 'available')
        return backup['id']

    def await_status(self, noun, id_, wanted, timeout=120):
        """Wait until a resource has a status."""
        limit = time.monotonic() + timeout
        while True:
            row, = self.checks.rows(noun, f"id = '{id_}'")
            if row['status'] == wanted:
                return row
            if time.monotonic() > limit or row['status'].startswith('error'):
                raise AssertionError(f'{noun} {row} is not {wanted}')
            time.sleep(0.01)

    def remove(self, noun, id_):
        """Delete a resource and wait until it is gone."""
        row, = self.checks.rows(noun, f"id = '{id_}'")
        if row['status'] == 'error_deleting':
            self.must('POST', f'{noun}/{id_}/action',
                      {'os-force_delete': None})
        else:
            self.must('DELETE', f'{noun}/{id_}')
        limit = time.monotonic() + 120
        while id_ in self.checks.ids(noun):
            if time.monotonic() > limit:
                raise AssertionError(
                    f'not deleted: {self.checks.rows(noun)}')
            time.sleep(0.01)

    # Waiting.

    def await_end(self):
        """Wait until no operation is open, or the process is dead."""
        limit = time.monotonic() + 120
        while not self.service.dead():
            if not self.checks.rows('operations',
                                    "state IN ('pending', 'running')"):
                return
            if time.monotonic() > limit:
                raise AssertionError(self.checks.problems())
            time.sleep(0.02)

    def settle(self, begun=None):
        """Wait until everything is as promised, and note how long it took.

        :param begun: since when it was to become so; now, by default.
        """
        begun = begun or time.monotonic()
        while found := self.checks.problems():
            if time.monotonic() - begun > _PATIENCE:
                raise AssertionError('\n'.join(found))
            time.sleep(0.05)
        self.settled.append(time.monotonic() - begun)

    def failures(self):
        """Return the rows of what has failed, beside the volume itself."""
        return [row for noun in ('volumes', 'snapshots', 'backups')
                for row in self.checks.rows(noun)
                if row['status'].startswith('error')
                and row['id'] != self.volume_id]

    # Bytes.

    def volume_bytes(self, volume_id):
        """Return the first bytes of a volume, attached for the moment."""
        attachment_id, connection = self.connect(volume_id)
        try:
            return read(connection)
        finally:
            connection.close()
            self.disconnect(attachment_id)

    def snapshot_bytes(self, snapshot_id):
        """Return the first bytes of a snapshot, from the back end."""
        return self.checks.snapshot_bytes(snapshot_id, SPAN + writer.LENGTH)

    def backup_bytes(self, backup_id):
        """Return the first bytes of a backup, from the store alone."""
        target = Target(GIB)
        self.checks.repository.restore(backup_id, target, target_is_new=True)
        return bytes(target.data)


class Target:
    """A restore's target that keeps the first bytes."""

    def __init__(self, size, kept=SPAN + writer.LENGTH):
        self.size = size
        self.data = bytearray(kept)

    def write(self, offset, data):
        end = max(offset, min(offset + len(data), len(self.data)))
        self.data[offset:end] = bytes(data)[:end - offset]
        if any(bytes(data)[end - offset:]):
            raise AssertionError('there are bytes where nobody wrote')

    def write_zeroes(self, offset, length):
        """Nothing: it is new."""

    def flush(self):
        """Nothing: it is not kept."""


def read(connection):
    """Return the first bytes of a connection."""
    found = bytearray(SPAN + writer.LENGTH)
    connection.read_into(0, memoryview(found))
    return bytes(found)
