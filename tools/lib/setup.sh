# shellcheck shell=bash
# Find or install what blockstore's tools stand on.  Sourced, never run.
#
# Everything noisy goes to a file below $LOGS; when a step fails, its last
# lines are shown.  Nothing is installed on the system unless this runs as
# root on Debian or Ubuntu: elsewhere the missing packages are named.

say() { printf '%s\n' "$@"; }

fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# quietly NAME COMMAND...: run, log to $LOGS/NAME.log, show its end on failure.
quietly() {
    local log="$LOGS/$1.log"
    shift
    if "$@" >>"$log" 2>&1 </dev/null; then
        return 0
    fi
    printf '\nThis did not work: %s\nThe end of %s:\n\n' "$*" "$log" >&2
    tail -n 20 "$log" >&2
    return 1
}

can_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

# apt_install PACKAGE...: install on the system, without recommendations.
apt_install() {
    local names="$*"
    say "Installing $names ..."
    export DEBIAN_FRONTEND=noninteractive
    local options=(-q -y -o DPkg::Lock::Timeout=300 --no-install-recommends)
    # The lists may be fresh already: refresh them only when that fails.
    apt-get install "${options[@]}" "$@" >"$LOGS/apt.log" 2>&1 </dev/null ||
        { quietly apt-update apt-get update -q &&
          quietly apt apt-get install "${options[@]}" "$@"; }
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        >/dev/null 2>&1
}

# find_python: print the first Python that is 3.11 or newer.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
                is_new_enough "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# need_python: set PYTHON to one that is new enough and can make a venv.
need_python() {
    if ! PYTHON=$(find_python); then
        can_apt && apt_install python3 python3-venv
        PYTHON=$(find_python) || fail "Python 3.11 or newer is needed.
  Debian 12, Ubuntu 24.04:  apt-get install python3 python3-venv
  Fedora:                   dnf install python3
  Homebrew:                 brew install python
Set PYTHON=/path/to/python if it is somewhere else."
    fi
    if ! "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        can_apt && apt_install python3-venv
        "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
            fail "$PYTHON cannot make virtual environments.
  Debian, Ubuntu:  apt-get install python3-venv"
    fi
}

# need_qemu: make sure that qemu-storage-daemon and qemu-img are there.
need_qemu() {
    if has_qemu; then
        return 0
    fi
    if can_apt && apt_install qemu-system-common qemu-utils && has_qemu; then
        return 0
    fi
    say "QEMU's storage daemon is missing: qemu-storage-daemon, qemu-img.
  Debian, Ubuntu:  apt-get install qemu-system-common qemu-utils
  Fedora:          dnf install qemu-img qemu-storage-daemon
  Homebrew:        brew install qemu" >&2
    return 1
}

has_qemu() {
    command -v qemu-storage-daemon >/dev/null 2>&1 &&
        command -v qemu-img >/dev/null 2>&1
}

# need_venv DIRECTORY STAMP PIP-ARGUMENT...: make or refresh a virtual
# environment.  STAMP tells what it is made from; as long as that stays the
# same, nothing is done.
need_venv() {
    local venv="$1" stamp="$2"
    shift 2
    stamp="$stamp $("$PYTHON" -V 2>&1) $ROOT"
    if [ -x "$venv/bin/python" ] &&
            [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ] &&
            "$venv/bin/python" -c '' >/dev/null 2>&1; then
        return 0
    fi
    say "Setting up $venv ..."
    quietly venv "$PYTHON" -m venv --clear "$venv" || return 1
    quietly pip "$venv/bin/python" -m pip install \
        --disable-pip-version-check --prefer-binary "$@" || return 1
    printf '%s' "$stamp" >"$venv/stamp"
}

# digest FILE...: one word that changes when the files do.
digest() {
    cat "$@" 2>/dev/null | cksum | tr ' \t' '--'
}
