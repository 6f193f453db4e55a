"""Digests of parts of a dataset: they change with the part, and only with it."""

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.reads import EVERYONE, Read

VOLUME = "partner_id,interval_start,offered,answered,answered_in_threshold,abandoned\n"
DAYS = "acme,2026-01-01,10,9,8,1\nbolt,2026-01-01,20,18,9,2\nacme,2026-01-02,11,9,7,1\nbolt,2026-02-03,20,18,9,2\n"
EVENTS = "event_id,partner_id,start,title,kind\ne1,acme,2026-01-10,Outage,outage\ne2,,2026-01-11,Holiday,holiday\n"
CONTACTS = "interaction_id,partner_id,created_at,channel,handle_s\n"


@pytest.fixture
def digests(write_dataset):
    """Digests of reads in a dataset whose tables are given; the folder is written anew each time."""

    def make(*reads, **tables):
        tables = {"volume": VOLUME + DAYS, "events": EVENTS} | tables
        folder = write_dataset(folder="with" if tables["events"] else "without", **tables)
        slices = open_dataset(folder).overview.slices
        return [slices.digest(read) for read in reads]

    return make


def test_the_same_rows_give_the_same_digest_in_another_order_and_beside_other_rows(digests):
    read = Read("kpis/partner", "acme", "2026-01-31")
    before = digests(read)
    lines = DAYS.splitlines(keepends=True)
    assert digests(read, volume=VOLUME + "".join(reversed(lines))) == before
    assert digests(read, volume=VOLUME + DAYS + "bolt,2026-01-05,1,1,1,0\n") == before
    assert digests(read, volume=VOLUME + DAYS + "acme,2026-02-01,1,1,1,0\n") == before


def test_a_row_of_the_part_changes_its_digest(digests):
    reads = [
        Read("kpis/partner", "acme", "2026-01-02"),
        Read("kpis/partner", "acme", "2026-01-01"),
        Read("kpis/partner", "bolt", "2026-01-02"),
        Read("kpis/partner", EVERYONE, "2026-01-02"),
        Read("kpis/kpi", "offered", "2026-01-02"),
        Read("kpis/kpi", "abandonment_rate", "2026-01-02"),
    ]
    before = digests(*reads)
    after = digests(*reads, volume=VOLUME + DAYS.replace("acme,2026-01-02,11,", "acme,2026-01-02,12,"))
    assert [a != b for a, b in zip(before, after, strict=True)] == [True, False, False, True, True, True]
    after = digests(*reads, volume=VOLUME + DAYS.replace("acme,2026-01-02,11,9,7,1", "acme,2026-01-02,11,9,8,1"))
    assert [a != b for a, b in zip(before, after, strict=True)] == [True, False, False, True, False, False]


def test_a_row_more_or_less_with_the_same_values_is_a_change(digests):
    read = Read("register/events", "acme")
    before = digests(read)
    twice = EVENTS + "e1b,acme,2026-01-10,Outage,outage\n"
    assert digests(read, events=twice) != before
    assert digests(read) == before


def test_the_order_of_a_register_is_on_the_page_and_in_the_digest(digests):
    rows = ["e1,acme,2026-01-10,Outage,outage\n", "e2,acme,2026-01-11,Storm,other\n"]
    head = "event_id,partner_id,start,title,kind\n"
    read = Read("register/events", "acme")
    assert digests(read, events=head + "".join(rows)) != digests(read, events=head + "".join(reversed(rows)))
    # A row of another partner above them only moves them.
    moved = head + "e0,bolt,2026-01-01,Move,other\n" + "".join(rows)
    assert digests(read, events=moved) == digests(read, events=head + "".join(rows))


def test_what_is_not_there_has_a_digest_of_its_own(digests):
    absent = Read("register/actions", "acme")
    assert digests(absent) == [""]
    (without,) = digests(Read("register/events", "acme"), events=None)
    (nobody,) = digests(Read("register/events", "nobody"))
    assert without == ""
    assert nobody != ""  # rows that name no partner concern everybody


def test_the_span_ends_where_reading_does(digests):
    whole, cut = Read("span"), Read("span", "", "2026-01-31")
    assert digests(whole, cut) == ["2026-02-03", "2026-01-31"]
    assert digests(whole, cut, volume=VOLUME + DAYS + "acme,2026-03-01,1,1,1,0\n") == ["2026-03-01", "2026-01-31"]


def test_the_frame_knows_kinds_of_problems_and_rules_and_not_their_number(write_dataset):
    toml = """
    [[tables.volume.rules]]
    name = "closed"
    action = "drop"
    where = "offered = 1"
    why = "A test."
    """

    def frame(rows):
        return open_dataset(write_dataset(toml, volume=VOLUME + DAYS + rows)).overview.slices.frame

    one, two = "acme,2026-01-05,1,1,1,0\n", "acme,2026-01-05,1,1,1,0\nbolt,2026-01-06,1,1,1,0\n"
    assert frame(one) == frame(two)
    assert frame(one) != frame("")


def test_files_and_notes_are_looked_at_as_they_are_now(write_dataset):
    folder = write_dataset()
    overview = open_dataset(folder).overview
    (folder / "packages").mkdir()

    def digest(read):
        return open_dataset(folder).overview.slices.digest(read)

    nothing = digest(Read("files", "packages/*.toml"))
    (folder / "packages" / "a.toml").write_text("x = 1")
    something = digest(Read("files", "packages/*.toml"))
    (folder / "packages" / "a.toml").write_text("x = 2")
    assert len({nothing, something, digest(Read("files", "packages/*.toml"))}) == 3
    (folder / "notes").mkdir()
    (folder / "notes" / "broken.toml").write_text("[[note")
    broken = digest(Read("notes", "acme", "2026-01"))
    (folder / "notes" / "broken.toml").write_text("[[note ")
    assert digest(Read("notes", "acme", "2026-01")) != broken
    assert overview.slices.digest(Read("whole")) == overview.fingerprint
