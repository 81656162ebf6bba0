"""Mail servers and SMS providers on a bad day: people wait, nothing is lost, what comes twice is the same message."""

import pytest

from tests.e2e.seeds import behind, open_case
from tests.e2e.town import Town, wait_until
from tests.faults.ledger import everybody_was_told, everything_happened_once, mailed_code
from tests.faults.outages import memory_of, process, running
from tests.faults.people import notices, somebody
from tests.faults.post_offices import PATIENCE, MailOffice, Mood, TextOffice
from tests.faults.tab import Tab
from tests.faults.walk import Walk


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory):
    return tmp_path_factory.mktemp("town") / "var" / "mailbox"


@pytest.fixture(scope="module")
def mail(mailbox):
    office = MailOffice(mailbox)
    office.open()
    yield office
    office.close()


@pytest.fixture(scope="module")
def texts(mailbox):
    office = TextOffice(mailbox)
    office.open()
    yield office
    office.close()


@pytest.fixture(scope="module")
def town(mailbox, mail, texts):
    unlucky = Town(
        mailbox.parent.parent,
        REINSTATE_SMTP_URL=f"smtp://127.0.0.1:{mail.port}",
        REINSTATE_SMTP_TIMEOUT=str(PATIENCE),
        REINSTATE_SMS_URL=f"http://127.0.0.1:{texts.port}/sms",
        REINSTATE_SMS_TIMEOUT=str(PATIENCE),
    )
    with running(unlucky) as built:
        yield built


def recovered_on_a_bad_day(town, person, office, mood, *, typed, by_text):
    """The code meets the office in its mood twice; then it is well."""
    walk = Walk(town, person, typed=typed)
    with office.being(mood):
        walk.start()
        # The page asks for the code as if nothing had happened: it never waits for a mail server.
        walk.tab.form(f"/case/{walk.reference}", "/code")
        wait_until(lambda: any(row.attempts >= 2 for row in notices(town, walk.reference)), 30, town.words)
    wait_until(lambda: states(town, walk.reference, "code") == ["handed_over"], 30, town.words)
    walk.go_on()
    everything_happened_once(town, person, walk.reference, wrong=1)
    twice = frozenset({typed}) if mood is Mood.DROPPING else frozenset()
    everybody_was_told(town, person, walk.reference, twice=twice, by_text=by_text)


MOODS = [Mood.DOWN, Mood.SLOW, Mood.REFUSING, Mood.DROPPING]


@pytest.mark.parametrize("mood", MOODS, ids=str)
def test_the_code_comes_by_mail_once_the_server_is_well(town, mail, mood):
    person = somebody(town)
    recovered_on_a_bad_day(town, person, mail, mood, typed=person.email, by_text=False)


@pytest.mark.parametrize("mood", MOODS, ids=str)
def test_the_code_comes_by_text_once_the_provider_is_well(town, texts, mood):
    person = somebody(town)
    recovered_on_a_bad_day(town, person, texts, mood, typed=person.phone, by_text=True)


def test_a_provider_that_talks_without_end_is_not_listened_to(town, texts):
    person = somebody(town)
    walk = Walk(town, person, typed=person.phone)
    before = memory_of(process(town, "worker"))
    with texts.being(Mood.ENDLESS):
        walk.start()
        wait_until(lambda: states(town, walk.reference, "code") == ["handed_over"], 10, town.words)
    assert memory_of(process(town, "worker")) - before < 30_000_000
    walk.go_on()
    everybody_was_told(town, person, walk.reference, by_text=True)


def test_after_a_provider_that_lied_another_code_can_be_had(town, texts):
    person = somebody(town)
    with texts.being(Mood.LYING):
        opened = behind(town, lambda desk: open_case(desk, person.phone))  # its cooldown is short
        wait_until(lambda: states(town, opened.reference, "code") == ["handed_over"], 30, town.words)
    tab, path = Tab(town.url), f"/case/{opened.reference}"
    tab.hold(opened)
    assert tab.send(tab.form(path, "/resend")) == 303
    code = mailed_code(town, opened.reference)
    assert tab.send(tab.form(path, "/code"), code=code) == 303
    assert tab.form(path, "/password")


def test_one_contact_that_is_gone_for_good_keeps_nobody_from_being_told(town, mail):
    person = somebody(town)
    walk = Walk(town, person, typed=person.phone)
    walk.start()
    with mail.being(Mood.REFUSING_FOR_GOOD):
        walk.go_on()
        wait_until(
            lambda: states(town, walk.reference, "password-changed") == ["failed", "handed_over"], 30, town.words
        )
    everything_happened_once(town, person, walk.reference, wrong=1)
    (lost,) = (row for row in notices(town, walk.reference, "password-changed") if row.state == "failed")
    assert (lost.attempts, lost.channel) == (1, "email")


def states(town, reference, template):
    return sorted(row.state for row in notices(town, reference, template))
