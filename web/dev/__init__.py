"""Pages that exist only in development: the caught messages, and the small platform that the demo accounts live on."""
