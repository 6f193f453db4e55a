"""What is registered, when, and what has changed since."""

import json
from datetime import date

import pytest

import bpo_analysis
from bpo_analysis.data import open_dataset
from bpo_analysis.data.pilots.registration import read_registration, register_pilot, registration_file
from bpo_analysis.errors import PilotError

TEXT = """
[pilot]
title = "Fewer queues"
hypothesis = "One queue answers sooner."
partner = "acme"
unit = "site"
assignment = "whole site"
comparator = "history"
baseline = [2026-01-01, 2026-01-14]
start = 2026-01-15
end = 2026-01-31
looks = [2026-01-20]

[[metric]]
kpi = "service_level"
role = "primary"
test = "noninferiority"
margin = "3 pp"
"""
VOLUME = "partner_id,interval_start,site,offered,answered,answered_in_threshold,wait_answered_s\n" + "".join(
    f"acme,2026-01-{day:02d},Brno,10,9,{day % 9},90\n" for day in range(1, 32)
)


@pytest.fixture
def dataset(write_dataset):
    folder = write_dataset(volume=VOLUME)
    (folder / "pilots").mkdir()

    def make(*changes):
        text = TEXT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / "pilots" / "queues.toml").write_text(text, encoding="utf-8")
        return open_dataset(folder)

    return make


def state_of(data):
    return read_registration(data.find_pilot("queues"))


def register(data, day, reason=""):
    return register_pilot(data, "queues", registered_on=date.fromisoformat(day), reason=reason)


def test_a_pilot_that_is_not_registered(dataset):
    found = state_of(dataset())
    assert (found.state, found.registered_on, found.late, found.amendments) == ("unregistered", None, False, ())
    assert found.sentence == (
        "Not registered: nothing shows that margins, looks and decision rule were fixed before the results were seen. "
        "To register it: bpo pilot register DATA queues."
    )


def test_a_registration_holds_content_digest_date_and_version(dataset):
    data = dataset()
    file = register(data, "2026-01-10")
    assert file == registration_file(data.find_pilot("queues"))
    assert file.name == "queues.registration.json"
    (entry,) = json.loads(file.read_text(encoding="utf-8"))
    spec = data.find_pilot("queues")
    assert (entry["registered_on"], entry["version"], entry["reason"]) == ("2026-01-10", bpo_analysis.__version__, "")
    assert entry["digest"] == spec.digest
    assert entry["spec"] == spec.content
    assert file.read_text(encoding="utf-8").startswith('[\n  {\n    "digest"')
    found = state_of(data)
    assert (found.state, found.registered_on, found.late) == ("registered", date(2026, 1, 10), False)
    assert found.sentence == (
        "Registered on 2026-01-10, before the start (2026-01-15). Unchanged since. "
        f"Digest {spec.digest[:12]}, toolkit version {bpo_analysis.__version__}."
    )
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []


def test_a_registration_changes_no_figure(dataset):
    data = dataset()
    register(data, "2026-01-10")
    assert open_dataset(data.path).fingerprint == data.fingerprint


def test_registering_again_writes_nothing(dataset):
    data = dataset()
    before = register(data, "2026-01-10").read_bytes()
    assert register(data, "2026-01-12").read_bytes() == before


@pytest.mark.parametrize(
    ("day", "late", "words"),
    [
        ("2026-01-14", False, "before the start"),
        ("2026-01-15", False, "on the day of the start"),
        ("2026-01-16", True, r"after the start"),
    ],
)
def test_a_registration_after_the_start_is_late(dataset, day, late, words):
    data = dataset()
    register(data, day)
    found = state_of(data)
    assert found.late is late
    assert words in found.sentence
    assert ("Results could have been seen when the plan was fixed." in found.sentence) is late


def test_a_change_is_told_key_by_key(dataset):
    register(dataset(), "2026-01-10")
    data = dataset(
        ('"3 pp"', '"5 pp"'), ("looks = [2026-01-20]", ""), ("2026-01-31", "2026-02-28"), ('"acme"', '"Acme Support"')
    )
    found = state_of(data)
    assert found.state == "changed"
    assert set(found.changed) == {
        "end: 2026-01-31 -> 2026-02-28",
        "looks: 2026-01-20 -> none",
        "metrics service_level margin: 0.03 -> 0.05",
    }
    assert "Changed since, without being registered: end: 2026-01-31 -> 2026-02-28; looks: 20" in found.sentence


def test_a_metric_that_was_added_is_told(dataset):
    register(dataset(), "2026-01-10")
    more = '\n[[metric]]\nkpi = "asa_s"\nrole = "guardrail"\nmargin = 5\n[scope]\nsite = "Brno"\n'
    found = state_of(dataset(('margin = "3 pp"\n', 'margin = "3 pp"\n' + more)))
    assert "metrics asa_s margin: absent -> 5.0" in found.changed
    assert "scope site: absent -> Brno" in found.changed


def test_a_changed_pilot_is_registered_with_a_reason_only(dataset):
    file = register(dataset(), "2026-01-10")
    data, before = dataset(('"3 pp"', '"5 pp"')), file.read_bytes()
    message = (
        r"queues\.toml was changed since it was registered on 2026-01-10: metrics service_level margin: 0\.03 -> 0\.05"
        r'\. Undo the change, or register it with a reason: bpo pilot register DATA queues --amend "why"'
    )
    with pytest.raises(PilotError, match=message):
        register(data, "2026-01-20")
    assert file.read_bytes() == before
    register(data, "2026-01-20", "Margin agreed with the partner")
    found = state_of(data)
    assert (found.state, found.registered_on, found.late) == ("registered", date(2026, 1, 10), False)
    (amendment,) = found.amendments
    assert (amendment.date, amendment.reason) == (date(2026, 1, 20), "Margin agreed with the partner")
    assert amendment.changed == ("metrics service_level margin: 0.03 -> 0.05",)
    assert "Amended on 2026-01-20, after the start: Margin agreed with the partner. Changed: metrics" in found.sentence
    assert found.digest == data.find_pilot("queues").digest


def test_a_start_that_is_moved_later_makes_no_late_registration_early(dataset):
    register(dataset(), "2026-01-16")
    data = dataset(("start = 2026-01-15", "start = 2026-01-18"))
    register(data, "2026-01-17", "Two days later than planned")
    assert state_of(data).late


def test_a_registration_that_was_edited_is_told(dataset):
    data = dataset(('"3 pp"', '"5 pp"'))
    file = register(data, "2026-01-10")
    file.write_text(file.read_text(encoding="utf-8").replace("0.05", "0.03"), encoding="utf-8")
    found = state_of(dataset())
    assert found.state == "changed"
    assert found.changed == ("the registration of 2026-01-10 was edited by hand (its digest does not fit its content)",)


@pytest.mark.parametrize("text", ["", "{}", '[{"digest": "x"}]', "[1", '[{"spec": 1}]'])
def test_a_file_that_is_no_registration(dataset, text):
    data = dataset()
    file = register(data, "2026-01-10")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PilotError, match=r"queues\.registration\.json is not a registration\. Restore it from version"):
        state_of(data)


def test_a_day_that_is_none_is_no_registration(dataset):
    data = dataset()
    file = register(data, "2026-01-10")
    file.write_text(file.read_text(encoding="utf-8").replace("2026-01-10", "soon"), encoding="utf-8")
    with pytest.raises(PilotError, match="is not a registration"):
        state_of(data)


def test_a_pilot_with_problems_is_not_registered(dataset):
    data = dataset(("end = 2026-01-31", "end = 2025-01-31"))
    with pytest.raises(PilotError, match=r"end \(2025-01-31\) is before start"):
        register(data, "2026-01-10")
    assert not (data.path / "pilots" / "queues.registration.json").exists()


def test_a_folder_that_cannot_be_written(dataset, monkeypatch):
    data = dataset()
    data.find_pilot("queues")

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(PilotError, match=r"registration\.json cannot be written \(No space left on device\)"):
        register(data, "2026-01-10")


def test_the_label_says_amendments_and_later_changes(dataset):
    assert state_of(dataset()).label == "unregistered"
    register(dataset(), "2026-01-10")
    assert state_of(dataset()).label == "registered 2026-01-10"
    changed = dataset(('"3 pp"', '"4 pp"'))
    assert state_of(changed).label == "registered 2026-01-10, changed since"
    register(changed, "2026-01-20", "Too strict.")
    assert state_of(changed).label == "registered 2026-01-10, amended on 2026-01-20 (after the start)"
    assert state_of(dataset()).label.endswith("amended on 2026-01-20 (after the start), changed since")
