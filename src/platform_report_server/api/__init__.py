"""The reporting API over HTTP."""
