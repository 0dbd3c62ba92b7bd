"""Tests of the whole service in one process."""

from blockstore.tests import discovery

load_tests = discovery.of(__file__)
