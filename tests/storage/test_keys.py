"""Keys: the newest makes, all of them check; what was cut, changed or moved elsewhere does not open."""

import base64
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.keys import KEY_BYTES, Ring, UnknownKey, Unreadable, seal, unseal

OLD = Ring({"2026-05": b"o" * KEY_BYTES})
NEW = Ring({"2026-11": b"n" * KEY_BYTES})
BOTH = Ring({**NEW.keys, **OLD.keys})
SECRET = b"ada-current-2025"
HERE, THERE = "vault/new_password/7F3KQ2M9XA", "vault/new_password/0000000000"


# ---- writing and reading a ring


def test_ring_survives_writing_and_reading() -> None:
    assert Ring.parse(BOTH.text()) == BOTH
    assert list(Ring.parse(BOTH.text()).keys) == ["2026-11", "2026-05"]


def test_newest_key_is_the_current_one() -> None:
    assert Ring.parse(BOTH.text()).current == "2026-11"


def test_gaps_and_a_comma_at_the_end_are_forgiven() -> None:
    assert Ring.parse(f"  {BOTH.text().replace(',', ' , ')}, ") == BOTH


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "change-me",
        "2026-11:",
        "2026-11:not base64!",
        f":{base64.b64encode(b'n' * KEY_BYTES).decode()}",
        f"2026-11:{base64.b64encode(b'n' * 31).decode()}",
        f"2026-11:{base64.b64encode(b'n' * 33).decode()}",
    ],
)
def test_text_that_is_no_ring_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        Ring.parse(text)


def test_refusal_never_repeats_the_key() -> None:
    short = base64.b64encode(b"planted-key-material").decode()
    for text in (f"2026-11:{short}", f"2026-11:{short}!"):
        with pytest.raises(ValueError, match="key") as refusal:
            Ring.parse(text)
        assert short not in "".join(traceback.format_exception(refusal.value))


def test_repr_names_keys_and_never_shows_one() -> None:
    shown = f"{BOTH!r} {BOTH} {[BOTH]}"
    assert "2026-11" in shown
    assert "nnnn" not in shown
    assert base64.b64encode(b"n" * KEY_BYTES).decode()[:8] not in shown


def test_fresh_rings_differ() -> None:
    first, second = Ring.fresh("a"), Ring.fresh("a")
    assert len(first.key("a")) == KEY_BYTES
    assert first != second


def test_unknown_key_is_named() -> None:
    with pytest.raises(UnknownKey, match="2020-01"):
        BOTH.key("2020-01")


# ---- sealing


def test_what_was_sealed_opens() -> None:
    assert BOTH.open(BOTH.seal(SECRET, HERE), HERE) == SECRET


def test_what_was_sealed_before_a_rotation_still_opens() -> None:
    sealed = OLD.seal(SECRET, HERE)
    assert BOTH.open(sealed, HERE) == SECRET
    assert BOTH.seal(SECRET, HERE).startswith("2026-11:")


def test_what_a_retired_key_sealed_stays_shut() -> None:
    with pytest.raises(UnknownKey):
        NEW.open(OLD.seal(SECRET, HERE), HERE)


def test_wrong_key_of_the_same_name_does_not_open() -> None:
    impostor = Ring({"2026-05": b"x" * KEY_BYTES})
    with pytest.raises(Unreadable):
        impostor.open(OLD.seal(SECRET, HERE), HERE)


def test_sealed_value_opens_only_where_it_belongs() -> None:
    with pytest.raises(Unreadable):
        BOTH.open(BOTH.seal(SECRET, HERE), THERE)


def test_key_name_cannot_be_exchanged() -> None:
    _, _, encoded = BOTH.seal(SECRET, HERE).partition(":")
    with pytest.raises(Unreadable):
        BOTH.open(f"2026-05:{encoded}", HERE)


def test_same_secret_never_looks_the_same() -> None:
    assert BOTH.seal(SECRET, HERE) != BOTH.seal(SECRET, HERE)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 27])
def test_sealed_value_that_was_cut_is_unreadable(length: int) -> None:
    key = NEW.key("2026-11")
    with pytest.raises(Unreadable):
        unseal(key, seal(key, b"", HERE)[:length], HERE)


@given(st.data())
def test_any_changed_bit_is_noticed(data: st.DataObject) -> None:
    key = NEW.key("2026-11")
    sealed = bytearray(seal(key, SECRET, HERE))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Unreadable):
        unseal(key, bytes(sealed), HERE)


@pytest.mark.parametrize("encoded", ["", "!", "abc", "é"])
def test_sealed_text_that_is_not_base64_is_unreadable(encoded: str) -> None:
    with pytest.raises(Unreadable):
        NEW.open(f"2026-11:{encoded}", HERE)


def test_failure_to_open_tells_nothing() -> None:
    with pytest.raises(Unreadable) as failure:
        BOTH.open(BOTH.seal(SECRET, HERE), THERE)
    told = "".join(traceback.format_exception(failure.value))
    assert SECRET.decode() not in told
    assert HERE not in str(failure.value)


# ---- digests and derived values


def test_digest_names_its_parts_apart() -> None:
    assert NEW.digest("ab", "c") != NEW.digest("a", "bc")
    assert NEW.digest("abc") != NEW.digest("abc", "")


def test_digest_depends_on_the_key() -> None:
    assert NEW.digest("a") != OLD.digest("a")
    assert BOTH.digest("a") == NEW.digest("a")
    assert BOTH.digest("a", key="2026-05") == OLD.digest("a")


def test_look_up_tries_every_key_newest_first() -> None:
    assert BOTH.digests("contact", "email", "x") == [
        NEW.digest("contact", "email", "x"),
        OLD.digest("contact", "email", "x"),
    ]


def test_derived_value_is_the_same_again_with_the_same_key() -> None:
    assert BOTH.derive("code", "7F3KQ2M9XA", "1", key="2026-05") == OLD.derive("code", "7F3KQ2M9XA", "1", key="2026-05")
    assert BOTH.derive("code", "1", key="2026-11") != BOTH.derive("code", "2", key="2026-11")


# ---- signatures


def test_signature_holds_through_a_rotation() -> None:
    signature = OLD.sign("sam allows")
    assert signature.startswith("2026-05:")
    assert BOTH.is_signed("sam allows", signature)
    assert not NEW.is_signed("sam allows", signature)


@pytest.mark.parametrize("signature", ["", ":", "2026-11", "2026-11:", "2026-11:00", "other:00", "2026-11:é"])
def test_what_is_no_signature_proves_nothing(signature: str) -> None:
    assert not NEW.is_signed("sam allows", signature)


def test_signature_of_another_text_proves_nothing() -> None:
    assert not NEW.is_signed("sam stops", NEW.sign("sam allows"))


def test_signature_moved_to_another_key_name_proves_nothing() -> None:
    assert not BOTH.is_signed("sam allows", NEW.sign("sam allows").replace("2026-11", "2026-05"))
