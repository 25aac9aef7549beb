"""Sending a notice to the receivers that the settings name.

Belongs here: HTTP and SMTP. Does not belong here: what is told (`notice.py`). A receiver that
cannot be reached fails no run: what went wrong comes back as text, without addresses, which may
hold tokens and passwords.
"""

import json
import smtplib
import ssl
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from http.client import HTTPException
from urllib.parse import unquote, urlsplit

from persona_assets.notification.notice import Notice
from persona_assets.operation import SMTP, URL, Operation

TIMEOUT = 10
"""Seconds that each receiver may take to answer."""
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def send(notice: Notice, operation: Operation) -> list[str]:
    """Send `notice` to every receiver; the troubles, each as a sentence that names its setting."""
    troubles = []
    if operation.notify_url:
        troubles.append(_tried(URL, lambda: _post(notice, operation.notify_url)))
    if operation.notify_email:
        troubles.append(
            _tried(SMTP, lambda: _mail(notice, operation.notify_email, operation.smtp_url))
        )
    return [trouble for trouble in troubles if trouble]


def _tried(setting: str, sending: Callable[[], None]) -> str:
    try:
        sending()
    except (OSError, HTTPException, smtplib.SMTPException, ValueError) as error:
        # Not its text: it may quote the address.
        code = getattr(error, "code", None) or getattr(error, "smtp_code", None)
        what = f"{type(error).__name__}{f' {code}' if code else ''}"
        return f"nobody could be told at {setting}: {what}; correct it or see to the receiver"
    return ""


def _post(notice: Notice, url: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - the settings allow http and https alone
        url,
        data=json.dumps(notice.document()).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "persona_assets"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
        pass


def _mail(notice: Notice, receiver: str, url: str) -> None:
    server = urlsplit(url)
    host, user = server.hostname or "", unquote(server.username or "")
    message = EmailMessage()
    message["Subject"] = notice.subject
    message["From"] = user if "@" in user else receiver.partition(",")[0].strip()
    message["To"] = receiver
    message["Date"] = formatdate(notice.at.timestamp())
    message["Message-ID"] = make_msgid(domain="persona.invalid")
    message.set_content(notice.text())
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            host, server.port or 465, timeout=TIMEOUT, context=context
        )
    else:
        connection = smtplib.SMTP(host, server.port or 25, timeout=TIMEOUT)
    with connection:
        connection.ehlo()
        encrypted = server.scheme == "smtps"
        if not encrypted and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
            encrypted = True
        if user:
            if not encrypted and host not in _LOCAL:
                raise smtplib.SMTPNotSupportedError  # a password is never sent in the clear
            connection.login(user, unquote(server.password or ""))
        connection.send_message(message)
