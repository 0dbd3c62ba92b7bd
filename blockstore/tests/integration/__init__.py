"""Tests with real components: broker, databases, QEMU."""

from blockstore.tests import discovery

load_tests = discovery.of(__file__)
