"""Tests of one module at a time: no service, no network, no waiting."""

from blockstore.tests import discovery

load_tests = discovery.of(__file__)
