"""Saved recovery codes have one budget of tries per account: another case is no way around it."""

import pytest

from activities.accounts.hashing import Hashers
from activities.accounts.sql import SqlAccounts
from activities.contract import Proof
from development.people import ACCOUNTS
from domain.policy import CURRENT_POLICY
from storage import intake
from storage.identifiers import identify
from storage.intake import Browser

OLU = next(demo.ref for demo in ACCOUNTS if demo.username == "olu")


@pytest.fixture
def accounts(database, rings):
    hashers = Hashers()
    yield SqlAccounts(database, rings, hashers)
    hashers.close()


@pytest.fixture
async def proof_of(database, rings):
    async def make(number: int, code: str) -> Proof:
        async with database.write() as session:
            opened = await intake.open_recovery(
                session,
                rings,
                identify("olu", "GB"),
                Browser(f"browser-{number}"),
                key=f"key-{number}",
                policy=CURRENT_POLICY,
                starts_per_network=1000,
            )
            secret = await intake.seal_secret(
                session, rings, opened.reference, "second-proof", code, token=f"{number:032}"
            )
        return Proof(opened.reference, OLU, secret, tries=3)

    return make


async def test_day_of_tries_is_spent_over_several_cases_and_then_not_even_the_right_code_fits(accounts, proof_of):
    for number in range(3):
        assert not await accounts.check_recovery_code(await proof_of(number, "OLUA-9999"))
    assert not await accounts.check_recovery_code(await proof_of(3, "OLUA-0001"))


async def test_same_try_asked_twice_counts_once_and_burns_one_code(accounts, proof_of):
    proof = await proof_of(1, "OLUA-0001")
    assert [await accounts.check_recovery_code(proof) for _ in range(5)] == [True] * 5
    assert not await accounts.check_recovery_code(await proof_of(2, "OLUA-0001"))
    assert await accounts.check_recovery_code(await proof_of(3, "OLUA-0002"))
