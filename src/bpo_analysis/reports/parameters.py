"""What a template accepts, and whether what was given fits: decided before anything runs.

papermill injects a misspelt parameter and goes on with the default, and does not check types; this module does both.
"""

from __future__ import annotations

import ast
import functools
import io
import json
import math
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bpo_analysis.errors import ParameterError, TemplateError, suggest
from bpo_analysis.periods import PeriodGrain

__all__ = ["REQUIRED", "Parameter", "check_parameters", "describe_template", "read_parameters", "usual_period"]

_FORMAT: Final = 4
_GRAINS: Final[tuple[PeriodGrain, ...]] = ("month", "day", "week", "quarter")
_SCALARS: Final = {"str": str, "int": int, "float": float, "bool": bool}
_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class _Required:
    """Stands where a parameter has no default."""

    def __repr__(self) -> str:
        return "required"


REQUIRED: Final = _Required()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a template.

    Parameters
    ----------
    name : str
        As in the parameters cell.
    type : str
        Annotation, such as ``"str"`` or ``"list[str]"``.
    default : object
        Literal default, or ``REQUIRED``.
    help : str
        The comment at the end of its line.
    """

    name: str
    type: str
    default: Any
    help: str = ""


def usual_period(template: Path) -> PeriodGrain:
    """Return what a template is usually made for: day, week, month or quarter.

    Parameters
    ----------
    template : Path
        A notebook; its metadata may say ``{"bpo_analysis": {"usual_period": "week"}}``.

    Raises
    ------
    TemplateError
        If the file is not a notebook, or says something else.
    """
    said = str(_read_notebook(template).about.get("usual_period", _GRAINS[0]))
    found = next((grain for grain in _GRAINS if grain == said), None)
    if found is None:
        raise TemplateError(
            f"usual_period in the metadata of {str(template)!r} must be one of {', '.join(_GRAINS)}, got {said!r}."
        )
    return found


def read_parameters(template: Path) -> list[Parameter]:
    """Read the parameters of a template from its cell tagged ``parameters``.

    Parameters
    ----------
    template : Path
        A notebook.

    Returns
    -------
    list of Parameter
        In the order of the cell.

    Raises
    ------
    TemplateError
        If the file is not a notebook, has no or several such cells, or the cell holds anything else than lines of the
        form ``name: type = literal  # help``.
    """
    return list(_parameters_of(template, _stamp(template)))


@functools.lru_cache(maxsize=64)
def _parameters_of(template: Path, stamp: tuple[int, int]) -> tuple[Parameter, ...]:
    """Parameters of one state of a template: a plan of a thousand reports asks for them many times."""
    notebook = _read_notebook(template)
    cells = [c for c in notebook.cells if c.kind == "code" and "parameters" in c.tags]
    if len(cells) != 1:
        raise TemplateError(
            f"Template {str(template)!r} needs exactly one code cell tagged 'parameters'; has {len(cells)}."
        )
    source = cells[0].source
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise TemplateError(f"The parameters cell of {str(template)!r} is not Python: {error}.") from error
    helps = _comments(source)
    found = [_parameter(node, helps, template) for node in tree.body]
    names = [parameter.name for parameter in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TemplateError(f"The parameters cell of {str(template)!r} sets {', '.join(twice)} more than once.")
    return tuple(found)


def _stamp(template: Path) -> tuple[int, int]:
    try:
        found = template.stat()
    except OSError:  # said with the file's name where it is read
        return (0, 0)
    return found.st_mtime_ns, found.st_size


def describe_template(template: Path) -> str:
    """Return the first heading of a template, or else its first sentence.

    Parameters
    ----------
    template : Path
        A notebook.

    Returns
    -------
    str
        One line; empty if the template has no text.

    Raises
    ------
    TemplateError
        If the file is not a notebook.
    """
    text = "\n".join(cell.source for cell in _read_notebook(template).cells if cell.kind == "markdown")
    heading = re.search(r"^#+\s+(.+)$", text, flags=re.MULTILINE)
    if heading:
        return heading[1].strip()
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]


def check_parameters(template: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values a run will use, or one error that lists everything that does not fit.

    Parameters
    ----------
    template : Path
        A notebook.
    given : mapping of str to object
        Values by name. Text is read as the annotated type, so that ``"0.9"`` fits a float and ``"a,b"`` a list of str.

    Returns
    -------
    dict
        Every parameter of the template with its given value or its default.

    Raises
    ------
    ParameterError
        If a name is unknown, a value has the wrong type, or a required parameter is missing.
    TemplateError
        If the template's own parameters cell cannot be used.
    """
    accepted = {parameter.name: parameter for parameter in read_parameters(template)}
    problems = [f"unknown parameter {name!r}.{suggest(name, accepted)}" for name in given if name not in accepted]
    values: dict[str, Any] = {}
    for name, parameter in accepted.items():
        if name not in given:
            if parameter.default is REQUIRED:
                problems.append(f"parameter {name!r} ({parameter.type}) is missing and has no default.")
            values[name] = parameter.default
            continue
        try:
            values[name] = _coerce(given[name], parameter.type)
        except ValueError:
            problems.append(f"parameter {name!r} must be {parameter.type}, got {given[name]!r}.")
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise ParameterError(
            f"Parameters do not fit template {template.stem!r}:{listed}\n  It accepts: {', '.join(accepted)}."
        )
    return values


@dataclass(frozen=True, slots=True)
class _Cell:
    kind: str
    source: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Notebook:
    """What of a template is read before it runs; ``about`` is what its metadata say to this package."""

    cells: tuple[_Cell, ...]
    about: Mapping[str, Any]


def _read_notebook(path: Path) -> _Notebook:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["nbformat"] != _FORMAT:  # rare, and worth the slow import of what can convert it
            import nbformat

            document = nbformat.read(path, as_version=_FORMAT)  # type: ignore[no-untyped-call]
        cells = tuple(
            _Cell(cell["cell_type"], "".join(cell["source"]), tuple(cell["metadata"].get("tags", ())))
            for cell in document["cells"]
        )
        return _Notebook(cells, dict(document.get("metadata", {}).get("bpo_analysis", {})))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        # Also nbformat answers JSON that is no notebook with an AttributeError or a KeyError from its converters.
        raise TemplateError(f"Template {str(path)!r} cannot be read as a notebook: {error}") from error


def _comments(source: str) -> dict[int, str]:
    """Map a line number to the comment on that line."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ").rstrip() for token in tokens if token.type == tokenize.COMMENT}


def _parameter(node: ast.stmt, helps: Mapping[int, str], template: Path) -> Parameter:
    where = f"line {node.lineno} of the parameters cell of {str(template)!r}"
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
        raise TemplateError(f"Expected 'name: type = value' on {where}, got {ast.unparse(node)!r}.")
    name, kind = node.target.id, ast.unparse(node.annotation)
    if not _is_allowed(kind):
        raise TemplateError(
            f"Parameter {name!r} on {where} has type {kind!r}; allowed are str, int, float, bool, list, dict, "
            "list[...] and dict[..., ...] of these."
        )
    text = helps.get(node.end_lineno or node.lineno) or helps.get(node.lineno, "")
    if node.value is None:
        return Parameter(name, kind, REQUIRED, text)
    try:
        default = ast.literal_eval(node.value)
    except ValueError as error:
        raise TemplateError(
            f"The default of {name!r} on {where} must be a literal, got {ast.unparse(node.value)!r}."
        ) from error
    try:
        default = _coerce(default, kind, from_text=False)
    except ValueError as error:
        raise TemplateError(f"The default of {name!r} on {where} must be {kind}, got {default!r}.") from error
    return Parameter(name, kind, default, text)


def _is_allowed(kind: str) -> bool:
    scalar = "|".join(_SCALARS)
    return re.fullmatch(rf"{scalar}|list|dict|list\[({scalar})\]|dict\[({scalar}), ({scalar})\]", kind) is not None


def _coerce(value: Any, kind: str, *, from_text: bool = True) -> Any:
    """Return the value as the annotated type, or raise ValueError."""
    outer, _, inside = kind.rstrip("]").partition("[")
    inner = [part.strip() for part in inside.split(",")] if inside else []
    if outer in _SCALARS:
        return _scalar(value, outer, from_text=from_text)
    if from_text and isinstance(value, str):
        value = _literal(value, outer, inner)
    if outer == "list" and isinstance(value, Sequence) and not isinstance(value, str):
        return [_scalar(item, inner[0], from_text=from_text) for item in value] if inner else list(value)
    if outer == "dict" and isinstance(value, Mapping):
        if not inner:
            return dict(value)
        names = [_scalar(key, inner[0], from_text=from_text) for key in value]
        items = [_scalar(item, inner[1], from_text=from_text) for item in value.values()]
        return dict(zip(names, items, strict=True))
    raise ValueError(kind)


def _scalar(value: Any, kind: str, *, from_text: bool) -> Any:
    if isinstance(value, str) and kind != "str":
        if not from_text:
            raise ValueError(kind)
        if kind == "bool":
            if value.strip().lower() not in _WORDS:
                raise ValueError(kind)
            return _WORDS[value.strip().lower()]
        value = int(value) if kind == "int" else float(value)
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    # bool is an int to Python, but a parameter that counts something was not meant to be True.
    if type(value) is not _SCALARS[kind] or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(kind)
    return value


def _literal(text: str, outer: str, inner: Sequence[str]) -> Any:
    """Read a list or dict from the command line: JSON, a Python literal, or plain words with commas between them."""
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(found, list | dict):
            return found
    if outer == "list" and not text.lstrip().startswith(("[", "{")):
        return [part.strip() for part in text.split(",") if part.strip()]
    raise ValueError(text)
