"""Hand the packaging over to pbr; what is packaged stands in setup.cfg.

pbr takes the version from git.  Where git cannot answer (an unpacked export,
a clone that belongs to another user, a machine without git) the version below
stands in, so that an installation never fails for want of a version.
"""

import os
import subprocess

import setuptools

FALLBACK_VERSION = '0.1.0'
HERE = os.path.dirname(os.path.abspath(__file__))


def git_answers() -> bool:
    """Tell whether git knows the commit that is packaged here."""
    try:
        answer = subprocess.run(
            ['git', '-C', HERE, 'rev-parse', '--verify', 'HEAD'],
            capture_output=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0


if not os.path.exists(os.path.join(HERE, 'PKG-INFO')) and not git_answers():
    os.environ.setdefault('PBR_VERSION', FALLBACK_VERSION)

setuptools.setup(setup_requires=['pbr>=6.1.1'], pbr=True)
