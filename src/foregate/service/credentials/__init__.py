"""Keys, tokens and the audit log, by HTTP."""
