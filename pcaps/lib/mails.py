"""Send two mails in one session, with what headers and attachments can hold. Usage: mails.py SERVER."""

import smtplib
import sys
from email.header import Header
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

SENDER, PEOPLE = "ann@agency.example", ["ben@agency.example", "cy@agency.example"]


def minutes() -> EmailMessage:
    """Give a mail with a file whose name is written as RFC 2231 has it, and a mail within the mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Cc"] = (
        "Ann Öberg <ann@agency.example>",
        "Ben <ben@agency.example>",
        "cy@agency.example",
    )
    mail["Subject"] = "Protokoll für Dienstag, bitte lesen"
    mail["Message-ID"], mail["Date"] = "<minutes-1@agency.example>", "Sun, 22 Nov 2026 18:00:00 +0100"
    mail["X-Mailer"] = "pigeon 3.1"
    mail.set_content(".\n..\nGuten Tag,\n.hidden\nanbei das Protokoll.\n")
    mail.add_attachment(bytes(range(256)) * 4, "application", "octet-stream", filename="Übersicht Büro.bin")
    mail.add_attachment("a;b\nä;ö\n", subtype="csv", filename="liste.csv", cte="quoted-printable")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inner text")
    inner.add_attachment(b"%PDF-1.4\n%%EOF\n", "application", "pdf", filename="inner.pdf")
    mail.add_attachment(inner)
    return mail


def older() -> MIMEMultipart:
    """Give a mail as older software writes it: encoded-words in a parameter, ISO 8859-15."""
    mail = MIMEMultipart()
    mail["From"], mail["To"], mail["Reply-To"] = SENDER, ", ".join(PEOPLE), "office@agency.example"
    mail["Subject"] = Header("Gebühr: 10 €", "iso-8859-15")
    mail["Message-ID"] = "<older-1@agency.example>"
    mail.attach(MIMEText("see the file", _charset="us-ascii"))
    part = MIMEApplication(b"MZ" + bytes(200), "x-msdownload")
    part.add_header("Content-Disposition", 'attachment; filename="=?utf-8?Q?Geb=C3=BChr=2Eexe?="')
    mail.attach(part)
    return mail


def main() -> None:
    """Send both, and one that the server refuses."""
    with smtplib.SMTP(sys.argv[1], local_hostname="ann.agency.example", timeout=10) as server:
        server.ehlo()
        server.send_message(minutes(), SENDER, PEOPLE)
        server.sendmail(SENDER, [*PEOPLE, "nora@agency.example"], older().as_bytes())


if __name__ == "__main__":
    main()
