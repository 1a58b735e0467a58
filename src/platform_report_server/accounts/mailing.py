"""What people are told by mail."""

from __future__ import annotations

from sqlalchemy import Connection

from platform_report_server.db.queries.people import find_account, find_team
from platform_report_server.db.reader import Reader
from platform_report_server.mail import Mail


class Mailing:
    """Mails the links of invitations, where an SMTP server is set."""

    def __init__(self, mail: Mail | None, reader: Reader) -> None:
        self._mail = mail
        self._reader = reader

    async def invite(self, email: str, team_id: int, inviter: int | None, link: str) -> bool:
        """Mail the link of an invitation, or raise MailFailed; tell whether there is a server for that."""
        if self._mail is None:
            return False

        def names(connection: Connection) -> tuple[str, str]:
            team, person = find_team(connection, team_id), inviter and find_account(connection, inviter)
            return team.name if team else "", person.name if person else "Somebody"

        team, person = await self._reader.read(names)
        text = (
            f"{person} invites you into the team {team}, to see its test runs.\n\n"
            f"Open this link to join. It works once, for a week:\n\n{link}\n\n"
            "If you expected no invitation, there is nothing to do.\n"
        )
        await self._mail.send(email, f"Invitation into the team {team}", text)
        return True
