#!/bin/sh
# Makes the Python environment in the folder $1 from requirements.lock. Needs Python 3.11 or newer and nothing else.
set -eu
venv=$1

suitable() {
	command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
}

if ! "$venv/bin/python" -c '' 2>/dev/null; then
	for python in python3 python3.13 python3.12 python3.11 none; do
		if suitable "$python"; then break; fi
	done
	if [ "$python" = none ]; then
		echo "Python 3.11 or newer is needed (found: $(python3 --version 2>&1 || echo none))" >&2
		exit 1
	fi
	echo "making the Python environment in $venv ..."
	rm -rf "$venv"
	"$python" -m venv "$venv" || {
		echo "\`$python -m venv\` failed; on Debian and Ubuntu: apt-get install python3-venv" >&2
		exit 1
	}
fi

echo "installing what requirements.lock names ..."
if "$venv/bin/uv" --version >/dev/null 2>&1; then
	"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --require-hashes -r requirements.lock
else
	"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
fi
# Compiled now, also where PYTHONDONTWRITEBYTECODE is set: otherwise every start compiles every library again.
# A few files in packages are no valid Python for this version, and nobody imports them.
"$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >/dev/null 2>&1 || true
cp development/reinstate.sh "$venv/bin/reinstate"
chmod +x "$venv/bin/reinstate"
