"""The name of a case: short, without look-alikes, forgiving when typed, and it says nothing about anybody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.case import ALPHABET, REFERENCE_LENGTH, Kind, grouped, parse_reference, workflow_id

references = st.text(ALPHABET, min_size=REFERENCE_LENGTH, max_size=REFERENCE_LENGTH)


def test_alphabet_is_crockford_base32() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)


def test_reference_is_read_in_groups() -> None:
    assert grouped("7F3KQ2M9XA") == "7F3K-Q2M9-XA"


@pytest.mark.parametrize(
    "typed",
    ["7F3K-Q2M9-XA", "7f3kq2m9xa", " 7F3K Q2M9 XA ", "7F3KQ2M9XA", "7-F-3-K-Q-2-M-9-X-A"],
)
def test_typed_reference_is_forgiven_case_and_gaps(typed: str) -> None:
    assert parse_reference(typed) == "7F3KQ2M9XA"


@pytest.mark.parametrize(("typed", "meant"), [("O1L0-I000-00", "0110100000"), ("oooo-iiii-ll", "0000111111")])
def test_typed_reference_is_forgiven_look_alikes(typed: str, meant: str) -> None:
    assert parse_reference(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "7F3K-Q2M9",
        "7F3K-Q2M9-XAB",
        "7F3K-Q2M9-XU",
        "7F3K_Q2M9_XA",
        "../../../etc",
        "7F3K-Q2M9-X\u0661",
        "ada@example.com",
    ],
)
def test_what_is_no_reference_is_none(typed: str) -> None:
    assert parse_reference(typed) is None


@given(references)
def test_reference_survives_printing_and_typing(reference: str) -> None:
    assert parse_reference(grouped(reference)) == reference
    assert parse_reference(grouped(reference).lower()) == reference


@given(st.text(max_size=20))
def test_anything_typed_is_a_plain_reference_or_none(typed: str) -> None:
    parsed = parse_reference(typed)
    assert parsed is None or (len(parsed) == REFERENCE_LENGTH and set(parsed) <= set(ALPHABET))


def test_workflow_id_names_kind_and_case() -> None:
    assert workflow_id(Kind.RECOVERY, "7F3KQ2M9XA") == "recovery/7F3K-Q2M9-XA"
    assert workflow_id(Kind.CLAIM, "7F3KQ2M9XA") == "claim/7F3K-Q2M9-XA"
