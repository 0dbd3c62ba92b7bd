"""Tests with the released OpenStack clients, against a service of their own.

``blockstore-all`` is started as a process, once for each process of tests,
with real storage daemons where they are installed and in memory elsewhere.
"""

from blockstore.tests import discovery

load_tests = discovery.of(__file__)
