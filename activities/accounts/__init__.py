"""Adapters to account systems. `resolve.py` is where a name becomes an account, or a stand-in for one."""
