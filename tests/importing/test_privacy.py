"""Customers are keys of one dataset."""

import stat

import pandas as pd
import pytest

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.privacy import hash_agents, hash_customers, read_salt

SALT, OTHER = bytes(32), bytes(31) + b"1"


def keys(*texts, salt=SALT):
    return list(hash_customers(pd.Series(list(texts), dtype="str"), salt))


def test_a_customer_has_one_key_however_it_is_written():
    assert len(set(keys("Ann@Example.com", " ann@example.com "))) == 1
    assert len(set(keys("+49 (30) 123-45", "49 30 12345", "493012345"))) == 1
    assert len(set(keys("ann@example.com", "bob@example.com", "493012345", "customer 7", "customer 8"))) == 5


def test_the_key_is_hmac_sha256_of_the_kind_and_the_normal_form():
    import hashlib
    import hmac

    assert keys("Ann@x.y") == [hmac.new(SALT, b"customer:ann@x.y", hashlib.sha256).hexdigest()[:32]]
    assert keys("Ann@x.y") != keys("Ann@x.y", salt=OTHER)
    assert keys("kim") != list(hash_agents(pd.Series(["kim"], dtype="str"), SALT))


def test_unknown_callers_are_not_one_customer():
    found = hash_customers(pd.Series(["Anonymous", "restricted", "+266696687", "", None, "ann"], dtype="str"), SALT)
    assert found.isna().tolist() == [True] * 5 + [False]


def test_the_salt_is_made_once_readable_by_its_owner_alone(tmp_path):
    salt, made = read_salt(tmp_path)
    assert made
    assert len(salt) == 32
    assert read_salt(tmp_path) == (salt, False)
    assert stat.S_IMODE((tmp_path / ".salt").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["no salt", "00ff"])
def test_a_salt_that_is_none_is_not_replaced(tmp_path, text):
    (tmp_path / ".salt").write_text(text)
    with pytest.raises(DatasetError, match="Restore it"):
        read_salt(tmp_path)
    assert (tmp_path / ".salt").read_text() == text


def test_git_is_told_to_leave_the_salt_and_the_lines_that_were_there_stay(run, write):
    write("data/.gitignore", "*.tmp\n")
    done = run("connect_contact_records", "connect_flat.csv", partner="n")
    run("connect_contact_records", "connect_flat.csv", partner="n")
    assert (done.folder / ".gitignore").read_text() == "*.tmp\n.salt\n"
    assert any("do not commit it" in message for message in done.result.messages)


def test_agents_are_hashed_on_request(run):
    plain = run("connect_contact_records", "connect_flat.csv", partner="n", into="a").rows("interactions")
    hashed = run("connect_contact_records", "connect_flat.csv", partner="n", into="b", hash_agents=True)
    assert plain[0]["agent_id"] == "lee"
    assert len(hashed.rows("interactions")[0]["agent_id"]) == 32
