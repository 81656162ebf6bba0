#!/bin/sh
# Becomes .venv/bin/reinstate, so that the command line needs no installed package.
here=$(dirname "$0")
exec "$here/python" "$here/../../cli.py" "$@"
