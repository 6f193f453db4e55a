import pytest
from markupsafe import Markup

from bpo_analysis.page.blocks import details, note, section, unavailable

BAD = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "made",
    [
        section("a", BAD, BAD, question=BAD),
        unavailable(BAD, "a", BAD),
        note(BAD, "warning"),
        details(BAD, BAD),
    ],
)
def test_text_is_escaped(made):
    assert isinstance(made, Markup)
    assert "<img" not in made
    assert "&lt;img" in made


def test_a_section_can_be_linked_to_and_names_itself():
    page = section("drivers", "Drivers", Markup("<p>x</p>"), question="Why?")
    assert '<section id="drivers" aria-labelledby="drivers-h"><h2 id="drivers-h">Drivers' in page
    assert 'href="#drivers"' in page
    assert '<p class="question">Why?</p><p>x</p>' in page


def test_a_missing_section_says_why_in_one_line():
    page = unavailable("Pilots", "pilots", "the dataset has no table 'pilots'.")
    assert Markup(page).striptags() == "Pilots Not shown: the dataset has no table 'pilots'."


def test_a_caution_says_so_in_a_word():
    assert "<strong>Caution:</strong>" in note("x", "warning")
    assert "strong" not in note("x", "info")
    with pytest.raises(ValueError, match="tone must be one of"):
        note("x", "red")


@pytest.mark.parametrize("id", ["", "1a", "a b", 'a"', "ü<"])
def test_an_id_that_cannot_be_linked_is_refused(id):
    with pytest.raises(ValueError, match="An id is a letter"):
        section(id, "t", "b")
