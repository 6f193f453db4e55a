import base64
import hashlib
import re

import pytest
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


def _luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a, b):
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("role", ["ink", "muted", "improvement", "concern", "neutral", "target"])
def test_text_colours_have_aa_contrast(role, shade):
    # WCAG 2.2, 1.4.3: 4.5 to 1 for text of ordinary size.
    for ground in ("paper", "raised"):
        assert _contrast(getattr(PALETTE[role], shade), getattr(PALETTE[ground], shade)) >= 4.5


def test_marks_have_aa_contrast_on_their_tint():
    tints = _properties(document.style().split("@media (prefers-color-scheme:dark)")[0])
    assert _contrast(PALETTE["improvement"].light, tints["good-tint"]) >= 4.5
    assert _contrast(PALETTE["concern"].light, tints["bad-tint"]) >= 4.5


def test_style_and_script_are_small_and_ask_for_nothing():
    assert len(document.style().encode()) + len(document.script().encode()) < 20_000
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp", document.style() + document.script())


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
    assert document.navigation(section("a", "A", "x")) == ""
