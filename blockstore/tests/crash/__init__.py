"""Tests that kill the real process at every step boundary."""

from blockstore.tests import discovery

load_tests = discovery.of(__file__)
