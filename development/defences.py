"""`make defences`: take every defence out, one at a time, and demand that its test goes red.

`tests/defences/*.patch` are small diffs. Each begins with what it attacks and the test that must notice:

    Attack: <what a stranger does>
    Test: <file>::<test>

The tree is copied, so nothing here is touched. First all those tests pass in the copy as it is; then each patch is
applied, only its test runs, and it must fail. What cannot be applied, run or collected is no proof, and red.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from xml.etree import ElementTree

from development.terminal import say

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "defences"
AT_ONCE = 2
"""Copies that run side by side; a test of these takes one core for a few seconds."""
LONGEST = 300
"""Seconds for one test. A defence that is missing may also show by a test that waits in vain."""


@dataclass(frozen=True)
class Patch:
    """One defence, taken out. `test` is what pytest is asked for."""

    path: Path
    attack: str
    test: str

    @property
    def name(self) -> str:
        return self.path.stem

    @classmethod
    def read(cls, path: Path) -> "Patch":
        """Raises `ValueError` for a patch that does not say what it is about."""
        head = path.read_text().partition("\n---")[0].splitlines()
        said = dict(line.partition(": ")[::2] for line in head if ": " in line)
        if not said.get("Attack") or "::" not in said.get("Test", ""):
            raise ValueError(f"{path.name} must begin with `Attack: ...` and `Test: <file>::<test>`")
        return cls(path, said["Attack"], said["Test"])


@dataclass(frozen=True)
class Found:
    """What became of a patch. `noticed` only if its test ran and failed."""

    patch: Patch
    noticed: bool
    says: str
    seconds: float


def patches(names: list[str] | None = None) -> list[Patch]:
    """All of them, or those with these names, by name."""
    found = [Patch.read(path) for path in sorted(FOLDER.glob("*.patch"))]
    return [patch for patch in found if not names or patch.name in names]


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """Everything that is or would be in the repository, as it is now, committed or not."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="defences-") as folder:
        for name in filter(None, listed.stdout.decode().split("\0")):
            source, target = ROOT / name, Path(folder) / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        yield Path(folder)


def apply(tree: Path, patch: Patch, *options: str) -> str:
    """Empty when it worked, otherwise what git said."""
    command = ["git", "apply", *options, str(patch.path)]
    # A copy below a repository is no part of it: git would leave its files alone without a word.
    ceiling = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    done = subprocess.run(command, cwd=tree, env=ceiling, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def run(tree: Path, tests: list[str]) -> tuple[int, int, str]:
    """How many of the tests passed and failed there, and the last line. What cannot even start counts as neither."""
    report = tree / "report.xml"
    report.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
    ]
    try:
        done = subprocess.run(
            [*command, *tests], cwd=tree, capture_output=True, text=True, check=False, timeout=LONGEST * len(tests)
        )
    except subprocess.TimeoutExpired:
        return 0, 0, f"no end within {LONGEST * len(tests)} s"
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if not report.exists():
        return 0, 0, lines[-1] if lines else done.stderr[-200:]
    cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - written by pytest a moment ago
    failed = sum(case.find("failure") is not None for case in cases)
    spoilt = sum(case.find("error") is not None or case.find("skipped") is not None for case in cases)
    return len(cases) - failed - spoilt, failed, lines[-1] if lines else ""


def take_out(tree: Path, patch: Patch) -> Found:
    """Apply, run its test, and put the defence back."""
    began = time.monotonic()
    refused = apply(tree, patch)
    if refused:
        return Found(patch, False, f"does not apply: {refused.splitlines()[0]}", time.monotonic() - began)
    try:
        _, failed, last = run(tree, [patch.test])
    finally:
        undone = apply(tree, patch, "--reverse")
    took = time.monotonic() - began
    if undone:
        raise RuntimeError(f"{patch.name} could not be undone: {undone}")
    return Found(patch, failed > 0, last if failed else f"nobody noticed: {last}", took)


def take_all_out(chosen: list[Patch]) -> list[Found]:
    """Side by side, each in a copy of its own."""
    with copy_of_the_tree() as first, copy_of_the_tree() as second:
        free: Queue[Path] = Queue()
        for tree in (first, second)[:AT_ONCE]:
            free.put(tree)

        def one(patch: Patch) -> Found:
            tree = free.get()
            try:
                found = take_out(tree, patch)
            finally:
                free.put(tree)
            say(f"{'red  ' if found.noticed else 'GREEN'} {patch.name} ({found.seconds:.0f} s)")
            return found

        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(one, chosen))


def with_all_defences(chosen: list[Patch]) -> str:
    """Empty if every test passes as things are; red means something only against this."""
    tests = sorted({patch.test for patch in chosen})
    with copy_of_the_tree() as tree:
        passed, failed, last = run(tree, tests)
    return "" if passed and not failed and "passed" in last and "error" not in last else last


def table(found: list[Found]) -> str:
    wide = max(len(one.patch.name) for one in found)
    lines = [
        f"{'red' if one.noticed else 'GREEN':<6} {one.patch.name:<{wide}}  {one.seconds:4.0f} s  "
        + (one.patch.attack if one.noticed else one.says)
        for one in found
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="only these patches")
    chosen = patches(parser.parse_args().names)
    if not chosen:
        sys.exit("no such patch")
    began = time.monotonic()
    wrong = with_all_defences(chosen)
    if wrong:
        sys.exit(f"with all defences in place the tests do not pass: {wrong}")
    found = take_all_out(chosen)
    print(table(found))
    unnoticed = [one.patch.name for one in found if not one.noticed]
    took = time.monotonic() - began
    print(f"{len(found) - len(unnoticed)} of {len(found)} defences are missed when they are gone; {took:.0f} s")
    if unnoticed:
        sys.exit("not noticed: " + ", ".join(unnoticed))


if __name__ == "__main__":
    main()
