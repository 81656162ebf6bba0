"""HTTP in, HTML out. Pages read SQL; `gateway.py` alone talks to Temporal; rules live in `domain/`."""
