"""Whether an account exists is known in few files. This reads all others: no decoy may be told from a case by them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("domain", "storage", "activities", "workflows", "web")
ACCOUNT_TABLES = {
    "AccountRow",
    "AccountContactRow",
    "AccountPasswordRow",
    "AccountSessionRow",
    "AccountRecoveryCodeRow",
}
"""The gate is not among them: every reference has one, stand-ins alike."""
THE_DIRECTORY = {"storage.directory", "storage.platform"}
WITHIN_STORAGE = {"directory.py", "hand_backs.py", "platform.py", "erasure.py", "models.py"}
"""The tables themselves, the directory made of them, what a hand-back changes, the demo platform's page, and
the erasure of a person."""


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def imports(file: Path) -> set[str]:
    """Everything that a file imports, as `module` and as `module.name`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def names(file: Path) -> set[str]:
    """Every name and attribute that a file uses."""
    tree = ast.parse(file.read_text())
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }


def told(paths: Iterator[Path] | list[Path]) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def knows_accounts(file: Path) -> bool:
    """Whether it imports the directory or a table of accounts. Who needs only the hasher of passwords does not."""
    found = imports(file)
    if "storage.directory.HASHER" in found and not any(name in names(file) for name in ("owners", "account")):
        found -= {name for name in found if name.startswith("storage.directory")}
    return bool(found & (THE_DIRECTORY | {f"storage.models.{table}" for table in ACCOUNT_TABLES}))


def test_among_activities_only_the_adapter_knows_accounts():
    elsewhere = [file for file in files("activities") if file.parent.name != "accounts" and knows_accounts(file)]
    assert told(elsewhere) == []


def test_only_the_adapter_and_the_maker_of_codes_ask_who_somebody_is():
    """The answer goes into a digest, into the envelope, and into what agents read of evidence, and nowhere else."""
    asking = [
        file
        for file in files(*FOLDERS)
        if any(name.startswith("activities.accounts.resolve") for name in imports(file))
    ]
    assert told(asking) == ["activities/accounts/evidence.py", "activities/codes.py"]


@pytest.mark.parametrize("word", ["stand_in", "Resolved", "link_mark", "code_mark"])
def test_stand_ins_are_named_in_two_files(word):
    naming = [file for file in files(*FOLDERS) if word in names(file)]
    assert set(told(naming)) <= {"activities/accounts/resolve.py", "activities/codes.py"}


@pytest.mark.parametrize("column", ["silent", "link_only"])
def test_what_was_withheld_is_known_to_the_sender_only(column):
    reading = [file for file in files(*FOLDERS) if column in names(file) and "migrations" not in file.parts]
    assert set(told(reading)) <= {"activities/codes.py", "storage/models.py"}


def test_no_page_for_claimants_knows_accounts():
    pages = [file for file in files("web") if file.parent.name not in {"dev", "desk"}]
    assert len(pages) > 10
    assert told(file for file in pages if knows_accounts(file)) == []


def test_what_those_pages_use_knows_no_accounts_either():
    """Nor does any storage file that they reach: no request touches the account tables."""
    reached, waiting = set(), [file for file in files("web") if file.parent.name not in {"dev", "desk"}]
    while waiting:
        for name in imports(waiting.pop()):
            file = ROOT / f"{name.replace('.', '/')}.py"
            if name.startswith("storage.") and file.exists() and file not in reached:
                reached.add(file)
                waiting.append(file)
    assert ROOT / "storage/intake.py" in reached
    knowing = {file.name for file in reached if file.name != "models.py" and knows_accounts(file)}
    assert knowing == set()


def test_within_storage_few_files_know_accounts():
    knowing = {file.name for file in files("storage") if "migrations" not in file.parts and knows_accounts(file)}
    assert knowing <= WITHIN_STORAGE


def test_workflows_and_rules_know_no_accounts():
    assert told(file for file in files("workflows", "domain") if knows_accounts(file)) == []


def test_templates_branch_on_nothing_that_a_decoy_lacks():
    """Pages are made from the case and from what was typed; whether something was sent is for the desk only."""
    pages = list((ROOT / "web/templates/claim").rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text()
        assert not [word for word in ("silent", "link_only", "notice_row", "delivered") if word in text], page.name
