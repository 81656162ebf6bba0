"""Outside development nothing starts with secrets that everybody knows, or with links that anybody can read."""

import pytest
from pydantic import ValidationError

from settings import PLACEHOLDER, Settings

URL = "https://help.larkfield.example"


def production(keys, **values):
    """Settings of production; the environment of whoever runs the tests has no part in it."""
    known = {"mode": "production", "public_url": URL, "sms_secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODk=", **keys}
    return Settings(_env_file=None, **{**known, **values})


def test_with_secrets_of_its_own_it_starts(settings_keys):
    assert production(settings_keys).is_secure


@pytest.mark.parametrize("name", ["payload", "issue", "digest", "index", "decision", "row", "audit"])
def test_a_default_key_is_refused_by_its_name(settings_keys, name):
    with pytest.raises(ValidationError, match=f"REINSTATE_{name.upper()}_KEYS must be set"):
        production(settings_keys, **{f"{name}_keys": PLACEHOLDER})


def test_a_default_secret_for_text_messages_is_refused(settings_keys):
    with pytest.raises(ValidationError, match="REINSTATE_SMS_SECRET must be set"):
        production(settings_keys, sms_secret=PLACEHOLDER)


def test_links_without_tls_are_refused(settings_keys):
    with pytest.raises(ValidationError, match="REINSTATE_PUBLIC_URL must begin with https://"):
        production(settings_keys, public_url="http://help.larkfield.example")


def test_a_refusal_never_repeats_a_secret(settings_keys):
    secret = settings_keys["issue_keys"]
    with pytest.raises(ValidationError) as refused:
        production(settings_keys, digest_keys=PLACEHOLDER)
    assert secret.partition(":")[2] not in str(refused.value)


def test_development_mode_is_never_the_default():
    assert Settings.model_fields["mode"].default == "production"
