"""Tests with the released OpenStack clients."""

from blockstore.tests import discovery

load_tests = discovery.of(__file__)
