"""What operators do to a running service: look whether it is well, change its keys, erase people.

Each file is one job and is called by `cli.py`. It may read and write storage and ask Temporal; nothing of the product
imports it.
"""
