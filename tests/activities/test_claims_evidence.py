"""Evidence: what was given is compared, nothing of it is kept, and a stand-in is weighed like an account."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from activities.accounts import claims as claims_activity
from activities.accounts.hashing import Hashers
from domain.claim_events import Survey
from domain.evidence import Fact, FactKind, Finding
from storage import erasure
from storage.models import (
    AccountRecoveryCodeRow,
    AccountRow,
    AccountSessionRow,
    BudgetRow,
    EvidenceWeighedRow,
    VaultRow,
)
from tests.activities.claimants import PLENTY, REFS, Town, everything, findings, nobodys, run, twice
from tests.house import NearHashers

MATCHED, MISSED, UNKNOWN = Finding.MATCHED, Finding.NOT_MATCHED, Finding.UNKNOWN
ALL_OF_ADA = {
    "username": "ada",
    "email": "ada@example.com",
    "phone": "+447700900001",
    "created": "2019-03",
    "devices": "an iPhone",
}


@pytest.fixture
def town(database, rings):
    return Town(database, rings)


# ---- what fits ----------------------------------------------------------------------------------------------


async def test_whoever_knows_everything_fits_everywhere(town):
    case = await town.opens(device="Firefox on Windows")
    given = await town.gives(case, **ALL_OF_ADA, passwords=("ada-second-2022",), files=2)
    weighed = await town.weighs(given)
    assert findings(weighed) == {
        FactKind.PROVED_CONTACT: MISSED,
        FactKind.USERNAME: MATCHED,
        FactKind.EMAIL: MATCHED,
        FactKind.PHONE: MATCHED,
        FactKind.CREATED: MATCHED,
        FactKind.DEVICE: MATCHED,
        FactKind.PASSWORD: MATCHED,
        FactKind.FILES: UNKNOWN,
    }
    survey = weighed.survey
    assert (survey.account, survey.proved, survey.disputed_at) == (REFS["ada"], "", None)
    assert (survey.knows_devices, survey.device_is_known, survey.high_value) == (True, True, False)
    assert [contact.channel for contact in survey.contacts] == ["email", "sms"]


async def test_the_account_says_what_it_is(town):
    survey = (await town.weighs(await town.gives(await town.opens(), username="vip"))).survey
    assert (survey.account, survey.high_value, survey.device_is_known) == (REFS["vip"], True, False)


async def test_a_proved_contact_of_the_account_is_named(town):
    weighed = await town.weighs(await town.gives(await town.opens("ada@example.com")))
    assert weighed.survey.proved == await town.contact_id("ada", "ada@example.com")
    assert findings(weighed)[FactKind.PROVED_CONTACT] is MATCHED


async def test_a_former_contact_speaks_for_the_claimant(town):
    await town.takes_off("ada", "ada@example.com", days_ago=2)
    weighed = await town.weighs(await town.gives(await town.opens("ada@example.com")))
    assert (weighed.survey.account, weighed.survey.proved) == (REFS["ada"], "")
    assert findings(weighed)[FactKind.FORMER_CONTACT] is MATCHED
    assert weighed.survey.disputed_at is not None


async def test_a_contact_of_long_ago_makes_nobody_young(town):
    """Whoever holds an address that the owner left a year ago may prove it; the owner may object all the same."""
    await town.takes_off("ada", "ada@example.com", days_ago=400)
    weighed = await town.weighs(await town.gives(await town.opens("ada@example.com")))
    assert findings(weighed)[FactKind.FORMER_CONTACT] is MATCHED
    assert weighed.survey.disputed_at is None


async def test_a_contact_that_a_claim_took_off_speaks_for_nobody(town):
    """It was the thief's, maybe: people have decided that once."""
    await town.takes_off("ada", "ada@example.com", days_ago=2, by="AAAAAAAAAA")
    weighed = await town.weighs(await town.gives(await town.opens("ada@example.com")))
    assert findings(weighed)[FactKind.FORMER_CONTACT] is UNKNOWN
    assert weighed.survey.disputed_at is None


@pytest.mark.parametrize("password", ["ada-first-2019", "ada-second-2022", "ada-current-2025"])
async def test_every_password_that_the_account_ever_had_fits(town, password):
    weighed = await town.weighs(await town.gives(await town.opens(), username="ada", passwords=("wrong", password)))
    assert Fact(FactKind.PASSWORD, MATCHED, 2) in weighed.facts


async def test_a_password_of_somebody_else_does_not_fit(town):
    given = await town.gives(await town.opens(), username="ada", passwords=("olu-current-2025",))
    assert findings(await town.weighs(given))[FactKind.PASSWORD] is MISSED


async def test_no_more_passwords_are_looked_at_than_the_policy_says(town):
    few = dataclasses.replace(PLENTY, evidence_passwords=1)
    given = await town.gives(await town.opens(), username="ada", passwords=("wrong", "ada-first-2019"), policy=few)
    weighed = await town.weighs(given)
    assert Fact(FactKind.PASSWORD, MISSED, 1) in weighed.facts
    assert await town.count(VaultRow) == 0


async def test_a_password_that_ran_out_cannot_be_told(town):
    given = await town.gives(await town.opens(), username="ada", passwords=("ada-first-2019",))
    async with town.database.write() as session:
        await erasure._delete(session, lambda table: col(table.case_ref) == given.case, VaultRow)
    assert findings(await town.weighs(given))[FactKind.PASSWORD] is UNKNOWN


@pytest.mark.parametrize(
    ("month", "finding"),
    [
        ("2019-02", MATCHED),
        ("2019-04", MATCHED),
        ("2019-05", MISSED),
        ("2018-03", MISSED),
        ("some day", UNKNOWN),
    ],
)
async def test_the_month_may_be_one_off(town, month, finding):
    given = await town.gives(await town.opens(), username="ada", created=month)
    assert findings(await town.weighs(given))[FactKind.CREATED] is finding


async def test_december_is_next_to_january(town, database):
    async with database.write() as session:
        row = await session.get_one(AccountRow, REFS["ada"])
        row.made_at = row.made_at.replace(year=2020, month=1)
    given = await town.gives(await town.opens(), username="ada", created="2019-12")
    assert findings(await town.weighs(given))[FactKind.CREATED] is MATCHED


@pytest.mark.parametrize(
    ("named", "finding"),
    [
        ("my old iPhone", MATCHED),
        ("a Windows laptop", MATCHED),
        ("Nokia; iPhone", MATCHED),
        ("Firefox", MISSED),  # half of the world has one
        ("my phone and a browser", MISSED),
        ("Mac, Android, Linux, iPhone", MISSED),  # a list of everything there is
    ],
)
async def test_devices_are_told_by_system_or_model(town, named, finding):
    given = await town.gives(await town.opens(), username="ada", devices=named)
    assert findings(await town.weighs(given))[FactKind.DEVICE] is finding


@pytest.mark.parametrize(("device", "finding"), [("Firefox on Windows", MATCHED), ("Firefox on Linux", MISSED)])
async def test_the_browser_of_the_claim_counts_by_itself(town, device, finding):
    weighed = await town.weighs(await town.gives(await town.opens(device=device), username="ada"))
    assert findings(weighed)[FactKind.DEVICE] is finding
    assert weighed.survey.device_is_known is (finding is MATCHED)


async def test_the_thiefs_device_is_no_device_of_the_owner(town):
    """It was first seen after the contact was taken off."""
    await town.takes_off("ada", "ada@example.com", days_ago=2)
    await town.signs_in("ada", device="Edge on Windows 98")
    async with town.database.write() as session:
        a_day_ago = (await town.account("ada")).made_at + timedelta(days=1)
        await session.execute(
            update(AccountSessionRow)
            .where(col(AccountSessionRow.device) == "Firefox on Windows")
            .values(made_at=a_day_ago)
        )
    case = await town.opens("ada@example.com", device="Edge on Windows 98")
    assert not (await town.weighs(await town.gives(case))).survey.device_is_known


async def test_a_device_that_came_after_the_claim_is_none(town):
    case = await town.opens(device="Chrome on Linux")
    await town.signs_in("ada", device="Chrome on Linux")
    assert not (await town.weighs(await town.gives(case, username="ada"))).survey.device_is_known


# ---- saved recovery codes ------------------------------------------------------------------------------------


async def burnt(town):
    used = select(AccountRecoveryCodeRow).where(col(AccountRecoveryCodeRow.used_by) != "")
    async with town.database.read() as session:
        return len((await session.execute(used)).all())


@pytest.mark.parametrize(("code", "finding", "left"), [("olua 0001", MATCHED, 1), ("OLUA-9999", MISSED, 0)])
async def test_a_saved_code_is_burnt_only_if_it_is_one(town, code, finding, left):
    given = await town.gives(await town.opens(), username="olu", code=code)
    weighed = await twice(town.database, town.claims.weigh_evidence, given)
    assert findings(weighed)[FactKind.RECOVERY_CODE] is finding
    assert await burnt(town) == left
    assert await town.count(VaultRow) == 0


async def test_saved_codes_are_counted_over_all_claims_about_an_account(town):
    few = dataclasses.replace(PLENTY, tries_per_account=2)
    for code in ("OLUA-9999", "OLUA-9998"):
        await town.weighs(await town.gives(await town.opens(), username="olu", code=code, policy=few))
    given = await town.gives(await town.opens(), username="olu", code="OLUA-0001", policy=few)
    assert findings(await town.weighs(given))[FactKind.RECOVERY_CODE] is MISSED
    assert await burnt(town) == 0


async def test_tries_for_a_stand_in_are_counted_alike(town):
    case = await town.opens()
    await town.weighs(await town.gives(case, username="nobody-at-all", code="OLUA-0001"))
    async with town.database.read() as session:
        (bucket,) = (
            await session.execute(select(col(BudgetRow.bucket)).where(col(BudgetRow.bucket).like("proofs/%")))
        ).scalars()
    assert bucket.startswith("proofs/acc_")


# ---- which account --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "given", "meant"),
    [
        ("eve@example.net", {"username": "ada"}, "ada"),
        ("eve@example.net", {"username": "ADA "}, "ada"),
        ("eve@example.net", {"email": "olu@work.example.com"}, "olu"),
        ("eve@example.net", {"phone": "+447700900003"}, "pat"),
        ("vip@example.com", {}, "vip"),
        ("vip@example.com", {"username": "ada"}, "ada"),
        ("eve@example.net", {"username": "ada", "email": "olu@example.com"}, "ada"),
        ("eve@example.net", {"username": "nobody-at-all", "email": "olu@example.com"}, "olu"),
    ],
)
async def test_the_account_is_found_by_what_says_most(town, contact, given, meant):
    weighed = await town.weighs(await town.gives(await town.opens(contact), **given))
    assert weighed.survey.account == REFS[meant]


async def test_a_registered_address_that_was_taken_off_still_leads_there(town):
    await town.takes_off("ada", "ada@example.com", days_ago=500)
    weighed = await town.weighs(await town.gives(await town.opens(), email="ada@example.com"))
    assert weighed.survey.account == REFS["ada"]
    assert findings(weighed)[FactKind.EMAIL] is MATCHED


async def test_of_two_accounts_with_one_address_the_proved_contact_chooses(town):
    await town.puts_in("ada", "olu@example.com")
    weighed = await town.weighs(await town.gives(await town.opens("+447700900001"), email="olu@example.com"))
    assert weighed.survey.account == REFS["ada"]


async def test_an_address_of_two_accounts_alone_names_neither(town):
    await town.puts_in("ada", "olu@example.com")
    weighed = await town.weighs(await town.gives(await town.opens(), email="olu@example.com"))
    assert nobodys(weighed.survey)


async def test_the_account_that_is_known_already_stays(town):
    given = await town.gives(await town.opens(), username="olu", known=REFS["ada"])
    weighed = await town.weighs(given)
    assert weighed.survey.account == REFS["ada"]
    assert findings(weighed)[FactKind.USERNAME] is MISSED


# ---- stand-ins and the erased ---------------------------------------------------------------------------------


async def test_nothing_fits_a_stand_in(town):
    case = await town.opens(device="Firefox on Windows")
    given = await town.gives(
        case,
        username="nobody-at-all",
        email="nobody@example.com",
        phone="+447700900999",
        created="2019-03",
        devices="iPhone",
        passwords=("ada-first-2019",),
        code="OLUA-0001",
        files=1,
    )
    weighed = await twice(town.database, town.claims.weigh_evidence, given)
    assert nobodys(weighed.survey)
    assert set(findings(weighed).values()) == {MISSED, UNKNOWN}
    assert findings(weighed)[FactKind.FILES] is UNKNOWN
    assert await town.count(VaultRow) == 0


async def test_a_stand_in_is_the_same_for_the_same_words(town):
    """So that tries and linked cases of a decoy add up like those of an account."""
    one = await town.weighs(await town.gives(await town.opens(), username="nobody-at-all"))
    two = await town.weighs(await town.gives(await town.opens(), username="nobody-at-all"))
    assert one.survey.account == two.survey.account


async def test_a_stand_in_costs_the_same_time(town):
    """As many hashes are compared as for an account, whatever is found."""
    compared = []

    class Counting(NearHashers):
        async def fits_any(self, hashes, password):
            compared.append(len(hashes))
            return False

    town.claims._hashers = Counting()
    for name in ("ada", "pat", "nobody-at-all"):
        await town.weighs(await town.gives(await town.opens(), username=name, passwords=("wrong", "worse")))
    assert set(compared) == {claims_activity.LEAST_HASHES}
    assert len(compared) == 6


async def test_more_words_lead_from_a_stand_in_to_the_account(town):
    case = await town.opens()
    first = await town.weighs(await town.gives(case, username="nobody-at-all", passwords=("ada-first-2019",)))
    given = await town.gives(case, name="given-2", username="ada", known=first.survey.account)
    weighed = await town.weighs(given)
    assert weighed.survey.account == REFS["ada"]
    # The password was compared with nobody's, and is gone.
    assert findings(weighed)[FactKind.PASSWORD] is UNKNOWN


async def test_an_erased_owner_is_a_stand_in(town):
    case = await town.opens("ada@example.com")
    given = await town.gives(case, **ALL_OF_ADA, passwords=("ada-first-2019",))
    async with town.database.write() as session:
        await erasure.erase_account(session, REFS["ada"])
    weighed = await town.weighs(given)
    assert weighed.survey.account not in REFS.values()
    assert weighed.survey == Survey(weighed.survey.account)
    assert MATCHED not in findings(weighed).values()


async def test_an_erased_account_that_was_known_keeps_its_name_and_nothing_else(town):
    given = await town.gives(await town.opens(), username="ada", known=REFS["ada"])
    async with town.database.write() as session:
        await erasure.erase_account(session, REFS["ada"])
    weighed = await town.weighs(given)
    assert weighed.survey == Survey(REFS["ada"])
    assert MATCHED not in findings(weighed).values()


# ---- once, and nothing lost -----------------------------------------------------------------------------------


async def test_evidence_is_weighed_once(town):
    given = await town.gives(await town.opens(), **ALL_OF_ADA, passwords=("ada-first-2019",), code="OLUA-0001")
    weighed = await twice(town.database, town.claims.weigh_evidence, given)
    assert findings(weighed)[FactKind.PASSWORD] is MATCHED


async def test_it_says_the_same_when_the_account_has_changed_meanwhile(town):
    given = await town.gives(await town.opens("ada@example.com"), username="ada")
    before = await town.weighs(given)
    await town.takes_off("ada", "ada@example.com", days_ago=0)
    assert await town.weighs(given) == before


async def test_evidence_is_weighed_once_even_when_asked_at_the_same_moment(town):
    given = await town.gives(await town.opens(), username="olu", passwords=("olu-current-2025",), code="OLUA-0001")
    found = await asyncio.gather(*(town.weighs(given) for _ in range(4)))
    assert len(set(found)) == 1
    assert findings(found[0])[FactKind.RECOVERY_CODE] is MATCHED
    assert await town.count(EvidenceWeighedRow) == 1


async def test_a_kill_while_comparing_changes_nothing(town, monkeypatch):
    given = await town.gives(await town.opens(), username="olu", passwords=("olu-current-2025",), code="OLUA-0001")
    before = await everything(town.database)

    async def killed(*_):
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(claims_activity, "_keep", killed)
        with pytest.raises(RuntimeError):
            await run(town.claims.weigh_evidence, given)
    assert await everything(town.database) == before
    weighed = await town.weighs(given)
    assert {findings(weighed)[kind] for kind in (FactKind.PASSWORD, FactKind.RECOVERY_CODE)} == {MATCHED}


async def test_no_secret_is_left_anywhere(town):
    given = await town.gives(
        await town.opens(), username="olu", passwords=("olu-current-2025", "wrong"), code="OLUA-0001"
    )
    await town.weighs(given)
    assert await town.count(VaultRow) == 0
    async with town.database.read() as session:
        (row,) = (await session.execute(select(EvidenceWeighedRow))).scalars()
    kept = f"{row.survey} {row.facts}"
    assert not [word for word in ("olu-current", "wrong", "OLUA", "olu@", "0900002") if word in kept]


# ---- more evidence later --------------------------------------------------------------------------------------


async def test_what_was_given_first_counts_with_what_is_given_later(town):
    case = await town.opens()
    await town.weighs(await town.gives(case, username="ada", created="2001-01", passwords=("ada-first-2019",), files=1))
    later = await town.gives(case, name="given-2", known=REFS["ada"], created="2019-03", passwords=("wrong",), files=2)
    weighed = await town.weighs(later)
    assert findings(weighed)[FactKind.USERNAME] is MATCHED
    assert findings(weighed)[FactKind.CREATED] is MATCHED
    assert Fact(FactKind.PASSWORD, MATCHED, 2) in weighed.facts
    assert Fact(FactKind.FILES, UNKNOWN, 3) in weighed.facts


async def test_a_password_is_no_match_for_having_been_given_twice(town):
    case = await town.opens()
    for name in ("given-1", "given-2"):
        weighed = await town.weighs(await town.gives(case, name=name, username="ada", passwords=("wrong",)))
    assert Fact(FactKind.PASSWORD, MISSED, 2) in weighed.facts


async def test_passwords_are_compared_in_processes_of_their_own(town):
    """Comparing takes 20 ms of a processor for each hash: the event loop must not wait for that."""
    hashers = Hashers(1)
    try:
        town.claims._hashers = hashers
        given = await town.gives(await town.opens(), username="ada", passwords=("wrong", "ada-second-2022"))
        assert findings(await town.weighs(given))[FactKind.PASSWORD] is MATCHED
    finally:
        hashers.close()
