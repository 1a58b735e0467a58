"""Roles, from the weakest to the strongest."""

from __future__ import annotations

from typing import get_args

from platform_report_server.model import Role

ROLES: tuple[Role, ...] = get_args(Role)


def reaches(role: Role, needed: Role) -> bool:
    """Tell whether a role may do what another one may."""
    return ROLES.index(role) >= ROLES.index(needed)
