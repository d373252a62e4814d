#!/bin/sh
# Installs requirements.lock, exactly, into .venv; does nothing when that is what .venv holds.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if cmp -s requirements.lock .venv/requirements.lock; then
    touch .venv/requirements.lock
    exit 0
fi
if [ -L .venv ]; then
    echo "error: .venv is a link to $(readlink .venv), which set-up would empty; remove the link first" >&2
    exit 1
fi
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || {
    echo "error: $("$python" --version) is not 3.11, 3.12 or 3.13; name another with PYTHON=python3.12 make ..." >&2
    exit 1
}
# Debian ships venv apart from Python.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    else
        echo "error: this Python cannot make a virtual environment; install it first: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
echo "Installing $(grep -c == requirements.lock) pinned packages into .venv: two to five minutes, once."
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock --constraint requirements-cuda.lock
.venv/bin/python -m pip check --disable-pip-version-check
cp requirements.lock .venv/requirements.lock
