import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.config import read_config
from bpo_analysis.errors import DatasetError, UnknownNameError


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[datset]\nname = 'x'", r"no key 'datset'\. Did you mean 'dataset'\? It takes: dataset, source, kpis, kpi"),
        ("[dataset]\nnme = 'x'\ntitel = 'y'", r"'nme'\. Did .* It has no key 'titel'\. Did you mean 'title'"),
        ("[dataset]\nname = 3", r"\[dataset\] name must be text, got 3"),
        ("dataset = 3", r"dataset must be a section \[dataset\], got 3"),
        ("[dataset]\ntimezone = 'Europe/Lundon'", "'Europe/Lundon' is not a time zone. Write an IANA name"),
        ("[dataset]\nweek_start = 'tuesday'", "week_start must be one of 'monday', .* got 'tuesday'"),
        ("[dataset", "is not valid TOML"),
        ("[report.headline]\nqualty = ['csat']", r"headline\]: It has no key 'qualty'\. Did you mean 'quality'"),
        ("[report.headline]\nquality = 3", r"quality must be a text or a list of texts, got 3"),
        ("[tables.volume]\nfiel = 'x.csv'", r"\[tables\.volume\]: It has no key 'fiel'\. Did you mean 'file'"),
        ("[tables.volume]\nfile = 'volum.csv'", r"there is no file 'volum\.csv' in .*Did you mean 'volume\.csv'"),
        ("[tables.volume]\nfile = 'v*.xlsx'", "there is no file"),
        ("[tables.volume]\nfile = 'dataset.toml'", "dataset.toml is not a CSV or Parquet file"),
        ("[tables.volume]\nfile = 'volume.csv'\nrows = [{offered = 1}]", "has both file"),
        ("[tables.surveys]\nnull = '-'", r"\[tables\.surveys\] needs file = .*, a file surveys\.csv, or"),
        ("[tables.volume]\nnull = 3", "null must be a text or a list of texts, got 3"),
        ("[tables.volume]\ndelimiter = ';;'", "delimiter must be one character, got ';;'"),
        ("[tables.volume]\ndecimal = ';'", "decimal must be one of '', '.', ','; got ';'"),
        ("[tables.volume]\ntimes = 'zulu'", "times must be one of '', 'local', 'utc'; got 'zulu'"),
        ("[tables.volume]\ndistinct = 'yes'", "distinct must be true or false, got 'yes'"),
        ("[tables.volume.columns]\nthreshold_s = true", r"must be text, got True\. A constant is written as an expr"),
        ("[[tables.volume.rules]]\nname = 'a'\naction = 'drp'", "action must be one of 'drop'.* Did you mean 'drop'"),
        ("[[tables.volume.rules]]\nname = 'a'\naction = 'drop'", "rule 'a': action 'drop' needs 'where'"),
        ("[[tables.volume.rules]]\naction = 'drop'\nwhere = 'TRUE'", "action 'drop' needs 'name'"),
        ("[[tables.volume.rules]]\nname = 'a'\naction = 'keep_last'\nby = 3\norder = 'x'", "by must be a text or"),
        ("[[tables.volume.rules]]\nname = 'a'\naktion = 'drop'", "no key 'aktion'. Did you mean 'action'"),
        ("[tables]\nvolume = 3", r"volume must be a section"),
        ("[[kpi]]\nname = 'x'", r"\[\[kpi\]\] 'x' lacks 'label'"),
        ("[[kpi]]\nnumerater = 'x'", "no key 'numerater'. Did you mean 'numerator'"),
        ("[kpis.fcr]\nwindow_days = 0", r"\[kpis\.fcr\] window_days must be a positive number"),
    ],
)  # fmt: skip
def test_every_key_is_checked(write_dataset, toml, words):
    with pytest.raises(DatasetError, match=words):
        open_dataset(write_dataset(toml))


OWN_KPI = """
    [[kpi]]
    name = "chats"
    label = "Chats"
    unit = "{unit}"
    better = "none"
    group = "volume"
    source = "volume"
    numerator = "offered"
    lower = {lower}
    definition = "chats offered"
"""


def test_the_words_of_an_own_kpi_are_checked(write_dataset):
    with pytest.raises(DatasetError, match=r"unit must be one of 'share', .* got 'counts'\. Did you mean 'count'"):
        open_dataset(write_dataset(OWN_KPI.format(unit="counts", lower=0)))
    with pytest.raises(DatasetError, match="'chats' lower must be a number, got '0'"):
        open_dataset(write_dataset(OWN_KPI.format(unit="count", lower="'0'")))


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[tables.volumes]\nfile = 'volume.csv'", "Unknown table in .* 'volumes'. Did you mean 'volume'"),
        ("[kpis.servicelevel]\nvariant = 'offered'", "Unknown KPI family 'servicelevel'. Did you mean 'service_level'"),
        ("[kpis.fcr]\nvariant = 'survy'", "Unknown variant of fcr 'survy'. Did you mean 'survey'"),
    ],
)  # fmt: skip
def test_names_that_do_not_exist_are_suggested(write_dataset, toml, words):
    with pytest.raises(UnknownNameError, match=words):
        open_dataset(write_dataset(toml))


def test_a_folder_without_a_dataset_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"has no dataset\.toml\. A dataset is a folder with tables"):
        open_dataset(tmp_path)
    with pytest.raises(DatasetError, match=r"There is no dataset folder at .*nowhere"):
        open_dataset(tmp_path / "nowhere")


def test_dataset_toml_in_another_encoding_is_named(tmp_path):
    (tmp_path / "dataset.toml").write_bytes("[dataset]\ntitle = 'Zürich'".encode("cp1252"))
    with pytest.raises(DatasetError, match=r"is not UTF-8\. Save it as UTF-8"):
        open_dataset(tmp_path)


def test_two_files_for_one_table_are_refused(write_dataset):
    folder = write_dataset(files={"volume.txt": "x\n"})
    with pytest.raises(DatasetError, match=r"volume\.csv and volume\.txt\. Keep one, or name it in \[tables\.volume\]"):
        open_dataset(folder)


def test_a_table_is_found_by_its_name_and_mapped_without_naming_the_file(write_dataset, sums):
    toml = """
        [tables.volume.columns]
        offered = "answered"
    """
    assert sums(write_dataset(toml), "offered") == sums(write_dataset(toml, folder="again"), "handled")


def test_a_relative_path_is_looked_up_in_the_folders_above(write_dataset, monkeypatch):
    folder = write_dataset("[dataset]\nname = 'here'")
    below = folder.parent / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert open_dataset("data").name == "here"


def test_a_constant_number_may_be_written_as_a_number(write_dataset):
    config = read_config(write_dataset("[tables.volume.columns]\nthreshold_s = 60"))
    assert config.tables["volume"].columns["threshold_s"] == "60"
