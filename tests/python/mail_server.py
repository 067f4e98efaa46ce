"""An SMTP server for tests: takes mail and prints each message as one line of JSON, its calendar file read by a reader
that is not ours. Usage: mail_server.py PORT [CERTIFICATE]

With a certificate (key and chain in one PEM file) it offers STARTTLS and takes no mail without.

An address that begins with `refused` is refused for good (550), one that begins with `busy` for now (451).
"""

import email
import email.policy
import json
import ssl
import sys
import time

import icalendar
from aiosmtpd.controller import Controller


def entry(part):
    """What the calendar file says, with instants in UTC."""
    calendar = icalendar.Calendar.from_ical(part.get_content())
    [event] = [found for found in calendar.walk("VEVENT")]
    return {
        "content_method": part.get_param("method"),
        "method": str(calendar["METHOD"]),
        "uid": str(event["UID"]),
        "sequence": int(event["SEQUENCE"]),
        "status": str(event["STATUS"]),
        "start": event["DTSTART"].dt.timestamp(),
        "end": event["DTEND"].dt.timestamp(),
        "raw": part.get_content(),
    }


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 <" + address + "> nobody of this name"
        if address.startswith("busy"):
            return "451 4.7.1 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        said = {"recipients": envelope.rcpt_tos, "calendar": None, "text": "", "encrypted": session.ssl is not None}
        for header in ["Message-ID", "From", "Reply-To", "To", "Subject", "Auto-Submitted", "Date"]:
            said[header.lower()] = str(message[header]) if message[header] else None
        for part in message.walk():
            if part.get_content_type() == "text/plain":
                said["text"] = part.get_content()
            if part.get_content_type() == "text/calendar":
                said["calendar"] = entry(part)
        print(json.dumps(said), flush=True)
        return "250 taken"


encryption = {}
if len(sys.argv) > 2:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[2])
    encryption = {"tls_context": context, "require_starttls": True}
controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]), **encryption)
controller.start()
print(json.dumps({"ready": True}), flush=True)
# Whoever started it holds the other end of this pipe.
sys.stdin.read()
controller.stop()
time.sleep(0)
