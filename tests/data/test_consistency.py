import pytest

from bpo_analysis.data import open_dataset

VOLUME = """
    partner_id,interval_start,channel,offered,answered,answered_in_threshold,threshold_s,abandoned,abandoned_short,short_s
    acme,2026-01-01,voice,10,9,8,20,1,1,5
    acme,2026-01-01,chat,10,9,8,60,1,0,5
    bolt,2026-01-01,email,10,9,,,,,
"""
THRESHOLDS = "[kpis.service_level]\nthreshold_s = {}\n"


def test_a_limit_that_differs_from_the_printed_one_is_reported(write_dataset, problems):
    (problem,) = problems(write_dataset(THRESHOLDS.format(20), volume=VOLUME), table="volume")
    assert (problem.severity, problem.column, problem.row, problem.count) == ("warning", "threshold_s", 2, 1)
    assert problem.rule == "differs from the limit that service_level is printed with"
    assert problem.remedy == "write [kpis.service_level] threshold_s = { voice = 20, chat = 60 }"


def test_what_the_remedy_says_helps(write_dataset, problems):
    toml = THRESHOLDS.format("{ voice = 20, chat = 60 }")
    folder = write_dataset(toml, volume=VOLUME)
    assert not problems(folder)
    assert "within 20 s (voice) or 60 s (chat)" in open_dataset(folder).kpis["service_level"].definition


def test_a_limit_that_no_row_was_counted_with_is_an_error(write_dataset, problems):
    (problem,) = problems(write_dataset(THRESHOLDS.format(30), volume=VOLUME), table="volume")
    assert problem.severity == "error"
    only = VOLUME.replace("8,60", "8,20")
    (problem,) = problems(write_dataset(THRESHOLDS.format(30), volume=only, folder="b"), table="volume")
    assert problem.remedy == "write [kpis.service_level] threshold_s = 20"


def test_a_short_abandon_counts_only_where_a_definition_uses_it(write_dataset, problems):
    limits = THRESHOLDS.format("{ voice = 20, chat = 60 }")
    short = "[kpis.abandonment_rate]\nvariant = '{}'\nshort_s = 10\n"
    assert not problems(write_dataset(limits + short.format("offered"), volume=VOLUME))
    (problem,) = problems(write_dataset(limits + short.format("less_short"), volume=VOLUME, folder="b"))
    assert (problem.column, problem.remedy) == ("short_s", "write [kpis.abandonment_rate] short_s = 5")


INVOICES = """
    invoice_id,line,partner_id,period,amount,currency
    1,1,acme,2026-01-01,100,GBP
    2,1,bolt,2026-01-01,200,{}
"""


def test_amounts_are_printed_in_their_currency_or_not_at_all(write_dataset, problems):
    euro = "[dataset]\ncurrency = 'EUR'\n"
    (problem,) = problems(write_dataset(euro, invoices=INVOICES.format("GBP")), table="invoices")
    assert (problem.severity, problem.rule) == ("warning", "amounts are in GBP, pages print EUR")
    assert problem.remedy == 'write [dataset] currency = "GBP"'
    (problem,) = problems(write_dataset(euro, invoices=INVOICES.format("EUR"), folder="b"), table="invoices")
    assert (problem.severity, problem.rule) == ("error", "amounts in several currencies cannot be added (GBP, EUR)")
    assert not problems(write_dataset(euro.replace("EUR", "GBP"), invoices=INVOICES.format("GBP"), folder="c"))


def test_days_and_partners_without_rows_are_counted(write_dataset, problems):
    partners = "partner_id\nacme\nbolt\nnew\n"
    days = ("acme,2026-01-01", "acme,2026-01-09", "bolt,2026-01-02", "bolt,2026-01-03")
    volume = "partner_id,interval_start,offered\n" + "".join(f"{day},5\n" for day in days)
    found = {p.rule: (p.value, p.count) for p in problems(write_dataset(partners=partners, volume=volume))}
    assert found == {
        "partner has no rows": ("new", 1),
        "days without rows between a partner's first and last day": ("acme", 7),
    }


def test_many_partners_with_gaps_are_one_line(write_dataset, problems):
    names = [f"p{i}" for i in range(8)]
    partners = "partner_id\n" + "".join(f"{name}\n" for name in names)
    rows = "".join(f"{name},2026-01-01,5\n{name},2026-01-1{i},5\n" for i, name in enumerate(names))
    (problem,) = problems(write_dataset(partners=partners, volume="partner_id,interval_start,offered\n" + rows))
    assert (problem.value, problem.count) == ("8 partners, first p7", sum(range(9, 17)) - 8)


@pytest.mark.parametrize(
    ("source", "numerator", "words"),
    [
        ("volum", "offered", "KPI chats: there is no table 'volum'. Did you mean 'volume'?"),
        ("volume", "ofered", "KPI chats: table volume has no column 'ofered'. Did you mean 'offered'?"),
        ("volume", "partner_id", "KPI chats: 'partner_id' is not a number. Write CAST(partner_id AS double)"),
        ("volume", "offered + partner_id", "takes 'partner_id' for a number, which it is not in every row"),
        ("volume", "SUM(offered)", "KPI chats: 'SUM(offered)' uses 'SUM(offered)', which row expressions do not have"),
        ("escalations", "1", None),
    ],
)  # fmt: skip
def test_an_own_kpi_that_cannot_be_computed_is_an_error(write_dataset, problems, source, numerator, words):
    toml = f"""
        [[kpi]]
        name = "chats"
        label = "Chats"
        unit = "count"
        better = "none"
        group = "volume"
        source = "{source}"
        numerator = "{numerator}"
        definition = "chats offered"
    """
    folder = write_dataset(toml)
    if words is None:
        assert open_dataset(folder).prepare().unavailable["chats"] == "table escalations is not in this dataset"
    else:
        (problem,) = problems(folder, severity="error")
        assert words in problem.rule


def test_an_own_kpi_may_count_the_rows_of_any_dated_table(write_dataset, sums):
    toml = """
        [report.headline]
        quality = ["late"]

        [[kpi]]
        name = "late"
        label = "Escalations closed late"
        unit = "share"
        better = "lower"
        group = "quality"
        source = "escalations"
        numerator = "CASE WHEN SECONDS_BETWEEN(opened_at, closed_at) > due_hours * 3600 THEN 1 ELSE 0 END"
        where = "closed_at IS NOT NULL"
        lower = 0
        upper = 1
        definition = "escalations closed after the time agreed, of escalations closed"
    """
    escalations = """
        escalation_id,partner_id,opened_at,closed_at,due_hours
        1,acme,2026-01-01 08:00,2026-01-01 20:00,10
        2,acme,2026-01-02 08:00,2026-01-02 09:00,10
        3,bolt,2026-01-02 08:00,,10
    """
    assert sums(write_dataset(toml, escalations=escalations), "late") == (1, 2)


def test_an_unknown_headline_is_an_error_with_a_suggestion(write_dataset, problems):
    (problem,) = problems(write_dataset("[report.headline]\nquality = ['qa_scor']\n"), severity="error")
    assert "Unknown KPI 'qa_scor'. Did you mean 'qa_score'?" in problem.rule
    assert problem.remedy == "correct [report.headline] quality in dataset.toml"
