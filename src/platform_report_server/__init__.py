"""The platform: the reporting API over SQLite, embedded in the uploader's process or served over HTTP."""
