"""The digest of a period as a mail in a file: text, HTML with its pictures, and headers. It is never sent from here."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import textwrap
from collections.abc import Iterator, Sequence
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup, escape

import bpo_analysis
from bpo_analysis.errors import ParameterError
from bpo_analysis.page.palette import PALETTE
from bpo_analysis.reports.digest import Digest, DigestKpi, plain
from bpo_analysis.reports.digest_pictures import SPARK_SIZE

__all__ = ["check_link_base", "digest_mail", "parse_address"]

_DOMAIN: Final = "bpo-analysis.invalid"
"""Of identifiers; a name that by its ending belongs to nobody."""
_WIDTH: Final = 76
_LONGEST_SUBJECT: Final = 200
_MOST_BYTES: Final = 95_000
"""Of HTML: mail programs cut what is longer than 100 kB."""
_IN_FULL: Final = (12, 8, 5, 3)
"""Partners that are shown with verdict and KPIs, those with most targets missed first: as many as there is room for."""
_LISTED: Final = 100
_SCHEMES: Final = ("http", "https", "file")
# Between the light and the dark tone of the role: mail readers that turn colours around leave these readable.
_TONES: Final = {"good": "#1f74c4", "bad": "#c4511a", "none": "#6e7683"}


def digest_mail(
    digest: Digest, *, to: Sequence[str], sender: str = "", subject: str = "", date: dt.datetime | None = None
) -> bytes:
    """Return the mail as the bytes of an ``.eml`` file.

    Parameters
    ----------
    digest : Digest
        What it says.
    to : sequence of str
        Addresses, each as ``name@example.org`` or ``Name <name@example.org>``.
    sender : str, default ""
        The same for the sender; empty leaves it to the program that sends.
    subject : str, default ""
        Instead of client, period, and the summary in a few words.
    date : datetime, optional
        Without it there is no ``Date``: the program that sends knows when it does, and the same reports give the same
        file.

    Returns
    -------
    bytes
        Headers, a text part, and an HTML part with its pictures by content id. ``X-Unsent`` lets mail programs open it
        as a draft. The ``Message-ID`` is made from the content, so that the same mail is known as the same.

    Raises
    ------
    ParameterError
        If an address is none.
    """
    parts = (_parts(digest, in_full=number) for number in _IN_FULL)
    text, html, pictures = next((found for found in parts if len(found[1].encode()) <= _MOST_BYTES), None) or _parts(
        digest, in_full=0
    )
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = _subject(subject or ": ".join(filter(None, [f"{digest.title}, {digest.period}", digest.brief])))
    if sender:
        mail["From"] = parse_address(sender, "--from")
    mail["To"] = [parse_address(one, "--to") for one in to]
    if date is not None:
        mail["Date"] = format_datetime(date)
    mail["X-Unsent"] = "1"
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    body = list(mail.iter_parts())[-1]
    for name, content in pictures.items():
        body.add_related(content, "image", "png", cid=f"<{name}>", disposition="inline", filename=f"{name[:16]}.png")
    mark = _digest(str(mail["Subject"]), str(mail["From"]), str(mail["To"]), str(mail["Date"]), text, html)
    mail["Message-ID"] = f"<{mark}@{_DOMAIN}>"
    for number, part in enumerate(each for each in mail.walk() if each.is_multipart()):
        part.set_boundary(f"={number}={mark}=")  # by default it is drawn by lot
    return mail.as_bytes()


def _parts(digest: Digest, *, in_full: int) -> tuple[str, str, dict[str, bytes]]:
    """Text, HTML, and its pictures by content id, with the verdict and KPIs of so many partners."""
    pictures: dict[str, bytes] = {}

    def picture(kpi: DigestKpi) -> Markup:
        if not kpi.spark:
            return Markup("")
        name = f"{hashlib.blake2b(kpi.spark, digest_size=8).hexdigest()}@{_DOMAIN}"
        pictures[name] = kpi.spark
        return Markup('<img src="cid:{}" width="{}" height="{}" alt="{}" style="{}">').format(
            name, *SPARK_SIZE, kpi.spark_words, "display:block;border:0"
        )

    told = {
        "digest": digest,
        "listed": digest.partners[:_LISTED],
        "in_full": digest.partners[:in_full],
        "version": bpo_analysis.__version__,
    }
    text = _wrapped(_template("digest.txt.j2").render(told))
    html = _template("digest.html.j2").render(told, picture=picture, tones=_TONES, palette=PALETTE)
    return text, html, pictures


def parse_address(text: str, option: str) -> Address:
    """Return a mail address, or raise with what is wrong.

    Parameters
    ----------
    text : str
        ``name@example.org`` or ``Name <name@example.org>``.
    option : str
        Where it was given, for the message.

    Returns
    -------
    Address

    Raises
    ------
    ParameterError
        If it is no address, several, or one that cannot stand in a header.
    """
    told = f"{option} {text!r} is not one mail address. Write name@example.org or 'Name <name@example.org>'."
    if plain(text) != text.strip():
        raise ParameterError(told)
    name, bracket, rest = text.strip().rpartition("<")
    written = rest.removesuffix(">") if bracket else text.strip()
    if bool(bracket) != text.strip().endswith(">"):
        raise ParameterError(told)
    try:
        address = Address(display_name=name.strip().strip('"'), addr_spec=written)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise ParameterError(told) from error
    if not (address.username and address.domain) or any(char in ' ,;<>"()[]' for char in written):
        raise ParameterError(told)
    if not written.isascii():
        raise ParameterError(f"{option} {text!r}: the address itself must be ASCII (a domain as xn--...).")
    return address


def check_link_base(text: str) -> str:
    """Return the address below which readers reach the reports, or raise if links cannot begin with it.

    Raises
    ------
    ParameterError
        If it is not an absolute address of the web or of a file share.
    """
    parts = urlsplit(text)
    if parts.scheme not in _SCHEMES or not (parts.netloc or parts.path) or plain(text).split() != [text]:
        raise ParameterError(
            f"--link-base {text!r} is no address that a link in a mail can begin with. Write https://host/folder, or "
            "file://server/share/folder."
        )
    if parts.query or parts.fragment:
        raise ParameterError(f"--link-base {text!r} ends in a query or a fragment; a path has to follow it.")
    return text


@functools.cache
def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    is_html = name.endswith(".html.j2")
    environment = jinja2.Environment(loader=loader, autoescape=is_html, trim_blocks=True, lstrip_blocks=True)
    environment.filters["plain"] = plain
    environment.filters["isolated"] = _isolated
    return environment.get_template(name)


def _isolated(text: Any) -> Markup:
    """A text from data: on one line, escaped, and in a direction of its own."""
    return Markup("<bdi>{}</bdi>").format(escape(plain(text)))


def _subject(text: str) -> str:
    kept = plain(text)
    return kept if len(kept) <= _LONGEST_SUBJECT else f"{kept[: _LONGEST_SUBJECT - 1].rstrip()}…"


def _wrapped(text: str) -> str:
    """Lines that a mail reader without HTML shows whole; the indent of a line is kept in what follows it."""

    def lines() -> Iterator[str]:
        for line in text.splitlines():
            indent = " " * (len(line) - len(line.lstrip()))
            yield from textwrap.wrap(
                line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            ) or [""]

    return "\n".join(lines()).strip() + "\n"


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
