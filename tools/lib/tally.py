"""Count the outcomes in a subunit stream: standard input to JSON.

Prints ``{"passed": 3, "failed": ["a.test_b"], "reasons": {"no broker": 2}}``;
a reason is why a test was skipped.
"""

import collections
import json
import sys
from typing import Any

import subunit
import testtools

PASSED = ('success', 'xfail')
IGNORED = ('exists',)


def main() -> int:
    """Read the stream, print the counts."""
    passed = 0
    failed: list[str] = []
    reasons: collections.Counter[str] = collections.Counter()

    def note(test: Any) -> None:
        nonlocal passed
        status = test['status']
        if status in IGNORED:
            return
        if status == 'skip':
            details = test['details'].get('reason')
            reason = details.as_text() if details else 'no reason given'
            reasons[reason.strip()] += 1
        elif status in PASSED:
            passed += 1
        else:
            failed.append(test['id'])

    result = testtools.StreamToDict(note)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(sys.stdin.buffer).run(result)
    result.stopTestRun()
    print(json.dumps({'passed': passed, 'failed': failed,
                      'reasons': reasons}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
