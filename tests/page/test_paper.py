import pytest
from markupsafe import Markup

from bpo_analysis.page import section
from bpo_analysis.page.document import head
from bpo_analysis.page.paper import RunningHead, css_string, with_section_numbers


def body():
    links = Markup('<a href="#b">B</a> <a class="where" href="#fig">Evidence</a> <a class="kpi" href="#b">KPI</a>')
    return (
        Markup('<a href="#a">first</a>') + section("a", "One", links) + section("b", "Two", Markup('<p id="fig">x</p>'))
    )


def test_links_carry_the_number_of_the_section_they_lead_to():
    made = with_section_numbers(body())
    assert '<a href="#a" data-at="1">first</a>' in made
    assert '<a href="#b" data-at="2">B</a>' in made
    assert '<a class="where" href="#fig" data-at="2">Evidence</a>' in made
    assert '<h2 data-n="1" id="a-h">One' in made
    assert '<h2 data-n="2" id="b-h">Two' in made


def test_names_of_kpis_and_links_to_nowhere_carry_none():
    made = with_section_numbers(body() + Markup('<a href="#gone">x</a>'))
    assert '<a class="kpi" href="#b">KPI</a>' in made
    assert '<a href="#gone">x</a>' in made


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Acme · March 2026", r'"Acme \b7  March 2026"'),
        ('"; } * { display: none }', r'"\22 \3b  \7d  \2a  \7b  display\3a  none \7d "'),
        ("</style><script>", r'"\3c \2f style\3e \3c script\3e "'),
        ("a\\\nb\x00", r'"a\5c  b"'),
        ("", '""'),
        (" \n ", '""'),
        ("دعم", '"\\2068 دعم\\2069 "'),
        ("x" * 200, '"' + "x" * 89 + r"\2026 " + '"'),
    ],
)
def test_any_text_is_one_css_string(text, written):
    assert css_string(text) == written


def test_a_page_without_a_running_head_of_its_own_has_its_title():
    assert r':root{--running-who:"A \26  B";--running-edition:"";--running-what:"";}' in head("A & B")


def test_the_running_head_cannot_end_the_style_element():
    made = head("x", running=RunningHead(who="</style><script>alert(1)</script>", edition="e", what="w"))
    assert made.count("</style>") == 1
    assert "<script" not in made
