"""Sessions, beside those of other plugins that report."""
