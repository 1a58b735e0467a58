"""What was seen to break reporters, each as a session that is reported and read back."""
