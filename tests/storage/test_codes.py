"""Codes are uniform over 000000 to 999999, with both ends; links are 128 bits; both belong to one case and issue."""

import base64
from collections import Counter
from unittest.mock import patch

import pytest

from storage import codes
from storage.keys import Ring


def code_for(rings, number):
    """The code that this derived number becomes."""
    with patch.object(Ring, "derive", return_value=number.to_bytes(32, "big")):
        return codes.code(rings, "7F3KQ2M9XA", 1, 6, key=rings.issue.current)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (0, "000000"),
        (7, "000007"),
        (999_998, "999998"),
        (999_999, "999999"),
        (1_000_000, "000000"),
        (1_999_999, "999999"),
        (2**256 - 1, f"{(2**256 - 1) % 10**6:06d}"),
    ],
)
def test_every_code_from_the_first_to_the_last_can_be_made(rings, number, code):
    assert code_for(rings, number) == code


def test_no_digit_is_more_likely_than_another_at_any_place():
    """Of 20,000 codes of a fixed key: 2,000 at each place, give or take five standard deviations."""
    rings = _Fixed()
    made = [codes.code(rings, "7F3KQ2M9XA", issue, 6, key="fixed") for issue in range(20_000)]
    for place in range(6):
        counted = Counter(code[place] for code in made)
        assert set(counted) == set("0123456789")
        assert all(abs(count - 2000) < 5 * (20_000 * 0.09) ** 0.5 for count in counted.values())


class _Fixed:
    issue = Ring({"fixed": bytes(range(32))})


def test_a_code_is_of_one_case_and_one_issue(rings):
    key = rings.issue.current
    made = {(case, issue): codes.link(rings, case, issue, key=key) for case in ("A", "B") for issue in (1, 2, 11)}
    assert len(set(made.values())) == len(made)
    assert all(len(base64.urlsafe_b64decode(link + "==")) == 16 for link in made.values())
    digests = {codes.code_digest(rings, case, issue, "123456", key=rings.digest.current) for case, issue in made}
    assert len(digests) == len(made)


def test_another_key_makes_another_code(rings):
    ring = Ring({**Ring.fresh("new").keys, **rings.issue.keys})
    both = type("Both", (), {"issue": ring})
    made = [codes.link(both, "A", 1, key=name) for name in ring.keys]
    assert len(set(made)) == 2
    assert codes.link(both, "A", 1, key=rings.issue.current) == codes.link(rings, "A", 1, key=rings.issue.current)
