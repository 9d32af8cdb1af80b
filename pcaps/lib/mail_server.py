# ruff: noqa: N802, ARG001, ARG002  (names and arguments are those that aiosmtpd calls)
"""Run aiosmtpd with one account and a mailbox. Usage: mail_server.py ADDRESS USER PASSWORD MAILDIR."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, unused-ignore"

import asyncio
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Office(Mailbox):
    """A mailbox that knows the recipient ann and ben at agency.example and nobody else."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Accept or refuse one recipient."""
        name, _, domain = address.partition("@")
        if domain != "agency.example":
            return "554 5.7.1 Relay access denied"
        if name not in ("ann", "ben"):
            return "550 5.1.1 User unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"


async def serve(address: str, user: str, password: str, maildir: str) -> None:
    """Listen on port 25 until ended."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (user.encode(), password.encode()), handled=False)

    def session() -> SMTP:
        return SMTP(handler, hostname="mx.agency.example", authenticator=check, auth_require_tls=False)

    handler = Office(maildir)
    listener = await asyncio.get_running_loop().create_server(session, address, 25)
    await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:5]))
