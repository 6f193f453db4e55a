"""What every statistical answer can do: say itself in words, as a row, and as HTML."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pandas as pd
from markupsafe import escape

__all__ = ["Result"]


class Result:
    """Base of the frozen result objects of ``stats``."""

    __slots__ = ()

    def summary(self) -> str:
        """Return one or two plain sentences."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def to_frame(self) -> pd.DataFrame:
        """Return one row with the scalar fields, under the same names."""
        scalars = {k: v for k, v in self.to_dict().items() if isinstance(v, str | int | float | bool) or v is None}
        return pd.DataFrame([scalars])

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.summary())}</p>{self.to_frame().to_html(index=False)}"
