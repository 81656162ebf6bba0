"""What `make run` and `make test` need around the product: a Temporal server, a catcher, demo people, the supervisor.

Nothing here runs in production but `namespace.py`, which prepares any Temporal namespace (`reinstate setup`).
"""
