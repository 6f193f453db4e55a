"""Customers, and agents on request, become keyed hashes: the same person the same key, and no way back.

The salt belongs to one dataset folder. Who has it can test guesses (phone numbers are few), so it stays out of git and
apart from the data.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import pandas as pd

from bpo_analysis.errors import DatasetError

__all__ = ["SALT_FILE", "hash_agents", "hash_customers", "read_salt"]

SALT_FILE = ".salt"
_SALT_BYTES = 32
_KEY_LENGTH = 32
_NOBODY = frozenset({
    "anonymous", "restricted", "unavailable", "unknown", "private", "withheld", "blocked", "n/a", "none", "266696687",
})  # fmt: skip
"""What systems write for a caller they do not know; 266696687 is "anonymous" on the keys of a phone."""


def read_salt(folder: Path) -> tuple[bytes, bool]:
    """Return the salt of a dataset folder and whether it was made just now (then only its owner may read it).

    Raises
    ------
    DatasetError
        If it cannot be read or is not a salt.
    """
    file = folder / SALT_FILE
    if not file.exists():
        salt = secrets.token_bytes(_SALT_BYTES)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(salt.hex() + "\n")
        return salt, True
    try:
        salt = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        raise DatasetError(
            f"{file} cannot be read or is not a salt. Restore it: with another, customers seen before become others."
        ) from None
    if len(salt) < _SALT_BYTES:
        raise DatasetError(f"{file} is too short for a salt. Restore it from your backup.")
    return salt, False


def hash_customers(texts: pd.Series, salt: bytes) -> pd.Series:
    """Return a key for each customer: letters in lower case, a phone number by its digits alone.

    A caller that the system does not know has no key: all unknown callers together are not one customer.
    """
    folded = texts.str.strip().str.casefold()
    phone = folded.notna() & ~folded.str.contains("[^0-9+() ./-]", regex=True).fillna(value=True).astype("bool")
    digits = folded.str.replace(r"\D", "", regex=True)
    normal = folded.where(~phone, digits)
    return _hashed(normal.where(~normal.isin(_NOBODY) & (normal != "")), salt, "customer")


def hash_agents(texts: pd.Series, salt: bytes) -> pd.Series:
    """Return a key for each agent."""
    return _hashed(texts.str.strip().str.casefold(), salt, "agent")


def _hashed(texts: pd.Series, salt: bytes, kind: str) -> pd.Series:
    def key(text: str) -> str:
        return hmac.new(salt, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()[:_KEY_LENGTH]

    keys = {text: key(text) for text in texts.dropna().unique()}
    return texts.map(keys).astype("str")
