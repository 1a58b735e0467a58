"""What the platform and a session cost, measured: for people to read, not a part of the tests."""
