"""The mail about a period: what it says, what it never does, and that it is the same for the same reports."""

from __future__ import annotations

import datetime as dt
import email
import io
import json
import math
import re
import socket
from email.policy import default
from html.parser import HTMLParser

import pytest
from PIL import Image

from bpo_analysis.cli import main
from bpo_analysis.errors import ParameterError, ReportError, UnknownNameError
from bpo_analysis.reports.digest import period_digest, plain
from bpo_analysis.reports.digest_mail import check_link_base, digest_mail, parse_address
from bpo_analysis.reports.digest_pictures import spark_png

BASE = "https://reports.example.org/bpo"
HOSTILE = "<img src=x onerror=alert(1)>\"'&amp; =1+1 \u202egnp.exe \U0001f98a"


def kpi(contract="missed", **more):
    return {
        "kpi": "sl", "label": "Service level", "actual": 0.687, "actual_text": "68.7 %", "good": False,
        "interval_text": "64.3 to 72.7 %", "target": 0.8, "target_text": "≥ 80.0 %", "contract": contract,
        "evidence": "clearly below", "change_text": "−1.9 pp", "change_word": "not clear",
        "spark": [0.8, None, 0.7, 0.687],
    } | more  # fmt: skip


def ask(text="Set a date.", due="by 2026-04-30", due_on="2026-04-30"):
    return {"text": text, "owner": "client", "due": due, "due_on": due_on, "anchor": "actions"}


@pytest.fixture
def write(tmp_path):
    """Write the record of a partner's report: ``write("acme", verdict="...", kpis=[...], asks=[...])``."""

    def record(slug, *, period="2026-03", status="ok", name=None, title="Client", error="", clauses=None, **headline):
        folder = tmp_path / "out" / period / slug
        folder.mkdir(parents=True, exist_ok=True)
        counts = {"met": 7, "missed": 2, "not measurable": 0, "clearly_missed": 1} if clauses is None else clauses
        told = {"partner": name or slug.title(), "verdict": "", "clauses": counts, "kpis": [], "asks": []} | headline
        content = {"status": status, "template": "review", "slug": slug, "headline": told if status == "ok" else {}}
        content |= {"data": {"title": title}, "partner": name or slug.title(), "error": error, "outputs": {}}
        (folder / "review.run.json").write_text(json.dumps(content), encoding="utf-8")
        return tmp_path / "out"

    return record


def read(mail: bytes):
    return email.message_from_bytes(mail, policy=default)


def mail_of(out, **options):
    return digest_mail(period_digest(out, "2026-03", link_base=options.pop("link_base", "")), to=["a@x"], **options)


def parts(mail: bytes):
    message = read(mail)
    return message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_it_says_verdict_marks_decisions_failures_and_links(write):
    write("acme", verdict="Acme missed 2 of 9 targets.", kpis=[kpi()], asks=[ask("Renew the contract?")])
    write("bolt", verdict="Bolt met all.", clauses={"met": 9}, kpis=[kpi("met", evidence="cannot tell")])
    out = write("cole", status="failed", error="division by zero")
    mail = mail_of(out, link_base=BASE)
    subject = read(mail)["Subject"].strip()  # a folded header begins on its second line
    assert subject == "Client, March 2026: 1 of 3 partners missed a target, 1 decision asked for"
    text, html = parts(mail)
    for said in (
        "3 partners: 1 met every target that could be judged, 1 missed at least one",
        "✕ 2 of 9 missed, 1 beyond doubt", "Acme missed 2 of 9 targets.", "Renew the contract?", "by 2026-04-30",
        "✕ missed", "▼ clearly below", "✓ met", "≈ cannot tell", "64.3 to 72.7 %", "−1.9 pp not clear",
        "division by zero", f"{BASE}/2026-03/acme/review.html", f"{BASE}/2026-03/index.html",
    ):  # fmt: skip
        assert said in " ".join(text.split()), said
        assert said in " ".join("".join(Tags(html).text).split()) or said in html, said
    assert f'href="{BASE}/2026-03/acme/review.html#actions"' in html


def test_without_an_address_files_are_named_and_nothing_is_a_link(write):
    text, html = parts(mail_of(write("acme", kpis=[kpi()], asks=[ask()])))
    assert "<a " not in html
    assert "2026-03/acme/review.html" in html
    assert "2026-03/index.html" in text


def test_the_parts_are_where_mail_readers_look_for_them(write):
    message = read(mail_of(write("acme", kpis=[kpi(), kpi(spark=[1, 2, 3])])))
    assert message.get_content_type() == "multipart/alternative"
    plain_part, related = message.iter_parts()
    assert plain_part.get_content_type() == "text/plain"
    assert related.get_content_type() == "multipart/related"
    html, *pictures = related.iter_parts()
    asked = re.findall(r'src="cid:([^"]+)"', html.get_content())
    assert sorted(asked) == sorted(one["Content-ID"].strip("<>") for one in pictures)
    assert len(asked) == 2
    for one in pictures:
        assert one.get_content_disposition() == "inline"
        assert Image.open(io.BytesIO(one.get_content())).size == (192, 48)


def test_the_html_runs_nothing_and_asks_for_nothing(write):
    _, html = parts(mail_of(write("acme", verdict=HOSTILE, kpis=[kpi()], asks=[ask()]), link_base=BASE))
    tags = Tags(html).found
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "object", "form", "svg", "base", "input"}
    assert all(attributes["src"].startswith("cid:") for tag, attributes in tags if tag == "img")
    assert not re.search(r"url\(|@import|\son\w+=", re.sub(r"&lt;.*?&gt;", "", html))
    assert all(attributes.get("alt") for tag, attributes in tags if tag == "img")


def test_hostile_texts_are_text(write):
    title = f"Client\r\nBcc: all@x {HOSTILE}"
    out = write("acme", name=HOSTILE, verdict=HOSTILE, title=title, kpis=[kpi(label=HOSTILE)], asks=[ask(HOSTILE)])
    write("cole", status="failed", name=HOSTILE, error=f"boom\n{HOSTILE}")
    mail = mail_of(out)
    text, html = parts(mail)
    message = read(mail)
    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]
    assert message["Subject"].startswith("Client Bcc: all@x <img src=x")
    assert "<img src=x" not in html
    assert "<img src=x onerror=alert(1)>" in "".join(Tags(html).text)
    assert "\u202e" not in text + html + message["Subject"]


def test_the_same_reports_give_the_same_bytes_and_no_date(write):
    out = write("acme", kpis=[kpi()])
    first = mail_of(out)
    assert first == mail_of(out)
    message = read(first)
    assert message["Date"] is None
    assert message["X-Unsent"] == "1"
    assert re.fullmatch(r"<[0-9a-f]{32}@bpo-analysis\.invalid>", message["Message-ID"])
    assert read(mail_of(out, subject="Another"))["Message-ID"] != message["Message-ID"]


def test_headers_hold_what_is_asked_in_ascii(write):
    out = write("acme")
    when = dt.datetime(2026, 4, 2, 9, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    mail = digest_mail(
        period_digest(out, "2026-03"),
        to=["Börje Ek <b@x.org>", "c@x.org"],
        sender="Анна <a@x.org>",
        subject="März",
        date=when,
    )
    mail.split(b"\r\n\r\n", 1)[0].decode("ascii")
    message = read(mail)
    assert message["To"] == "Börje Ek <b@x.org>, c@x.org"
    assert message["From"] == "Анна <a@x.org>"
    assert message["Subject"] == "März"
    assert message["Date"] == "Thu, 02 Apr 2026 09:00:00 +0100"


@pytest.mark.parametrize(
    "text", ["", "x", "a@", "@x", "a b@x", "a@x, b@x", "a@x\r\nBcc: b@x", "<a@x", "a@x>", "A <a@x> B", "a@b@c", "A <>"]
)
def test_what_is_no_address_is_told(text):
    with pytest.raises(ParameterError, match=r"^--to .* is not one mail address\. Write name@example\.org"):
        parse_address(text, "--to")


def test_an_address_in_other_letters_says_what_to_write():
    with pytest.raises(ParameterError, match=r"must be ASCII \(a domain as xn--"):
        parse_address("a@münchen.example", "--to")


@pytest.mark.parametrize(
    "text", ["reports", "javascript:alert(1)", "https://x/a b", "https://x/?a=1", "https:", "\\\\x\\y"]
)
def test_links_begin_with_an_address_of_the_web_or_a_share(text):
    with pytest.raises(ParameterError, match=r"--link-base"):
        check_link_base(text)


def test_a_mail_about_a_hundred_partners_is_not_cut(write):
    for number in range(100):
        name = f"Partner {number:03} {'Ω' * 20}"
        asks = [ask(f"Decide {number} {what} {'w' * 150}") for what in "abcd"]
        out = write(f"p{number:03}", name=name, verdict="v" * 300, kpis=[kpi() for _ in range(5)], asks=asks)
    text, html = parts(mail_of(out, link_base=BASE))
    assert len(html.encode()) < 100_000
    assert len(text.encode()) < 100_000
    assert all(f"Partner {number:03}" in html for number in range(100))
    assert "385 more" in html


def test_decisions_asked_of_all_in_the_same_words_are_named_once(write):
    for slug in ("acme", "bolt", "cole"):
        own = [ask("Renew?", "by 2026-04-02", "2026-04-02")] if slug == "cole" else []
        out = write(slug, asks=[ask("Share the calendar."), *own])
    found = period_digest(out, "2026-03").decisions
    named = [(one.partners, one.text) for one in found]
    assert named == [("Cole", "Renew?"), ("All 3 partners", "Share the calendar.")]


def test_a_period_without_reports_is_told(write, tmp_path):
    with pytest.raises(UnknownNameError, match=r"Unknown period '2026-04'.*Known: '2026-03'"):
        period_digest(write("acme"), "2026-04")
    with pytest.raises(ReportError, match="There are no reports below"):
        period_digest(tmp_path / "nothing", "2026-03")


def test_a_spark_is_small_the_same_each_time_and_shows_gaps():
    made = spark_png([1.0, None, 2.0, 3.0], target=2.5)
    assert made == spark_png([1.0, None, 2.0, 3.0], target=2.5)
    assert made != spark_png([1.0, 1.5, 2.0, 3.0], target=2.5)
    assert len(made) < 2_000
    assert spark_png([1.0, None]) == spark_png([]) == spark_png([math.nan, "x", True, 2]) == b""
    assert Image.open(io.BytesIO(spark_png([2, 2, 2]))).getpixel((0, 0))[3] == 0  # the ground is clear


def test_plain_is_one_line_without_direction_marks():
    assert plain("a\r\n\tb\u202ec\u2066d\x00\u2028e") == "a bcd e"
    assert plain("👩\u200d🔧") == "👩\u200d🔧"


def test_the_command_writes_a_file_and_sends_nothing(write, tmp_path, capsys, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    out = write("acme", kpis=[kpi()])
    arguments = ["digest", str(out), "--period", "2026-03", "--to", "a@x", "--to", "B <b@y>"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{out / '2026-03' / 'digest.eml'}\n"
    assert read((out / "2026-03" / "digest.eml").read_bytes())["To"] == "a@x, B <b@y>"
    target = tmp_path / "mail.eml"
    assert main([*arguments, "--file", str(target), "--date", "2026-04-02T09:00+00:00", "--link-base", BASE]) == 0
    assert read(target.read_bytes())["Date"] == "Thu, 02 Apr 2026 09:00:00 +0000"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--to", "nobody"], "--to 'nobody' is not one mail address"),
        (["--to", "a@x", "--from", "a"], "--from 'a' is not one mail address"),
        (["--to", "a@x", "--date", "tomorrow"], "no time with its zone"),
        (["--to", "a@x", "--date", "2026-04-02"], "no time with its zone"),
        (["--to", "a@x", "--link-base", "www"], "--link-base 'www'"),
        (["--to", "a@x", "--file", "/no/such/folder/x.eml"], "there is no folder"),
        ([], "Missing option '--to'"),
    ],
)
def test_wrong_use_is_told_and_writes_nothing(write, capsys, more, told):
    out = write("acme")
    assert main(["digest", str(out), "--period", "2026-03", *more]) == 2
    assert told in capsys.readouterr().err
    assert not list(out.rglob("*.eml"))
