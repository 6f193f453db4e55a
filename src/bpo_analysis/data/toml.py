"""What is wrong with a file that is not TOML, in words for people who do not write it every day."""

from __future__ import annotations

import re
import tomllib

__all__ = ["not_toml"]

_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_BARE = re.compile(r"""\s*([\w."'-]+)\s*=\s*(\[?)\s*([^\W\d].*?)\s*""")
"""A key, and what begins with a letter: text without quotes, alone or in a list."""
_STARTS_WITH_DIGIT = re.compile(r"""\s*[\w."'-]+\s*=\s*\[?\s*\d.*""")
_UNQUOTED = "Dates (2026-07-06) and numbers (0.95) have none."


def not_toml(text: str, error: tomllib.TOMLDecodeError) -> str:
    r"""Say what is wrong with a text that is not TOML, and where; begins where the sentence has named the file.

    Examples
    --------
    >>> text = "[pilot]\ntitle = Suggested replies\n"
    >>> try:
    ...     _ = tomllib.loads(text)
    ... except tomllib.TOMLDecodeError as error:
    ...     print(not_toml(text, error))
    is not valid TOML, line 2: 'title = Suggested replies'. Text needs quotes: title = "Suggested replies". Dates (2026-07-06) and numbers (0.95) have none.
    """  # noqa: E501
    where = _LINE.search(str(error))
    if where is None:
        return f"is not valid TOML: {error}."
    line = text.splitlines()[int(where[1]) - 1]
    what = _LINE.sub("", str(error)).strip()
    said = f"is not valid TOML, line {where[1]}: {line.strip()!r}."
    bare = _BARE.fullmatch(line)
    if bare and bare[2]:
        return f'{said} Every text of a list needs quotes: {bare[1]} = ["...", "..."]. {_UNQUOTED}'
    if bare:
        return f'{said} Text needs quotes: {bare[1]} = "{bare[3]}". {_UNQUOTED}'
    if _STARTS_WITH_DIGIT.fullmatch(line):
        return f"{said} A date is written 2026-07-06, a number 0.95, and text needs quotes ({what})."
    return f"{said} {what}."
