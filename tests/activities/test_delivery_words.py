"""What messages say: every number from the policy, every time with its zone, one code, one link."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_type_hints

import pytest
from jinja2 import UndefinedError, meta

from activities.contract import Notice
from activities.delivery.objections import ObjectionLink
from activities.delivery.render import MAIL, Platform, Renderer, duration, wrapped
from activities.delivery.sender import Way
from activities.notices import STOPPABLE, TO_THE_CLAIMANT
from domain.claim import ENDS
from domain.policy import CURRENT_POLICY, Policy
from tests.activities.post_office import LARKFIELD, SLOWER
from tests.people import NOON, REFERENCE

CODE = "073104"
LINK = f"https://help.larkfield.example/link/{REFERENCE}.9sT2vQ-7Kd0aLmXwPq3_Zg"
NOT_ME = "https://help.larkfield.example/not-me/Hc70Ke2vQ7Kd0aLmXwPq3Z"
LARKFIELDS = Renderer(LARKFIELD)
WAY = Way("https://help.larkfield.example/access/Qm0Ke2vQ7Kd0aLmXwPq3Zw", NOON + timedelta(days=7))
UNTIL = NOON + timedelta(days=12)
NOTICES: tuple[str, ...] = get_args(get_type_hints(Notice)["name"])
CODES = ("code", "link", "claim-code", "claim-link")
"""A code message, and the one that carries only the link when the day's tries are spent."""
FOLDERS = {"code", "claim-code", "hand-back-link", "way-back", *NOTICES}
STATES: tuple[str, ...] = ("awaiting_evidence", "awaiting_answer", *(str(end) for end in ENDS))
"""That words depend on."""
ALL = (*CODES, "hand-back-link", "way-back", *NOTICES)
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""3GPP TS 23.038: anything else makes a text message of 70 characters a part instead of 160."""


def about(
    message: str, *, policy: Policy = CURRENT_POLICY, with_objection: bool = True, **more: Any
) -> tuple[str, dict[str, Any]]:
    """The template of a message, and what it is about. `link` is a code message that carries only the link."""
    objection = ObjectionLink(NOT_ME, "case", NOON + policy.objection_lifetime) if with_objection else None
    base = {"case": REFERENCE, "policy": policy, "objection": objection, "way": None}
    if message in CODES:
        code = CODE if message.endswith("code") else None
        template = "claim-code" if message.startswith("claim") else "code"
        return template, {**base, "issue": 1, "code": code, "link": LINK, "issued_at": NOON, **more}
    if message == "hand-back-link":
        return message, {**base, "issue": 3, "link": LINK, "issued_at": NOON, "username": "ada", **more}
    if message == "way-back":
        return message, {**base, "way": WAY, "asked_at": NOON, **more}
    base |= {"way": WAY} if message in TO_THE_CLAIMANT else {"username": "ada"}
    return message, {**base, "happened_at": NOON, "until": UNTIL, "because": "awaiting_review", **more}


def forms(message: str, renderer: Renderer | None = None, **options: Any) -> dict[str, str]:
    template, context = about(message, **options)
    renderer = renderer or LARKFIELDS
    letter = renderer.letter(template, context)
    return {
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "sms": renderer.text(template, context),
    }


@pytest.mark.parametrize("with_objection", [True, False])
@pytest.mark.parametrize("message", ALL)
def test_every_message_has_all_its_forms(message: str, with_objection: bool) -> None:
    for form in forms(message, with_objection=with_objection).values():
        assert form.strip()
        assert "None" not in form
        assert "{" not in re.sub(r"<style>.*?</style>", "", form, flags=re.DOTALL)


@pytest.mark.parametrize("message", NOTICES)
def test_every_notice_has_words_for_every_state(message: str) -> None:
    for because, until in itertools.product(STATES, (None, UNTIL, NOON - timedelta(days=1))):
        found = forms(message, until=until, because=because)
        assert all(form.strip() and "None" not in form for form in found.values())
        assert "\n\n\n" not in found["text"]


def test_every_notice_folder_has_four_files() -> None:
    folders = {folder.name: {file.name for file in folder.iterdir()} for folder in MAIL.iterdir() if folder.is_dir()}
    assert set(folders) == FOLDERS
    assert all(files == {"subject.txt", "body.txt", "body.html", "sms.txt"} for files in folders.values())


def _fails(template: str, context: dict[str, Any]) -> bool:
    try:
        LARKFIELDS.letter(template, context)
    except UndefinedError:
        return True
    return False


def _asked_for(template: str) -> set[str]:
    """The names that a letter needs, those of its parts too."""
    names, texts = set(), LARKFIELDS._templates
    for file in ("subject.txt", "body.txt", "body.html"):
        source = (MAIL / template / file).read_text()
        names |= meta.find_undeclared_variables(texts.parse(source))
    return names


@pytest.mark.parametrize("message", ALL)
def test_a_name_that_nobody_gave_is_an_error(message: str) -> None:
    template, context = about(message)
    for name in _asked_for(template) - {"platform", "subject", "parts"}:
        partly = {key: value for key, value in context.items() if key != name}
        assert any(
            _fails(template, {**partly, **({} if name == "because" else {"because": state})}) for state in STATES
        )


# ---- the code and the link ----------------------------------------------------------------------------------


def test_the_text_holds_six_digits_in_a_row_only_in_the_code() -> None:
    found = forms("code")
    assert re.findall(r"\b\d{6}\b", found["text"]) == [CODE]
    assert set(re.findall(r"\b\d{6}\b", found["sms"])) == {CODE}


def test_a_message_with_only_the_link_holds_no_code_at_all() -> None:
    found = forms("link")
    assert re.findall(r"\b\d{6}\b", found["text"] + found["sms"]) == []
    assert LINK in found["text"]
    assert "only a link" in found["text"]


@pytest.mark.parametrize("message", [*CODES, "hand-back-link"])
def test_the_link_stands_alone_on_its_line(message: str) -> None:
    found = forms(message)
    assert LINK in found["text"].splitlines()
    assert LINK in found["sms"].splitlines()
    assert f'href="{LINK}"' in found["html"]


def test_the_code_is_easy_to_read_in_html() -> None:
    assert "073 104" in forms("code")["html"]


def test_the_subject_gives_no_code_away() -> None:
    assert not re.search(r"\d", forms("code")["subject"])


@pytest.mark.parametrize("message", ["code", "claim-code"])
def test_the_last_line_of_a_text_message_binds_the_code_to_our_domain(message: str) -> None:
    assert forms(message)["sms"].splitlines()[-1] == f"@help.larkfield.example #{CODE}"


@pytest.mark.parametrize("message", ["code", "claim-code", "way-back", *sorted(TO_THE_CLAIMANT)])
def test_a_message_to_somebody_who_has_not_got_the_account_names_no_account(message: str) -> None:
    assert "username" not in "".join(file.read_text() for file in (MAIL / message).iterdir())


def test_a_second_code_says_that_the_first_is_over() -> None:
    assert "no longer work" not in forms("code")["text"]
    assert "no longer work" in forms("code", issue=2)["text"]
    assert "no longer work" in forms("code", issue=2)["html"]


@pytest.mark.parametrize("message", ["code", "link", "password-changed", "password-not-set", *sorted(STOPPABLE)])
def test_who_did_not_ask_finds_the_way_to_stop_it(message: str) -> None:
    found = forms(message)
    assert NOT_ME in found["text"].splitlines()
    assert NOT_ME in found["sms"].splitlines()
    assert f'href="{NOT_ME}"' in found["html"]


@pytest.mark.parametrize("message", sorted(STOPPABLE))
def test_a_contact_that_came_later_is_told_why_it_cannot_stop_anything(message: str) -> None:
    later = ObjectionLink(NOT_ME, "claim", UNTIL, may_object=False)
    found = forms(message, objection=later)
    text, html = (" ".join(found[form].split()) for form in ("text", "html"))
    assert "cannot stop the hand-back" in text
    assert "cannot stop the hand-back" in html
    assert "press the button" not in (text + html).lower()
    assert 'class="d"' not in html  # the red button
    assert NOT_ME in found["sms"]
    assert "Stop it" not in found["sms"]


@pytest.mark.parametrize("message", ["way-back", *sorted(TO_THE_CLAIMANT)])
def test_a_claimant_gets_the_way_to_the_case_on_any_device(message: str) -> None:
    found = forms(message)
    assert WAY.url in found["text"].splitlines()
    assert WAY.url in found["sms"].splitlines()
    assert "\nYour case, once, until 12:00 GMT" in found["sms"]
    assert f'href="{WAY.url}"' in found["html"]
    assert "any device" in " ".join(found["text"].split())
    assert "30 Nov 2026" in found["text"]


def test_a_freeze_without_an_end_names_none() -> None:
    for form in forms("account-frozen", until=None).values():
        assert "ends by itself" not in form
    assert "until an agent has decided" in " ".join(forms("account-frozen", until=None)["text"].split())


def test_a_promise_that_is_over_is_not_made_again() -> None:
    assert "22 Nov 2026" not in "".join(forms("claim-delayed", until=NOON - timedelta(days=1)).values())


@pytest.mark.parametrize("message", ALL)
def test_text_messages_use_the_small_alphabet(message: str) -> None:
    assert set(forms(message)["sms"]) <= GSM_7


# ---- numbers and times --------------------------------------------------------------------------------------


def _as_read(source: str) -> str:
    """A template without its expressions, tags and styles: the words that stand there whatever happens."""
    without = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<style>.*?</style>", "", source, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "", without)


@pytest.mark.parametrize("file", sorted(MAIL.rglob("*.*")), ids=lambda file: str(file.relative_to(MAIL)))
def test_no_template_types_a_number(file: Any) -> None:
    assert not re.search(r"\d", _as_read(file.read_text()))


NUMBERS = {
    "code": ("12:10 GMT", "10 minutes", "12:30 GMT", "30 Nov 2026"),
    "link": ("12:30 GMT", "30 Nov 2026"),
    "password-changed": ("30 Nov 2026", "3 days", "30 days"),
    "password-not-set": ("12:15 GMT", "30 Nov 2026"),
    "freeze-ended": ("3 days",),
    "claim-code": ("12:10 GMT", "10 minutes", "12:30 GMT"),
    "claim-link": ("12:30 GMT",),
    "hand-back-link": ("30 Nov 2026",),
    "claim-contested": ("14 days",),
    **dict.fromkeys(("claim-reminder", "claim-question"), ("for 30 days",)),
}
"""Messages that print a number of the policy; others print only moments that come with them."""
SLOWER_NUMBERS = {
    "code": ("12:07 GMT", "7 minutes", "12:44 GMT", "2 Dec 2026"),
    "link": ("12:44 GMT", "2 Dec 2026"),
    "password-changed": ("2 Dec 2026", "2 days 2 hours", "77 days"),
    "password-not-set": ("12:19 GMT", "2 Dec 2026"),
    "freeze-ended": ("2 days 2 hours",),
    "claim-code": ("12:07 GMT", "7 minutes", "12:44 GMT"),
    "claim-link": ("12:44 GMT",),
    "hand-back-link": ("4 Dec 2026",),
    "claim-contested": ("16 days",),
    **dict.fromkeys(("claim-reminder", "claim-question"), ("for 33 days",)),
}
PROMISING = {"claim-received", "claim-reminder", "claim-question", "claim-delayed", "claim-approved", "claim-contested"}
PROMISING |= {"hold-started", "hold-middle", "hold-ending", "handed-back", "account-frozen"}


@pytest.mark.parametrize("message", sorted(PROMISING))
def test_what_is_promised_stands_in_every_form(message: str) -> None:
    for form, words in forms(message).items():
        if form not in {"subject", "sms"}:
            assert "5 Dec 2026" in " ".join(words.split())


@pytest.mark.parametrize("message", NUMBERS)
def test_numbers_follow_the_policy_of_the_case(message: str) -> None:
    now, slower = forms(message), forms(message, policy=SLOWER)
    for form in ("text", "html"):
        before, after = (" ".join(found[form].split()) for found in (now, slower))
        assert all(number in before for number in NUMBERS[message])
        assert all(number in after for number in SLOWER_NUMBERS[message])
        assert not any(number in after for number in NUMBERS[message])


def test_times_are_in_the_platforms_zone_and_say_so() -> None:
    berlin = Renderer(Platform("Lerchenfeld", "h@l.example", "h@l.example", "https://l.example", "Europe/Berlin"))
    assert "13:10 CET on Mon 23 Nov 2026" in forms("code", berlin)["text"]
    summer = datetime(2027, 7, 1, 23, 55, tzinfo=UTC)
    assert "02:05 CEST on Fri 2 Jul 2027" in forms("code", berlin, issued_at=summer)["text"]
    paulo = Renderer(Platform("Larkfield", "h@l.example", "h@l.example", "https://l.example", "America/Sao_Paulo"))
    assert "09:10 UTC-03" in forms("code", paulo)["text"]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(minutes=10), "10 minutes"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(seconds=90), "1 minute 30 seconds"),
        (timedelta(seconds=4), "4 seconds"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=25), "25 hours"),
        (timedelta(hours=72), "3 days"),
        (timedelta(days=184), "184 days"),
        (timedelta(0), "0 seconds"),
    ],
)
def test_lengths_in_words(length: timedelta, words: str) -> None:
    assert duration(length) == words


# ---- form ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ALL)
def test_lines_of_text_are_short_but_for_addresses(message: str) -> None:
    lines = forms(message)["text"].splitlines()
    assert all(len(line) <= 72 or line.startswith("http") for line in lines)
    assert "\n\n\n" not in "\n".join(lines)


def test_wrapping_never_breaks_an_address() -> None:
    address = "https://help.larkfield.example/" + "a" * 90
    assert wrapped(f"{address}\n{'word ' * 30}").splitlines()[0] == address


def test_names_cannot_bring_html_with_them() -> None:
    found = forms("password-changed", username="<b>ada</b>")
    assert "&lt;b&gt;ada" in found["html"]
    assert "<b>ada</b>" in found["text"]


@pytest.mark.parametrize("message", ALL)
def test_html_has_a_light_and_a_dark_form(message: str) -> None:
    html = forms(message)["html"]
    assert html.lstrip().startswith("<!DOCTYPE html>")
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert not re.search(r"<script|<img|<link|\son\w+=|url\(", html)


def test_the_platforms_colour_is_used_where_it_has_one() -> None:
    platform = Platform("Larkfield", "h@l.example", "h@l.example", "https://l.example", accent="#6b2fa0")
    html = forms("code", Renderer(platform))["html"]
    assert "#6b2fa0" in html
    assert "#0a5c68" not in html
