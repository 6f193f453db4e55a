"""What is said of a file that is not TOML."""

import tomllib

import pytest

from bpo_analysis.data.toml import not_toml


def said_of(text):
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    return not_toml(text, caught.value)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("start = soon", 'Text needs quotes: start = "soon". Dates (2026-07-06) and numbers (0.95) have none.'),
        ("title = Suggested replies", 'Text needs quotes: title = "Suggested replies".'),
        ("title = true story", 'Text needs quotes: title = "true story".'),
        ("title = Überlauf", 'Text needs quotes: title = "Überlauf".'),
        ("channel = [chat, email]", 'Every text of a list needs quotes: channel = ["...", "..."].'),
        ("start = 6.7.2026", "A date is written 2026-07-06, a number 0.95, and text needs quotes ("),
    ],
)
def test_the_line_and_the_remedy(line, remedy):
    found = said_of(f"[pilot]\n{line}\n")
    assert found.startswith(f"is not valid TOML, line 2: {line!r}. ")
    assert remedy in found


def test_other_mistakes_keep_the_words_of_the_parser():
    assert said_of("[pilot\n").startswith("is not valid TOML, line 1: '[pilot'. Expected ']'")
    assert "needs quotes" not in said_of('title = "open\n')


def test_an_end_that_comes_too_soon():
    assert said_of('a = """never closed').startswith("is not valid TOML")
