import pytest

from bpo_analysis.page.marks import CONTRACT_STATES, EVIDENCE_STATES, contract_mark, evidence_mark


def test_a_mark_is_a_shape_and_the_word_of_its_state():
    for state in CONTRACT_STATES:
        assert contract_mark(state).striptags().endswith(state)
    for state in EVIDENCE_STATES:
        assert evidence_mark(state, good=None).striptags().endswith(state)


def test_no_two_states_share_a_shape():
    shapes = [contract_mark(state).striptags()[0] for state in CONTRACT_STATES]
    assert len(set(shapes)) == len(CONTRACT_STATES)
    shapes = [evidence_mark(state, good=None).striptags()[0] for state in EVIDENCE_STATES]
    assert len(set(shapes)) == len(EVIDENCE_STATES)


@pytest.mark.parametrize("state", ["no target", "not agreed", "not measurable", "not due"])
def test_grey_is_never_green(state):
    assert "good" not in contract_mark(state)


@pytest.mark.parametrize(("good", "tone"), [(True, "good"), (False, "bad"), (None, "none")])
def test_good_colours_the_evidence_and_not_its_word(good, tone):
    mark = evidence_mark("clearly below", good=good)
    assert f'class="mark evidence {tone}"' in mark
    assert mark.striptags() == "▼ clearly below"


def test_clearly_inside_a_range_is_good_and_an_exact_amount_neutral():
    assert evidence_mark("clearly inside", good=None) == evidence_mark("clearly inside", good=True)
    assert 'class="mark evidence good"' in evidence_mark("clearly inside", good=None)
    assert evidence_mark("clearly inside", good=None).striptags() == "◆ clearly inside"
    assert evidence_mark("exact", good=None).striptags() == "= exact"


def test_a_target_that_is_only_proposed_has_a_neutral_mark_of_its_own():
    assert 'class="mark contract none"' in contract_mark("not agreed")
    assert contract_mark("not agreed").striptags() == "○ not agreed"


@pytest.mark.parametrize("state", ["cannot tell", "exact", "no target"])
def test_what_cannot_be_told_has_no_colour(state):
    assert 'class="mark evidence none"' in evidence_mark(state, good=True)


def test_an_unknown_state_is_refused():
    with pytest.raises(ValueError, match=r"Contract state must be one of .*'met'.* got 'green'"):
        contract_mark("green")
    with pytest.raises(ValueError, match="Evidence state must be one of"):
        evidence_mark("significant", good=True)


def test_a_count_of_targets_keeps_the_shape_of_its_state():
    mark = contract_mark("missed", words="3 of 11 missed")
    assert mark == '<span class="mark contract bad"><b aria-hidden="true">✕</b> 3 of 11 missed</span>'
