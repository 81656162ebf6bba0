"""What people type into the one box: which of the three it is, its normal form, its mask, and nothing but a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.identifiers import (
    Identifier,
    IdentifierKind,
    NotUnderstood,
    Problem,
    identify,
    identify_contact,
    masked,
    phone_prefix,
)

EMAIL, PHONE, USERNAME = IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.USERNAME


@pytest.mark.parametrize(
    ("typed", "kind", "normal", "mask"),
    [
        ("ada@example.com", EMAIL, "ada@example.com", "a•••@example.com"),
        ("  Ada@Example.COM ", EMAIL, "ada@example.com", "a•••@example.com"),
        ("ada+shop@example.com", EMAIL, "ada+shop@example.com", "a•••@example.com"),
        ("dóra@posteo.example", EMAIL, "dóra@posteo.example", "d•••@posteo.example"),
        ("+44 7700 900001", PHONE, "+447700900001", "+44 ••• ••• 01"),
        ("07700 900001", PHONE, "+447700900001", "+44 ••• ••• 01"),
        ("(07700) 900-001", PHONE, "+447700900001", "+44 ••• ••• 01"),
        ("0044 7700 900001", PHONE, "+447700900001", "+44 ••• ••• 01"),
        ("+49 30 1234567", PHONE, "+49301234567", "+49 ••• ••• 67"),
        ("ada", USERNAME, "ada", "ada"),
        ("Ada", USERNAME, "ada", "ada"),
        ("ada.lovelace-1815", USERNAME, "ada.lovelace-1815", "ada.lovelace-1815"),
        ("7ada", USERNAME, "7ada", "7ada"),
    ],
)
def test_what_was_typed_is_understood(typed, kind, normal, mask):
    found = identify(typed, "GB")
    assert found == Identifier(kind, normal)
    assert masked(found) == mask


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", Problem.EMPTY),
        ("   ", Problem.EMPTY),
        ("a" * 255, Problem.TOO_LONG),
        ("ada@", Problem.EMAIL),
        ("@example.com", Problem.EMAIL),
        ("ada@@example.com", Problem.EMAIL),
        ("ada@localhost", Problem.EMAIL),
        ("ada @example.com", Problem.EMAIL),
        ("+44 123", Problem.PHONE),
        ("123456", Problem.PHONE),
        ("+999 123456789", Problem.PHONE),
        ("a", Problem.USERNAME),
        ("ada lovelace", Problem.USERNAME),
        ("<script>", Problem.USERNAME),
        ("ada\x00", Problem.USERNAME),
        ("ada\nolu", Problem.USERNAME),
        ("'; DROP TABLE account; --", Problem.USERNAME),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_problem(typed, problem):
    with pytest.raises(NotUnderstood) as refused:
        identify(typed, "GB")
    assert refused.value.problem is problem
    assert len(typed.strip()) < 2 or typed not in str(refused.value)


def test_a_username_is_no_contact():
    with pytest.raises(NotUnderstood) as refused:
        identify_contact("ada", "GB")
    assert refused.value.problem is Problem.EMAIL
    assert identify_contact("ada@example.com", "GB").kind is EMAIL


def test_a_number_without_country_is_of_the_region():
    assert identify("030 1234567", "DE").normal == "+49301234567"
    assert identify("(020) 7946 0018", "GB").normal == "+442079460018"
    assert phone_prefix("+442079460018") == "44"


def no_surprise(typed):
    """Understood or refused; and what was understood is understood again, as the same."""
    try:
        found = identify(typed, "GB")
    except NotUnderstood:
        return
    assert found.normal
    assert identify(found.normal, "GB") == found
    shown = masked(found)
    if found.kind is EMAIL and len(found.normal.rpartition("@")[0]) > 1:
        assert found.normal not in shown
    if found.kind is PHONE:
        assert found.normal[3:] not in shown


@given(st.text(max_size=300))
def test_any_text_is_understood_or_refused(typed):
    no_surprise(typed)


@given(st.from_regex(r"[+(]?[\d\s().\-/٠-٩]{1,20}", fullmatch=True))
def test_anything_like_a_number_is_understood_or_refused(typed):
    no_surprise(typed)


@given(st.from_regex(r"[\w.+'\-]{0,20}@[\w.\-]{0,30}", fullmatch=True))
def test_anything_like_an_address_is_understood_or_refused(typed):
    no_surprise(typed)
