"""The suites that every driver and every store must pass."""

from blockstore.tests import discovery

load_tests = discovery.of(__file__)
