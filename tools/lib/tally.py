"""Count the outcomes in a subunit stream: standard input to JSON.

Prints ``{"passed": 3, "failed": 0, "reasons": {"no broker": 2}}``; a reason
is why a test was skipped.
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
    counts: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()

    def note(test: Any) -> None:
        status = test['status']
        if status in IGNORED:
            return
        if status == 'skip':
            details = test['details'].get('reason')
            reason = details.as_text() if details else 'no reason given'
            reasons[reason.strip()] += 1
        else:
            counts['passed' if status in PASSED else 'failed'] += 1

    result = testtools.StreamToDict(note)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(sys.stdin.buffer).run(result)
    result.stopTestRun()
    print(json.dumps({'passed': counts['passed'],
                      'failed': counts['failed'], 'reasons': reasons}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
