"""Budgets, as ratios and counts, never as seconds."""

from blockstore.tests import discovery

load_tests = discovery.of(__file__)
