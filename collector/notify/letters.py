"""A notice as a mail: one text in plain letters and in HTML, in the reader's language, the same at every try."""

import json
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from html import escape
from typing import Final

from collector.domain.notice_rules import Topic
from collector.notify import stop_link, words
from collector.notify.stop_link import Stop
from collector.notify.tongue import Tongue
from collector.notify.words import Part
from collector.store.queries.notices.outbox import Notice

_WHOLE: Final = frozenset({"list-unsubscribe", "message-id"})


class _Policy(policy.EmailPolicy):
    """How headers are written: those that programs read stay whole, however long they are.

    The library would write a long address as encoded words, which are for people's texts (RFC 2047 section 5): no mail
    program finds the address in them. One line may have 998 letters.
    """

    def fold(self, name: str, value: str) -> str:
        """Return a header as a line or several."""
        return f"{name}: {value}{self.linesep}" if name.lower() in _WHOLE else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return a header as it goes over the line."""
        return self.fold(name, value).encode("ascii") if name.lower() in _WHOLE else super().fold_binary(name, value)


_PLAIN_LETTERS: Final = _Policy(linesep="\r\n", cte_type="7bit", max_line_length=76)  # every server takes it
_STYLE: Final = "font-family:sans-serif;line-height:1.45;color:#1b1f24"


@dataclass(frozen=True)
class Sender:
    """Who writes."""

    from_address: str
    deployment: str  # its name
    base: str  # beginning of the addresses of pages
    secret: str  # signs the addresses that end messages


def mail(notice: Notice, to: str, user_id: str, sender: Sender) -> EmailMessage:
    """Return the message; `notice` alone decides its Message-ID, date and words.

    Args:
        notice: What is told.
        to: The mailbox.
        user_id: Whose it is, for the address that ends such messages.
        sender: Who writes.
    """
    tongue = Tongue(notice.language)
    subject, parts = words.letter(notice.topic, json.loads(notice.payload), tongue, notice.zone, sender)
    stop = f"{sender.base}{stop_link.PATH}{stop_link.sign(sender.secret, Stop(notice.topic, user_id))}"
    name, mailbox = parseaddr(sender.from_address)
    local, _, domain = mailbox.rpartition("@")
    message = EmailMessage(_PLAIN_LETTERS)
    message["Subject"] = _one_line(f"{subject}")
    message["From"] = Address(_one_line(name or sender.deployment), local, domain)
    message["To"] = to
    message["Date"] = formatdate(notice.made_ms / 1000)
    message["Message-ID"] = f"<{notice.notice_id}@{domain}>"
    message["List-Unsubscribe"] = f"<{stop}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    foot = _foot(notice.topic, sender, tongue, stop)
    message.set_content(plain([*parts, *foot]))
    message.add_alternative(html([*parts, *foot], subject, tongue.code), subtype="html")
    message["Content-Language"] = tongue.code  # a new content would take it away
    return message


def _foot(topic: str, sender: Sender, tongue: Tongue, stop: str) -> list[Part]:
    said = tongue.say("This message is from %(name)s.", name=sender.deployment)
    choose = Part(tongue.say("Choose what you are told, and when"), href=f"{sender.base}/notices")
    if topic == Topic.TEST:
        return [Part(said, is_small=True), choose]
    return [Part(said, is_small=True), choose, Part(tongue.say("Send me no more of these"), href=stop)]


def _one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def plain(parts: list[Part]) -> str:
    """Return the parts as text."""
    lines: list[str] = []
    for part in parts:
        if part.is_heading:
            lines += ["", part.text, "-" * min(len(part.text), 60)]
        elif part.is_item:
            lines.append(f"* {part.text}" + (f"\n  {part.href}" if part.href else ""))
        else:
            lines += ["", part.text] + ([part.href] if part.href else [])
    return "\n".join(lines).strip() + "\n"


def html(parts: list[Part], title: str, language: str) -> str:
    """Return the parts as a page without anything that is fetched."""
    body: list[str] = []
    is_in_list = False
    for part in parts:
        if part.is_item != is_in_list:
            body.append("<ul>" if part.is_item else "</ul>")
            is_in_list = part.is_item
        body.append(_element(part))
    body += ["</ul>"] * is_in_list
    head = f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    return f'{head}<body style="{_STYLE}">\n' + "\n".join(body) + "\n</body></html>\n"


def _element(part: Part) -> str:
    text = escape(part.text)
    if part.href:
        text = f'<a href="{escape(part.href)}">{text}</a>'
    if part.is_heading:
        return f"<h2>{text}</h2>"
    if part.is_item:
        return f"<li>{text}</li>"
    return f"<p><small>{text}</small></p>" if part.is_small else f"<p>{text}</p>"
