"""What claimants and owners see: one case each, one clear next step on a page."""
