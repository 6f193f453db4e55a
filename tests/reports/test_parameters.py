import nbformat
import papermill
import pytest

from bpo_analysis.errors import ParameterError, TemplateError
from bpo_analysis.reports.parameters import REQUIRED, Parameter, check_parameters, describe_template, read_parameters

CELL = """\
partner: str = "northline"  # partner code, or name
confidence_level: float = 0.95  # between 0 and 1
months: int = 13
show: bool = True  # a # in a comment
kpis: list[str] = [
    "csat",
    "aht_s",
]  # which rows
limits: dict[str, float] = {"csat": 4}
edition: str
"""


@pytest.fixture
def template(write_template):
    return write_template("monthly", parameters=CELL)


def test_every_parameter_is_read_with_type_default_and_help(template):
    assert read_parameters(template) == [
        Parameter("partner", "str", "northline", "partner code, or name"),
        Parameter("confidence_level", "float", 0.95, "between 0 and 1"),
        Parameter("months", "int", 13),
        Parameter("show", "bool", True, "a # in a comment"),
        Parameter("kpis", "list[str]", ["csat", "aht_s"], "which rows"),
        Parameter("limits", "dict[str, float]", {"csat": 4.0}),
        Parameter("edition", "str", REQUIRED),
    ]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("partner", "12", "12"),
        ("confidence_level", "0.9", 0.9),
        ("confidence_level", 1, 1.0),
        ("months", " 6 ", 6),
        ("show", "No", False),
        ("kpis", "csat, aht_s", ["csat", "aht_s"]),
        ("kpis", '["a,b"]', ["a,b"]),
        ("kpis", "", []),
        ("limits", '{"csat": "4.5"}', {"csat": 4.5}),
        ("limits", "{'csat': 4}", {"csat": 4.0}),
    ],
)
def test_text_is_read_as_the_annotated_type(template, name, text, value):
    values = check_parameters(template, {"edition": "1", name: text})
    assert values[name] == value
    assert type(values[name]) is type(value)


def test_defaults_fill_the_rest(template):
    assert list(check_parameters(template, {"edition": "1"})) == [
        "partner", "confidence_level", "months", "show", "kpis", "limits", "edition",
    ]  # fmt: skip


def test_one_error_lists_everything(template):
    given = {"partnr": "x", "months": "six", "show": "maybe", "confidence_level": "nan", "kpis": "{}", "partner": 3}
    with pytest.raises(ParameterError) as caught:
        check_parameters(template, given)
    assert str(caught.value) == (
        "Parameters do not fit template 'monthly':\n"
        "  - unknown parameter 'partnr'. Did you mean 'partner'?\n"
        "  - parameter 'partner' must be str, got 3.\n"
        "  - parameter 'confidence_level' must be float, got 'nan'.\n"
        "  - parameter 'months' must be int, got 'six'.\n"
        "  - parameter 'show' must be bool, got 'maybe'.\n"
        "  - parameter 'kpis' must be list[str], got '{}'.\n"
        "  - parameter 'edition' (str) is missing and has no default.\n"
        "  It accepts: partner, confidence_level, months, show, kpis, limits, edition."
    )


def test_true_is_not_a_number(template):
    with pytest.raises(ParameterError, match="months"):
        check_parameters(template, {"edition": "1", "months": True})


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("x: int = compute()", "default of 'x' on line 1 .* must be a literal"),
        ("x: int = 'one'", "must be int, got 'one'"),
        ("x: float | None = None", "has type 'float | None'; allowed are str, int"),
        ("x: tuple = (1, 2)", "has type 'tuple'"),
        ("x = 1", "Expected 'name: type = value'"),
        ("import os", "Expected 'name: type = value'"),
        ("x: int = 1\nx: int = 2", "sets x more than once"),
        ("x: int = ", "is not Python"),
    ],
)
def test_a_parameters_cell_with_anything_else_is_refused(write_template, cell, message):
    with pytest.raises(TemplateError, match=message.replace("|", r"\|")):
        read_parameters(write_template("t", parameters=cell))


def test_a_file_that_is_no_notebook_is_refused(tmp_path, write_template):
    for name, text in [("a", "not json"), ("b", '{"x": 1}'), ("c", "[]")]:
        path = tmp_path / f"{name}.ipynb"
        path.write_text(text)
        with pytest.raises(TemplateError, match="cannot be read as a notebook"):
            read_parameters(path)
    with pytest.raises(TemplateError, match="cannot be read as a notebook"):
        read_parameters(tmp_path / "missing.ipynb")


def test_no_or_two_parameters_cells_are_refused(write_template):
    path = write_template("t")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("y: int = 1", metadata={"tags": ["parameters"]}))
    nbformat.write(notebook, path)
    with pytest.raises(TemplateError, match="exactly one code cell tagged 'parameters'; has 2"):
        read_parameters(path)
    notebook.cells = notebook.cells[:1]
    nbformat.write(notebook, path)
    with pytest.raises(TemplateError, match="has 0"):
        read_parameters(path)


@pytest.mark.parametrize(
    ("title", "line"), [("# Monthly *review*\n\nText.", "Monthly *review*"), ("Text. More.", "Text."), ("", "")]
)
def test_a_template_describes_itself_in_one_line(write_template, title, line):
    assert describe_template(write_template("t", title=title)) == line


def test_papermill_sees_the_same_names(template):
    assert set(papermill.inspect_notebook(str(template))) <= {p.name for p in read_parameters(template)}
