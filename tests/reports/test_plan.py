import pytest

from bpo_analysis.errors import ParameterError, TemplateError, UnknownNameError
from bpo_analysis.reports.plan import find_template, list_templates, partner_slugs

PARAMETERS = 'partner: str = "p1"  # who\nperiod: str = ""  # when\ndata: str = ""  # where'


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Nordlicht GmbH & Co. KG", "nordlicht-gmbh-co-kg"),
        ("a/b", "a-b"),
        ("..", "partner"),
        (".", "partner"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "partner"),
        ("   ", "partner"),
        ("Société Générale", "société-générale"),
        ("北京客服", "北京客服"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("C:\\temp\\x", "c-temp-x"),
        ("ﬁrst ＡＢＣ", "first-abc"),
        ("हिन्दी", "हिन्दी"),
        ("a\x00b\n\u202ec", "a-b-c"),
        ("🙂", "partner"),
    ],
)
def test_a_slug_is_a_plain_folder_name(name, slug):
    assert partner_slugs({"p": name}) == {"p": slug}


def test_composed_and_decomposed_accents_are_one_name():
    slugs = partner_slugs({"a": "Caf\u00e9", "b": "Cafe\u0301"})
    assert len(set(slugs.values())) == 2
    assert all(slug.startswith("café-") for slug in slugs.values())


@pytest.mark.parametrize("name", ["x" * 300, "客" * 300, "a " * 150])
def test_a_long_name_is_cut_and_marked(name):
    slug = partner_slugs({"p": name})["p"]
    assert len(slug.encode()) <= 80
    assert slug != partner_slugs({"q": name})["q"]
    assert not set(slug) & set("/\\. ")


def test_shared_slugs_are_told_apart_without_regard_to_who_runs():
    names = {"a": "Acme Ltd", "b": "ACME, Ltd.", "c": "Other"}
    slugs = partner_slugs(names)
    assert len(set(slugs.values())) == 3
    assert slugs["c"] == "other"
    assert slugs == partner_slugs(dict(reversed(names.items())))


def test_a_name_that_looks_like_anothers_hash_is_told_apart():
    taken = partner_slugs({"a": "acme", "b": "Acme"})["a"]
    slugs = partner_slugs({"a": "acme", "b": "Acme", "c": taken})
    assert len(set(slugs.values())) == 3


def test_names_windows_reserves_are_marked():
    assert partner_slugs({"p": "CON"})["p"].startswith("con-")


def test_a_plan_has_a_report_for_every_partner_and_template(write_template, plan, tmp_path):
    one, two = (
        write_template("one"),
        write_template("two", parameters="partner: str\nperiod: str\ndata: str\nx: int = 1"),
    )
    specs = plan(one, two, partners=2, parameters={"x": "5"})
    assert [(s.partner_id, s.name) for s in specs] == [("p1", "one"), ("p1", "two"), ("p2", "one"), ("p2", "two")]
    assert specs[1].parameters == {"partner": "p1", "period": "2026-03", "data": str(tmp_path), "x": 5}
    assert specs[3].folder == tmp_path / "out" / "2026-03" / "partner-p2"


def test_chosen_partners_keep_the_folder_they_have_when_all_run(write_template, plan):
    template = write_template("one")
    everyone = plan(template, partners=3, names=["A", "a", "B"])
    alone = plan(template, partners=3, names=["A", "a", "B"], chosen=["p2"])
    assert [s.slug for s in alone] == [everyone[1].slug]


def test_parameters_no_template_knows_are_refused_before_anything_runs(write_template, plan):
    one, two = write_template("one"), write_template("two")
    with pytest.raises(ParameterError, match=r"unknown parameter 'perod'\. Did you mean 'period'"):
        plan(one, two, parameters={"perod": "x"})
    with pytest.raises(ParameterError, match="partner cannot be given with -p; use --partner"):
        plan(one, parameters={"partner": "x"})


def test_a_template_must_accept_what_the_runner_sets(write_template, plan):
    with pytest.raises(ParameterError, match="must accept period, data"):
        plan(write_template("one", parameters="partner: str = 'x'"))


def test_two_templates_of_one_name_would_overwrite_each_other(write_template, plan, tmp_path):
    one = write_template("one")
    (tmp_path / "other").mkdir()
    two = tmp_path / "other" / "one.ipynb"
    two.write_bytes(one.read_bytes())
    with pytest.raises(ParameterError, match=r"different names.*one"):
        plan(one, two)


def test_templates_are_found_by_name_here_first_and_by_path(write_template, tmp_path, monkeypatch):
    (tmp_path / "templates").mkdir()
    path = write_template("one").rename(tmp_path / "templates" / "one.ipynb")
    monkeypatch.chdir(tmp_path)
    assert find_template("one") == path
    assert find_template(str(path)) == path
    assert "one" in list_templates()
    with pytest.raises(UnknownNameError, match=r"Unknown template 'onne'\. Did you mean 'one'"):
        find_template("onne")
    with pytest.raises(TemplateError, match="no template file"):
        find_template("missing.ipynb")


ABOUT_PILOTS = 'partner: str = "p1"  # who\nperiod: str = ""  # when\ndata: str = ""  # where\npilot: str = ""  # which'


def test_a_template_about_pilots_is_made_for_each_pilot(write_template, plan):
    review, verdict = write_template("review"), write_template("verdict", parameters=ABOUT_PILOTS)
    specs = plan(review, verdict, partners=3, pilots={"chat": "p2", "Chat": "p2", "mail": "p3"})
    made = [(spec.partner_id, spec.template.stem, spec.parameters.get("pilot")) for spec in specs]
    assert made == [
        ("p1", "review", None),
        ("p2", "review", None),
        ("p2", "verdict", "chat"),
        ("p2", "verdict", "Chat"),
        ("p3", "review", None),
        ("p3", "verdict", "mail"),
    ]
    names = [spec.name for spec in specs if spec.template == verdict]
    assert names[2] == "verdict-mail"
    assert len({name.casefold() for name in names}) == 3


def test_one_pilot_can_be_asked_for(write_template, plan):
    verdict = write_template("verdict", parameters=ABOUT_PILOTS)
    specs = plan(verdict, partners=3, pilots={"chat": "p2", "mail": "p3"}, parameters={"pilot": "mail"})
    assert [(spec.partner_id, spec.name) for spec in specs] == [("p3", "verdict-mail")]


def test_a_template_about_pilots_without_one_says_what_to_do(write_template, plan):
    verdict = write_template("verdict", parameters=ABOUT_PILOTS)
    with pytest.raises(ParameterError, match=r"this dataset has none. Describe one in pilots/<id>.toml"):
        plan(verdict)
    with pytest.raises(ParameterError, match=r"There is no pilot 'chta'. Did you mean 'chat'\?.*chat \(partner p2\)"):
        plan(verdict, partners=2, pilots={"chat": "p2"}, parameters={"pilot": "chta"})
    with pytest.raises(ParameterError, match=r"no pilot of p1. This dataset has: chat \(partner p2\)"):
        plan(verdict, partners=2, pilots={"chat": "p2"}, chosen=["p1"])


def test_a_pilot_goes_as_far_as_its_file_says_unless_a_period_is_asked_for(write_template, plan):
    review, verdict = write_template("review"), write_template("verdict", parameters=ABOUT_PILOTS)
    specs = plan(review, verdict, pilots={"chat": "p1"}, pilots_until="")
    assert [spec.parameters["period"] for spec in specs] == ["2026-03", ""]
    assert {spec.folder.parent.name for spec in specs} == {"2026-03"}
    asked = plan(verdict, pilots={"chat": "p1"}, pilots_until="2026-W12")
    assert asked[0].parameters["period"] == "2026-W12"


def test_a_template_without_a_partner_is_made_once_for_all(write_template, plan, tmp_path):
    about_all = write_template("all", parameters='period: str = ""  # when\ndata: str = ""  # where')
    each = write_template("each")
    specs = plan(each, about_all, partners=2)
    assert [(spec.name, spec.partner_id, spec.slug) for spec in specs] == [
        ("all", "", "_all"),
        ("each", "p1", "partner-p1"),
        ("each", "p2", "partner-p2"),
    ]
    assert "partner" not in specs[0].parameters
    assert specs[0].folder == tmp_path / "out" / "2026-03" / "_all"


def test_no_partner_can_have_the_folder_of_all():
    assert "_all" not in partner_slugs({"a": "_all", "b": "_ALL", "c": "all"}).values()


def test_another_edition_or_audience_has_a_name_of_its_own(write_template, plan):
    options = (
        'edition: str = "client"  # for whom\naudience: str = "account"  # which forum\npackage: str = ""  # which'
    )
    template = write_template("review", parameters=f"{PARAMETERS}\n{options}")
    names = [
        plan(template, parameters=given)[0].name
        for given in (
            {},
            {"edition": "client"},
            {"edition": "partner"},
            {"audience": "steering", "edition": "partner"},
            {"package": "What customers notice"},
        )
    ]
    assert names == [
        "review",
        "review",
        "review-partner-edition",
        "review-partner-edition-steering",
        "review-what-customers-notice",
    ]


def test_the_last_report_of_the_same_kind_is_found(write_template, plan, tmp_path):
    template = write_template("review", parameters=f'{PARAMETERS}\nprevious: str = ""  # numbers of the last report')
    assert plan(template)[0].parameters["previous"] == ""
    for period in ("2025-12", "2026-01", "2026-02-28", "2026-W08", "2026-03", "2026-04", "notes"):
        folder = tmp_path / "out" / period / "partner-p1"
        folder.mkdir(parents=True)
        (folder / "review.kpis.csv").write_text("")
        (folder / "other.kpis.csv").write_text("")
    found = tmp_path / "out" / "2026-01" / "partner-p1" / "review.kpis.csv"
    assert plan(template)[0].parameters["previous"] == str(found)
    assert plan(template, parameters={"previous": "mine.csv"})[0].parameters["previous"] == "mine.csv"
