"""What we promise people, in numbers.

A policy travels inside the case: a case keeps the promises it was opened under.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Policy:
    """Every timer and limit of a case. Defaults are design section 5; sources stand beside the numbers."""

    version: str = "2026-11"

    code_digits: int = 6
    """Decimal digits of a code, the same for everybody. NIST SP 800-63B-4 4.2 asks for at least six."""
    code_lifetime: timedelta = timedelta(minutes=10)
    """OWASP ASVS 6.5.5 and NIST SP 800-63B-4 3.1.3: at most ten minutes."""
    link_lifetime: timedelta = timedelta(minutes=30)
    """A link holds 128 random bits and needs no try, so it may live longer than a code."""
    proof_window: timedelta = timedelta(minutes=15)
    """How long a proof lasts: for the choice of an account, the second proof and the new password."""
    case_lifetime: timedelta = timedelta(hours=24)

    tries_per_code: int = 5
    tries_per_account: int = 20
    """A day, over all cases and channels, reserved `tries_per_code` at a time when a code is issued."""
    second_proof_tries: int = 3
    codes_per_case: int = 5
    """How many codes one case may send by itself; after that an agent decides about one more."""
    cooldowns: tuple[timedelta, ...] = (
        timedelta(seconds=60),
        timedelta(seconds=120),
        timedelta(seconds=300),
    )
    """How long after the first, second, third and every later code the next one may be asked for."""

    sends_per_hour: int = 5
    sends_per_day: int = 10
    """Messages with a code to one destination, over all cases."""
    sends_kept: int = 2
    """Of the daily sends, kept for browsers that have recovered an account before."""
    starts_per_account: int = 5
    """Cases an hour about one account; enforced without a word, by not sending."""
    sms_per_day: int = 1000
    sms_per_prefix: int = 200
    """Text messages a day to all numbers, and to the numbers of one country prefix (SMS pumping)."""

    objection_lifetime: timedelta = timedelta(days=7)
    """How long the "this was not me" link of a message works."""
    freeze_interval: timedelta = timedelta(days=30)
    """At most one automatic freeze of an account in this time, so that freezing is no weapon."""
    freeze_lifetime: timedelta = timedelta(hours=72)
    """An automatic freeze ends by itself unless an agent keeps it."""

    password_length: int = 10
    """Least number of characters; design 6. NIST SP 800-63B-4 asks for at least 8."""

    personal_data_kept: timedelta = timedelta(days=90)
    """After the close: what was typed, addresses of messages, the kind of browser. Then their key is destroyed."""
    record_kept: timedelta = timedelta(days=1826)
    """Five years after the close: events, decisions and delivery log, which name nobody."""

    claim_wait: timedelta = timedelta(days=14)
    """How long a claim waits for the claimant: for the proof of a contact, for evidence, for an answer."""
    reminders: tuple[timedelta, ...] = (timedelta(days=3), timedelta(days=10))
    """When the claimant is reminded, from the beginning of the wait."""
    reopen_within: timedelta = timedelta(days=30)
    """How long a claim that ran out may be taken up again."""
    first_answer_within: timedelta = timedelta(hours=24)
    decision_within: timedelta = timedelta(hours=72)
    compromised_within: timedelta = timedelta(hours=4)
    """Both promises for a claim that says somebody else is in the account. Clocks stop while the claimant is asked."""
    lease: timedelta = timedelta(minutes=10)
    """How long a case stays with the agent who took it; every use renews it."""
    approval_within: timedelta = timedelta(hours=24)
    """How long a proposal waits for the second person; then it goes back, to a lead."""
    single_approval_score: int = 70
    """Evidence under this line needs a second person. What can be remembered alone never lies above it."""
    hold_contact_kept: timedelta = timedelta(hours=24)
    hold_unknown_device: timedelta = timedelta(hours=48)
    """On top, if the account system knows devices and has never seen this one."""
    hold_one_replaced: timedelta = timedelta(days=7)
    hold_all_replaced: timedelta = timedelta(days=30)
    probation: timedelta = timedelta(days=7)
    probation_all_replaced: timedelta = timedelta(days=30)
    contest_wait: timedelta = timedelta(days=14)
    """After an objection: a claimant who says nothing for so long has given up."""
    current_contact: timedelta = timedelta(days=90)
    """A contact that belonged to the account so lately freezes it, once proved by somebody who says "broken into"."""
    password_link_lifetime: timedelta = timedelta(days=7)
    """The link to set a password after a hand-back; another one may be asked for until the probation ends."""
    evidence_passwords: int = 3

    def cooldown(self, issue: int) -> timedelta:
        """How long after code number `issue` (1, 2, ...) the next one may be asked for."""
        return self.cooldowns[min(issue, len(self.cooldowns)) - 1]


CURRENT_POLICY = Policy()
