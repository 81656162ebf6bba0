"""What the person at the terminal reads: one line at a time, at once."""


def say(line: str) -> None:
    """Printed and flushed, also into a pipe."""
    print(line, flush=True)
