"""Who calls, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from platform_report_server.auth.roles import ROLES, reaches
from platform_report_server.errors import Forbidden
from platform_report_server.model import Role


@dataclass(frozen=True)
class Caller:
    """Somebody with access, and what the operation at hand needs of them."""

    projects: Mapping[str, Role] | None
    """The role in each project, by its public id; None: owner of every one."""
    teams: Mapping[int, Role] | None
    """The role in each team; None: owner of every one."""
    identity: str | None = None
    """Names the key or the person where there is one."""
    user_id: int | None = None
    """The person, or the one who made the key."""
    session: str | None = field(default=None, repr=False)
    """The token of the browser's session, where there is one."""
    makes_projects: bool = False
    """Whether a project is made on its first use."""
    needs: Role = "viewer"
    _calling: dict[Role, Caller] = field(default_factory=dict, repr=False, compare=False)
    """The same caller in operations that need a role: one is asked for with each request."""

    def calling(self, needs: Role) -> Caller:
        """Return this caller in an operation that needs a role; refuse who has it nowhere."""
        calling = self._calling.get(needs)
        if calling is None:
            strongest = self.strongest
            if strongest is None or not reaches(strongest, needs):
                raise _too_weak(needs, strongest)
            calling = self._calling[needs] = replace(self, needs=needs, _calling={})
        return calling

    @property
    def strongest(self) -> Role | None:
        """The strongest role that the caller has anywhere."""
        if self.teams is None or self.projects is None:
            return "owner"
        return max((*self.teams.values(), *self.projects.values()), key=ROLES.index, default=None)

    def role_in(self, project: str) -> Role | None:
        """Return the role in a project, None where it is not the caller's."""
        return "owner" if self.projects is None else self.projects.get(project)

    def role_in_team(self, team_id: int) -> Role | None:
        """Return the role in a team, None where the caller is not in it."""
        return "owner" if self.teams is None else self.teams.get(team_id)

    def may(self, project: str) -> bool:
        """Tell whether the caller may know of a project."""
        return self.role_in(project) is not None

    def check(self, project: str) -> None:
        """Refuse a project that is not the caller's, or where their role is too weak for the operation."""
        role = self.role_in(project)
        if role is None:
            raise Forbidden("You have no access to that project", field="projectId", reason="not yours")
        self.require(role)

    def require(self, role: Role) -> None:
        """Refuse a role that is too weak for the operation."""
        if not reaches(role, self.needs):
            raise _too_weak(self.needs, role)

    def grant(self, role: Role, own: Role | None) -> None:
        """Refuse to give or take a role that is stronger than the caller's own."""
        if own is None or not reaches(own, role):
            raise Forbidden(
                f"Nobody gives or takes a stronger role than their own: found {role}, yours is {own or 'none'}",
                field="role",
                reason="too strong",
            )


EVERYTHING = Caller(None, None, makes_projects=True)
"""Whoever is in the same process."""

BY_LINK = Caller(None, None, "link", makes_projects=True)
"""Whoever came by the link of a server for one person."""

NOBODY = Caller({}, {})
"""Whoever calls what is public."""


def _too_weak(needs: Role, role: Role | None) -> Forbidden:
    return Forbidden(f"This needs the role {needs}, yours is {role or 'none'}")
