"""Real browsers, driven by pytest-playwright in real sessions."""
