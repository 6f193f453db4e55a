"""The palette for every eye: contrast in light and dark, and the common colour deficiencies."""

import re
from itertools import combinations

import numpy as np
import pytest

from bpo_analysis.page import contract_mark, document, evidence_mark
from bpo_analysis.page.marks import CONTRACT_STATES, EVIDENCE_STATES
from bpo_analysis.page.palette import PALETTE

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB.
SEEN_BY = {
    "all colours": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
# Roles that mean opposite or different things and may stand side by side as plain areas or lines of one shape.
APART = [("improvement", "concern"), ("concern", "baseline"), ("pilot", "concern")]


def linear(colour):
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    ratio = TO_XYZ @ np.clip(rgb, 0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(a, b):
    high, low = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (a, b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def tints(shade):
    light, dark = document.style().split("@media (prefers-color-scheme:dark)")[:2]
    return dict(
        re.findall(r"--((?:good|bad)-tint):(#[0-9a-f]{6})", light if shade == "light" else dark[: dark.index("}}")])
    )


def test_the_measures_give_the_known_answers():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("role", ["ink", "muted", "improvement", "concern", "neutral", "target", "baseline", "pilot"])
def test_text_has_aa_contrast_on_every_ground(role, shade):
    # WCAG 2.2, 1.4.3: 4.5 to 1.
    for ground in ("paper", "raised"):
        assert contrast(getattr(PALETTE[role], shade), getattr(PALETTE[ground], shade)) >= 4.5


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_marks_have_aa_contrast_on_their_tints(shade):
    assert contrast(getattr(PALETTE["improvement"], shade), tints(shade)["good-tint"]) >= 4.5
    assert contrast(getattr(PALETTE["concern"], shade), tints(shade)["bad-tint"]) >= 4.5


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_lines_of_figures_and_edges_of_fields_stand_out(shade):
    # WCAG 2.2, 1.4.11: 3 to 1 for what must be seen to understand a picture or a control.
    assert contrast(getattr(PALETTE["limits"], shade), getattr(PALETTE["paper"], shade)) >= 3


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("eye", SEEN_BY)
@pytest.mark.parametrize("roles", APART)
def test_roles_stay_apart_for_every_eye(roles, eye, shade):
    # 2.3 is just noticeable (CIE 1976); ten times that is a difference nobody has to look for.
    one, other = (lab(np.array(SEEN_BY[eye]) @ linear(getattr(PALETTE[role], shade))) for role in roles)
    assert np.linalg.norm(one - other) >= 23


@pytest.mark.parametrize(("states", "mark"), [(CONTRACT_STATES, contract_mark), (EVIDENCE_STATES, evidence_mark)])
def test_no_two_states_share_word_or_shape(states, mark):
    made = [mark(state, good=None) if mark is evidence_mark else mark(state) for state in states]
    shapes = [re.search(r"<b[^>]*>(.)</b>", one)[1] for one in made]
    assert all(a != b for a, b in combinations(shapes, 2))
    assert [one.split("</b> ")[1].removesuffix("</span>") for one in made] == list(states)
