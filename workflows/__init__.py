"""Durable orchestration, deterministic: one file per kind of case, one shared loop. Only `domain` and signatures."""

from temporalio.common import SearchAttributeKey

CASES = "cases"
"""Task queue of workflows and of quick SQL."""
ACCOUNTS = "accounts"
"""Task queue of the account adapter."""
DELIVERY = "delivery"
"""Task queue of mail and text messages."""

CASE_KIND = SearchAttributeKey.for_keyword("CaseKind")
POLICY_VERSION = SearchAttributeKey.for_keyword("PolicyVersion")
WORKFLOW_OF = {"recovery": "Recovery", "claim": "Claim"}
"""The workflow of each kind of case; its id is `<kind>/<reference>`."""
