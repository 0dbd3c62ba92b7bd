"""Find the tests of a folder: every module is one, whatever its name.

A test module is named by its noun (``snapshots.py``), so unittest's pattern
``test*.py`` would find none.  Each folder of tests says in its
``__init__.py``:

>>> load_tests = discovery.of(__file__)
"""

from collections.abc import Callable
import os
import unittest

PATTERN = '[!_]*.py'
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

LoadTests = Callable[
    [unittest.TestLoader, unittest.TestSuite, str | None],
    unittest.TestSuite]


def of(package_file: str) -> LoadTests:
    """Make the ``load_tests`` hook of the package whose file is given."""
    folder = os.path.dirname(os.path.abspath(package_file))

    def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite,
                   pattern: str | None) -> unittest.TestSuite:
        tests.addTests(loader.discover(folder, PATTERN, TOP))
        return tests

    return load_tests
