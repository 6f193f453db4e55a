import pytest

from bpo_analysis.data.expressions import columns_of
from bpo_analysis.data.kpi_table import VIEWS
from bpo_analysis.errors import DatasetError, UnknownNameError
from bpo_analysis.kpis import FAMILIES, FAMILY_SETTINGS, GROUPS, KPIS, catalogue, settings_of


@pytest.mark.parametrize("kpi", KPIS.values(), ids=KPIS)
def test_every_kpi_is_complete(kpi):
    assert kpi.source in VIEWS
    assert kpi.group in GROUPS
    assert kpi.label
    assert kpi.definition
    assert "{" not in kpi.definition
    assert columns_of(kpi.numerator)
    if kpi.lower is not None and kpi.upper is not None:
        assert kpi.lower < kpi.upper


def test_definitions_print_the_settings():
    kpis, _ = catalogue({"service_level": {"variant": "answered_only", "threshold_s": 60}, "fcr": {"window_days": 3}})
    assert kpis["service_level"].definition == "answered within 60 s, of contacts answered"
    assert "within 3 days" in kpis["repeat_contact_rate"].definition


def test_a_limit_can_be_given_by_channel():
    kpis, _ = catalogue({"service_level": {"threshold_s": {"voice": 20, "chat": 60}}})
    assert kpis["service_level"].definition == "answered within 20 s (voice) or 60 s (chat), of all contacts offered"


def test_an_alternative_stands_beside_the_variant():
    kpis, alternatives = catalogue({"service_level": {"variant": "answered_only", "alternative": "offered"}})
    assert kpis["service_level"].denominator == "answered"
    second = alternatives["service_level_alternative"]
    assert second.denominator == "offered"
    assert second.label == "Service level (offered)"


def test_every_family_has_its_default_in_the_catalogue():
    for family, variants in FAMILIES.items():
        assert KPIS[family].variant in variants
        assert family in FAMILY_SETTINGS


def test_own_kpis_are_added_to_the_catalogue():
    own = KPIS["csat"]
    kpis, _ = catalogue(extra=(own,))
    assert kpis["csat"] is own


def test_is_part_means_that_the_numerator_can_never_exceed_the_denominator():
    parts = {name for name, kpi in KPIS.items() if kpi.is_part}
    assert {"service_level", "csat", "escalation_rate", "dpmo", "occupancy"} <= parts
    assert not parts & {"offered", "nps", "attrition_annualised", "forecast_wape", "calibration_bias", "asa_s"}


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"servicelevel": {}}, UnknownNameError, "KPI family 'servicelevel'. Did you mean 'service_level'"),
        ({"fcr": {"variant": "survy"}}, UnknownNameError, "variant of fcr 'survy'. Did you mean 'survey'"),
        ({"fcr": {"alternative": "none"}}, UnknownNameError, "variant of fcr 'none'"),
        ({"service_level": {"treshold_s": 5}}, DatasetError, "no setting 'treshold_s'. Did you mean 'threshold_s'"),
        ({"service_level": {"threshold_s": 0}}, DatasetError, "threshold_s must be a positive number, got 0"),
        ({"service_level": {"threshold_s": True}}, DatasetError, "must be a positive number, got True"),
        ({"service_level": {"threshold_s": {"voice": "20"}}}, DatasetError, "threshold_s.voice must be a positive"),
        ({"fcr": {"window_days": {"voice": 7}}}, DatasetError, "window_days must be a positive number"),
    ],
)  # fmt: skip
def test_wrong_choices_are_refused(choices, error, words):
    with pytest.raises(error, match=words.replace(".", r"\.")):
        catalogue(choices)


def test_settings_have_defaults():
    assert settings_of({}) == {"threshold_s": 20, "short_s": 5, "window_days": 7}
