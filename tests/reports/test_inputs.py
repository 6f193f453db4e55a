"""What makes a report due again, and what does not, on a small dataset and reports that read it in different ways."""

import json
import shutil
from dataclasses import replace

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.reads import Read, recording
from bpo_analysis.reports import inputs
from bpo_analysis.reports.inputs import inputs_of, output_digests, reason_to_run
from bpo_analysis.reports.plan import plan_reports
from bpo_analysis.reports.record import start_record
from bpo_analysis.review.context import open_review
from bpo_analysis.review.notes import notes_of

EVENTS = """\
    event_id,partner_id,start,title,kind
    e1,acme,2026-01-10,Outage,outage
    e2,bolt,2026-01-11,Launch,campaign
"""
NOTE = """
[[note]]
period = "2026-01"
partner = "{partner}"
section = "Service"
text = "{text}"
author = "A. Analyst"
"""


def reads_own(review):
    review.measure("service_level")
    review.register("events")
    notes_of(review)


def reads_others(review):
    review.dataset.kpi_rows(kpi="service_level")


def reads_file(review):
    (review.dataset.path / "volume.csv").read_text()


def reads_nothing(review):
    pass


@pytest.fixture
def folder(write_dataset):
    path = write_dataset(events=EVENTS)
    (path / "notes").mkdir()
    return path


@pytest.fixture
def plan(write_template, tmp_path):
    def make(data, partner="acme", period="2026-01", **parameters):
        code = "partner: str = ''\nperiod: str = ''\ndata: str = ''\nprevious: str = ''\nnote: str = ''"
        template = tmp_path / "review.ipynb"
        if not template.is_file():
            write_template("review", "print('page')", parameters=code)
        known = {"acme": "Acme Support", "bolt": "Bolt & Co"}
        (spec,) = plan_reports(
            [template], known, period=period, data=data, out=tmp_path / "out", chosen=[partner], parameters=parameters
        )
        return spec

    return make


def make(spec, read):
    """Make the files and the record of a report as its process does, without one."""
    spec.folder.mkdir(parents=True, exist_ok=True)
    (spec.folder / f"{spec.name}.html").write_text("<p>page</p>")
    data = spec.parameters["data"]
    with recording(open_dataset(data).path) as reads:
        read(open_review(data, spec.partner_id, spec.period))
    overview = open_dataset(data).overview
    record = start_record(spec, status="ok", seconds=1)
    record |= {
        "inputs": inputs_of(spec, reads.get(overview.path), overview),
        "outputs": output_digests(spec.folder, spec.name),
    }
    return json.loads(json.dumps(record))  # as it comes back from its file


def reason(spec, record):
    return reason_to_run(spec, record, open_dataset(spec.parameters["data"]).overview)


def append(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.mark.parametrize("read", [reads_own, reads_others, reads_file, reads_nothing])
def test_what_has_not_changed_is_up_to_date(folder, plan, read):
    spec = plan(folder)
    assert reason(spec, make(spec, read)) == ""


def test_a_report_that_is_not_there_failed_or_says_nothing_is_due(folder, plan):
    spec = plan(folder)
    record = make(spec, reads_own)
    assert reason(spec, None) == "not made yet"
    assert reason(spec, record | {"status": "failed"}) == "failed the last time"
    assert reason(spec, record | {"inputs": None}) == "what it was made from is not known"


def test_a_page_that_is_gone_or_was_edited_is_due(folder, plan):
    spec = plan(folder)
    record = make(spec, reads_own)
    page = spec.folder / "review.html"
    page.write_text("<p>edited</p>")
    assert reason(spec, record) == "review.html is not the file that was written"
    page.unlink()
    assert reason(spec, record) == "review.html is missing"


@pytest.mark.parametrize("read", [reads_own, reads_others])
def test_later_days_of_anybody_leave_an_earlier_period_alone(folder, plan, read):
    specs = [plan(folder, "acme"), plan(folder, "bolt")]
    records = [make(spec, read) for spec in specs]
    append(folder / "volume.csv", "bolt,2026-02-01,10,9,8,1\n")
    assert [reason(spec, record) for spec, record in zip(specs, records, strict=True)] == ["", ""]


def test_a_partner_s_new_rows_are_nothing_to_a_report_that_reads_only_its_own(folder, plan):
    acme, bolt = plan(folder, "acme"), plan(folder, "bolt")
    records = make(acme, reads_own), make(bolt, reads_own)
    volume = folder / "volume.csv"
    volume.write_text(volume.read_text().replace("bolt,2026-01-31,", "bolt,2026-01-31,1"))
    assert reason(acme, records[0]) == ""
    assert reason(bolt, records[1]) == "data changed: kpis partner bolt until 2026-01-31"


def test_a_report_that_compares_partners_is_due_when_another_one_changes(folder, plan):
    acme = plan(folder, "acme")
    record = make(acme, reads_others)
    volume = folder / "volume.csv"
    volume.write_text(volume.read_text().replace("bolt,2026-01-31,", "bolt,2026-01-31,1"))
    assert reason(acme, record) == "data changed: kpis kpi service_level until 2026-01-31"


def test_rows_of_a_register_count_for_their_partner_and_those_of_nobody_for_all(folder, plan):
    acme, bolt = plan(folder, "acme"), plan(folder, "bolt")
    records = make(acme, reads_own), make(bolt, reads_own)
    append(folder / "events.csv", "e3,bolt,2026-01-12,Storm,other\n")
    assert [reason(acme, records[0]), reason(bolt, records[1])] == ["", "data changed: register events bolt"]
    append(folder / "events.csv", "e4,,2026-01-12,Holiday,other\n")
    assert reason(acme, records[0]) == "data changed: register events acme"


def test_notes_count_for_their_partner_and_period(folder, plan):
    acme, bolt = plan(folder, "acme"), plan(folder, "bolt")
    records = make(acme, reads_own), make(bolt, reads_own)
    file = folder / "notes" / "january.toml"
    file.write_text(NOTE.format(partner="bolt", text="Storm."))
    assert [reason(acme, records[0]), reason(bolt, records[1])] == ["", "data changed: notes bolt until 2026-01"]
    file.write_text(NOTE.format(partner="", text="For all.").replace("2026-01", "2025-12"))
    assert [reason(acme, records[0]), reason(bolt, records[1])] == ["", ""]
    file.write_text(NOTE.format(partner="", text="For all."))
    assert reason(acme, records[0]) == "data changed: notes acme until 2026-01"


def test_a_file_that_a_template_opens_itself_counts_as_a_whole(folder, plan):
    spec = plan(folder)
    record = make(spec, reads_file)
    append(folder / "events.csv", "e3,acme,2026-01-12,Storm,other\n")
    assert reason(spec, record) == ""
    append(folder / "volume.csv", "bolt,2026-02-01,10,9,8,1\n")
    assert reason(spec, record) == "data changed: files volume.csv"


def test_a_report_whose_reading_is_not_seen_depends_on_all_data(folder, plan):
    spec = plan(folder)
    made = make(spec, reads_own)
    made["inputs"] = json.loads(json.dumps(inputs_of(spec, None, open_dataset(folder).overview)))
    append(folder / "events.csv", "e3,bolt,2026-03-12,Storm,other\n")
    assert reason(spec, made) == "data changed: whole"


def test_template_parameters_code_libraries_and_the_dataset_as_a_whole_are_named(folder, plan, monkeypatch, tmp_path):
    spec = plan(folder)
    record = make(spec, reads_own)
    assert reason(plan(folder, note="b"), record) == "parameter note: '' -> 'b'"
    other = tmp_path / "other"
    shutil.copytree(spec.template.parent, other, ignore=lambda *_: ["data", "out", "other"])
    append(other / "review.ipynb", "\n")
    assert reason(replace(spec, template=other / "review.ipynb"), record) == "the template changed"
    with monkeypatch.context() as patch:
        patch.setattr(inputs, "code_digest", lambda: "other")
        assert reason(spec, record) == "bpo_analysis changed"
    with monkeypatch.context() as patch:
        patch.setattr(inputs, "library_digest", lambda: "other")
        patch.setattr(inputs, "versions", lambda: record["versions"] | {"pandas": "99"})
        was = record["versions"]["pandas"]
        assert reason(spec, record) == f"libraries changed: pandas {was} -> 99"
    append(folder / "dataset.toml", '[dataset]\ntitle = "Renamed"\n')
    assert reason(spec, record).startswith("the dataset as a whole changed (dataset.toml")


def test_the_numbers_of_the_report_before_are_part_of_what_a_report_is_made_from(folder, plan, tmp_path):
    before = tmp_path / "before.kpis.csv"
    before.write_text("kpi\n")
    spec = plan(folder, previous=str(before))
    record = make(spec, reads_own)
    assert reason(spec, record) == ""
    before.write_text("kpi,value\n")
    assert reason(spec, record) == "the file of parameter previous changed"
    assert reason(plan(folder), record).startswith("parameter previous: ")


def test_many_changed_parts_are_counted(folder, plan):
    spec = plan(folder)
    record = make(spec, reads_own)
    record["inputs"]["read"] = [["register/events", f"p{i}", "", "old"] for i in range(5)]
    assert reason(spec, record) == "data changed: register events p0, register events p1 and 3 more"


def test_reads_are_noted_only_while_somebody_records(folder):
    review = open_review(folder, "acme", "2026-01")
    with recording(folder) as reads:
        review.register("events")
    review.register("targets")
    assert reads == {folder: {Read("register/events", "acme")}}
