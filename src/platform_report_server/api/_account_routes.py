"""The routes of projects, teams, people, keys and webhooks."""

from __future__ import annotations

from platform_report_server.api import badges, deliveries, keys, members, project_settings, projects, teams, webhooks
from platform_report_server.api._operation import ApiRoute, Operation, route
from platform_report_server.api._query import PAGE, PROJECT, TEAM
from platform_report_server.api._shapes import Data, Done, Page
from platform_report_server.api.badges import Badges
from platform_report_server.api.deliveries import Delivery
from platform_report_server.api.keys import Key, MadeKey, SwitchedKey
from platform_report_server.api.members import Invitation, MadeInvitation, Member
from platform_report_server.api.project_settings import ProjectSettings
from platform_report_server.api.projects import ChangedProject, Project
from platform_report_server.api.teams import Team
from platform_report_server.api.webhooks import ChangedWebhook, Webhook
from platform_report_server.model import (
    KeyChange,
    LimitGroup,
    MemberChange,
    NewInvitation,
    NewKey,
    NewProject,
    NewTeam,
    NewWebhook,
    ProjectChange,
    SettingsChange,
    WebhookChange,
)

_TEAMS: LimitGroup = "projects and teams"
_KEYS: LimitGroup = "keys and webhooks"


def account_routes() -> list[ApiRoute]:
    """Return the routes, in the order of the documentation."""
    return [*_projects(), *_teams(), *_keys(), *_webhooks()]


def _projects() -> list[ApiRoute]:
    return [
        route(
            "/api/projects",
            GET=Operation(
                projects.index, "List a team's projects", "viewer", _TEAMS, query=(TEAM,), answer=Data[Project]
            ),
            POST=Operation(
                projects.create,
                "Make a project",
                "admin",
                _TEAMS,
                body=NewProject,
                answer=Project,
                status=201,
                gives="project_id",
            ),
        ),
        route(
            "/api/projects/{project_id}",
            GET=Operation(projects.show, "Get a project", "viewer", _TEAMS, answer=Project),
            PATCH=Operation(
                projects.change, "Rename a project", "admin", _TEAMS, body=ProjectChange, answer=ChangedProject
            ),
            DELETE=Operation(
                projects.delete, "Delete a project with all that belongs to it", "owner", _TEAMS, answer=Done
            ),
        ),
        route(
            "/api/projects/{project_id}/settings",
            GET=Operation(project_settings.show, "Get a project's settings", "viewer", _TEAMS, answer=ProjectSettings),
            PATCH=Operation(
                project_settings.change,
                "Change a project's settings",
                "admin",
                _TEAMS,
                body=SettingsChange,
                answer=ProjectSettings,
            ),
        ),
        route(
            "/api/projects/{project_id}/badges",
            GET=Operation(badges.show, "Get the addresses of a project's badges", "admin", _TEAMS, answer=Badges),
            POST=Operation(
                badges.make,
                "Make new addresses of badges; those that there were end",
                "admin",
                _TEAMS,
                answer=Badges,
                status=201,
            ),
            DELETE=Operation(badges.delete, "Take the addresses of badges back", "admin", _TEAMS, answer=Done),
        ),
    ]


def _teams() -> list[ApiRoute]:
    return [
        route(
            "/api/teams",
            GET=Operation(teams.index, "List the caller's teams", "viewer", _TEAMS, answer=Data[Team]),
            POST=Operation(teams.create, "Make a team", "owner", _TEAMS, body=NewTeam, answer=Team, status=201),
        ),
        route(
            "/api/team-members",
            GET=Operation(members.index, "List a team's members", "viewer", _TEAMS, query=(TEAM,), answer=Data[Member]),
            POST=Operation(
                members.create,
                "Invite somebody into a team",
                "admin",
                _TEAMS,
                body=NewInvitation,
                answer=MadeInvitation,
                status=201,
                gives="invitation_id",
            ),
        ),
        route(
            "/api/team-members/{member_id}",
            PATCH=Operation(
                members.change, "Change a member's role", "admin", _TEAMS, body=MemberChange, answer=Member
            ),
            DELETE=Operation(members.delete, "Take a member out of a team", "admin", _TEAMS, answer=Done),
        ),
        route(
            "/api/invitations",
            GET=Operation(
                members.index_invitations,
                "List the invitations into a team that wait",
                "admin",
                _TEAMS,
                query=(TEAM,),
                answer=Data[Invitation],
            ),
        ),
        route(
            "/api/invitations/{invitation_id}",
            DELETE=Operation(members.delete_invitation, "Withdraw an invitation", "admin", _TEAMS, answer=Done),
        ),
    ]


def _keys() -> list[ApiRoute]:
    return [
        route(
            "/api/api-keys",
            GET=Operation(keys.index, "List a project's API keys", "admin", _KEYS, query=(PROJECT,), answer=Data[Key]),
            POST=Operation(
                keys.create, "Make an API key", "admin", _KEYS, body=NewKey, answer=MadeKey, status=201, gives="key_id"
            ),
        ),
        route(
            "/api/api-keys/{key_id}",
            PATCH=Operation(
                keys.change, "Switch an API key on or off", "admin", _KEYS, body=KeyChange, answer=SwitchedKey
            ),
            DELETE=Operation(keys.delete, "Delete an API key", "admin", _KEYS, answer=Done),
        ),
    ]


def _webhooks() -> list[ApiRoute]:
    return [
        route(
            "/api/webhooks",
            GET=Operation(
                webhooks.index, "List a project's webhooks", "admin", _KEYS, query=(PROJECT,), answer=Data[Webhook]
            ),
            POST=Operation(
                webhooks.create,
                "Make a webhook",
                "admin",
                _KEYS,
                body=NewWebhook,
                answer=Webhook,
                status=201,
                gives="webhook_id",
            ),
        ),
        route(
            "/api/webhooks/{webhook_id}",
            PATCH=Operation(
                webhooks.change, "Change a webhook", "admin", _KEYS, body=WebhookChange, answer=ChangedWebhook
            ),
            DELETE=Operation(webhooks.delete, "Delete a webhook", "admin", _KEYS, answer=Done),
        ),
        route(
            "/api/webhooks/{webhook_id}/test",
            POST=Operation(
                deliveries.test, "Send a ping to a webhook, and tell what came of it", "admin", _KEYS, answer=Delivery
            ),
        ),
        route(
            "/api/webhooks/{webhook_id}/deliveries",
            GET=Operation(
                deliveries.index,
                "List a webhook's deliveries, newest first",
                "admin",
                _KEYS,
                query=PAGE,
                answer=Page[Delivery],
            ),
        ),
        route(
            "/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
            POST=Operation(
                deliveries.replay,
                "Send a delivery once more, as a new one",
                "admin",
                _KEYS,
                answer=Delivery,
                status=201,
            ),
        ),
    ]
