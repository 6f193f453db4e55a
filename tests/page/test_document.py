import base64
import hashlib
import re

from markupsafe import Markup

from bpo_analysis.page import document
from bpo_analysis.page.blocks import section
from bpo_analysis.page.palette import PALETTE


def _properties(css):
    return dict(re.findall(r"--([a-z-]+):(#[0-9a-f]+)", css))


def test_the_style_sheet_and_the_palette_hold_the_same_colours():
    light, dark = document.style().split("@media (prefers-color-scheme:dark)")[:2]
    dark = dark[: dark.index("}}")]
    assert {name: role.light for name, role in PALETTE.items()}.items() <= _properties(light).items()
    assert {name: role.dark for name, role in PALETTE.items()}.items() <= _properties(dark).items()


def test_style_and_script_are_small_and_ask_for_nothing():
    for kind in ("report", "index"):
        both = document.style(kind) + document.script(kind)
        assert len(both.encode()) < 40_000
        assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp", both)


def test_a_script_keeps_its_strings_and_expressions_and_loses_its_spaces(monkeypatch):
    written = (
        'const a = (b) => b + 1; // said\n// said\nif (/^[+-]? ?\\/x$/.test(b)) {\n  c("one  = two", [/, +/g]);\n}'
    )
    monkeypatch.setattr(document, "_file", lambda name: written)
    document.script.cache_clear()
    try:
        assert document.script("index").split("}const")[0] == (
            'const a=(b)=>b + 1;if(/^[+-]? ?\\/x$/.test(b)){c("one  = two",[/, +/g]);'
        )
    finally:
        document.script.cache_clear()


def test_the_policy_allows_this_script_and_no_other():
    digest = base64.b64encode(hashlib.sha256(document.script().encode()).digest()).decode()
    head = document.head("</title><script>")
    assert f"script-src &#39;sha256-{digest}&#39;" in head
    assert "default-src &#39;none&#39;" in head
    assert "<script>" not in head
    assert f"<script>{document.script()}</script>" == document.foot()


def test_contents_follow_the_sections():
    body = Markup("").join(section(f"s{i}", f"Part <{i}>", "x") for i in range(3))
    nav = document.navigation(body, index="../index.html")
    assert '<a href="#s2">Part &lt;2&gt;</a>' in nav
    assert '<a href="../index.html">' in nav
    assert document.navigation(section("a", "A", "x")) == document.PERIODS_SLOT
