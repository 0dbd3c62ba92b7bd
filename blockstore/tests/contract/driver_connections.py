"""The driver suite: connections to volumes."""

from blockstore import exceptions
from blockstore.tests.contract import driver_fixture as fixture
from blockstore.volume.drivers import base

KIB, GIB = fixture.KIB, fixture.GIB
ONE = fixture.pattern('one', 64 * KIB)
TWO = fixture.pattern('two', 64 * KIB)


class ConnectionTests:
    """Initialize, terminate, many at a time, read-only, backup."""

    def test_the_same_connection_has_the_same_answer(self):
        volume = self.volume()
        connector = {'attachment_id': 'a', 'host': 'here'}
        first = self.driver.initialize_connection(volume, connector)
        self.assertEqual(first, self.driver.initialize_connection(
            volume, dict(connector)))
        self.assertEqual({'driver_volume_type', 'data'}, first.keys()
                         & {'driver_volume_type', 'data'})

    def test_a_connector_without_attachment(self):
        volume = self.volume()
        connection = self.opening(self.driver.initialize_connection(
            volume, {'host': 'here'}), True)
        connection.write(0, ONE)
        self.assert_bytes(connection, (0, ONE))
        self.driver.terminate_connection(volume, {'host': 'here'})
        self.assert_ended(connection)

    def test_an_unknown_mode(self):
        volume = self.volume()
        connector = {'attachment_id': 'a', 'mode': 'w'}
        self.assertRaises(exceptions.InvalidConnector,
                          self.driver.validate_connector, connector)
        self.assertRaises(exceptions.InvalidConnector,
                          self.driver.initialize_connection, volume,
                          connector)

    def test_terminate_again_and_of_what_never_was(self):
        volume = self.volume()
        connection = self.connect(volume)
        self.disconnect(volume)
        self.assert_ended(connection)
        self.disconnect(volume)
        self.disconnect(volume, 'never')
        self.driver.terminate_connection(volume, None)
        self.driver.remove_export(None, volume)
        self.driver.remove_export(None, volume)

    def test_terminate_all(self):
        volume = self.volume()
        first = self.connect(volume)
        second = self.connect(volume, 'b', False, mode='ro')
        self.driver.terminate_connection(volume, None)
        self.assert_ended(first)
        self.assert_ended(second)

    def test_terminate_one_of_many(self):
        volume = self.volume()
        first = self.connect(volume)
        first.write(0, ONE)
        first.flush()
        second = self.connect(volume, 'b', False, mode='ro')
        self.assert_bytes(second, (0, ONE))
        self.disconnect(volume, 'b')
        self.assert_ended(second)
        self.assert_bytes(first, (0, ONE))

    def test_bytes_stay_when_connected_again(self):
        volume = self.volume()
        connection = self.connect(volume)
        connection.write(0, ONE)
        connection.flush()
        connection.close()
        self.disconnect(volume)
        self.assert_bytes(self.connect(volume), (0, ONE))

    def test_read_only(self):
        volume = self.volume()
        connector = {'attachment_id': 'a', 'host': 'here', 'mode': 'ro'}
        info = self.driver.initialize_connection(volume, connector)
        self.assertEqual('ro', info['data']['access_mode'])
        try:
            connection = self.opening(info, True)
            connection.write(0, ONE)
            connection.flush()
        except exceptions.ConnectionFailed:
            pass
        else:
            self.fail('a read-only connection was written to')
        self.assert_reads(volume, (0, bytes(4096)))

    def test_two_writers(self):
        self.need(base.MultiAttaches)
        volume = self.volume()
        first, second = self.connect(volume), self.connect(volume, 'b')
        first.write(0, ONE)
        first.flush()
        second.write(64 * KIB, TWO)
        second.flush()
        for connection in (first, second):
            self.assert_bytes(connection, (0, ONE), (64 * KIB, TWO))
        self.disconnect(volume, 'b')
        self.assert_bytes(first, (64 * KIB, TWO))

    def test_stable_reads(self):
        self.need(base.StableReads)
        volume = self.volume()
        writer = self.connect(volume)
        writer.write(0, ONE)
        writer.flush()
        reader = self.connect(volume, 'k', False, mode='ro',
                              purpose='backup')
        writer.write(0, TWO)
        writer.write(GIB - 64 * KIB, TWO)
        writer.flush()
        self.assert_bytes(reader, (0, ONE), (GIB - 64 * KIB, bytes(4096)),
                          size=GIB)
        self.assert_bytes(writer, (0, TWO))
        if self.can(base.ExtendsOnline):
            self.driver.extend_volume(volume, 2)
            volume.size = 2
        self.assert_bytes(reader, (0, ONE))
        reader.close()
        self.disconnect(volume, 'k')
        writer.close()
        self.disconnect(volume)
        self.assert_reads(volume, (0, TWO), (GIB - 64 * KIB, TWO))

    def test_a_backup_begun_before_the_volume_is_connected(self):
        self.need(base.StableReads)
        volume = self.volume()
        self.write(volume, (0, ONE))
        reader = self.connect(volume, 'k', False, mode='ro',
                              purpose='backup')
        self.write(volume, (0, TWO))
        self.assert_bytes(reader, (0, ONE))
        reader.close()
        self.disconnect(volume, 'k')
        self.assert_reads(volume, (0, TWO))

    def test_the_next_backup_reads_new_bytes(self):
        self.need(base.StableReads)
        volume = self.volume()
        for data in (ONE, TWO):
            self.write(volume, (0, data))
            reader = self.connect(volume, 'k', False, mode='ro',
                                  purpose='backup')
            self.assert_bytes(reader, (0, data))
            reader.close()
            self.disconnect(volume, 'k')

    def test_write_zeroes(self):
        volume = self.volume()
        connection = self.connect(volume)
        connection.write(0, ONE)
        connection.write_zeroes(4096, 8192)
        connection.flush()
        self.assert_bytes(connection, (0, ONE[:4096]), (4096, bytes(8192)),
                          (12288, ONE[12288:]))

    def test_read_many(self):
        volume = self.volume()
        self.write(volume, (0, ONE))
        connection = self.connect(volume)
        requests = [(number * 4096, memoryview(bytearray(4096)))
                    for number in (3, 0, 15)]
        for offset, buffer in connection.read_many(iter(requests)):
            self.assertEqual(ONE[offset:offset + 4096], bytes(buffer))

    def test_outside_of_the_volume(self):
        volume = self.volume()
        connection = self.connect(volume)
        self.assertRaises(exceptions.ConnectionFailed, fixture.read,
                          connection, GIB, 4096)
