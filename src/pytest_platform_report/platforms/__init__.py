"""Clients of services that speak the reporting API; :func:`.client.open_platform` is the way in."""
