"""Webhooks on their way: what is sent, where to, and when."""
