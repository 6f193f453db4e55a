"""Expressions over views as expressions over their table."""

import ibis
import pytest

from bpo_analysis.data.rooted import never_missing, root_of, rooted

TABLE = ibis.table({"a": "int64", "b": "boolean", "t": "string", "day": "timestamp"}, name="t")
ONE = TABLE.select(x=TABLE.a + 1, flag=TABLE.b.fill_null(False).cast("int64"), one=ibis.literal(1))
OTHER = TABLE.mutate(date=TABLE.day.date()).mutate(y=TABLE.a + 1)


def test_columns_of_two_views_of_one_table_are_the_same():
    assert root_of(ONE.op()) is root_of(OTHER.op()) is TABLE.op()
    assert rooted(ONE.x.op()) == rooted(OTHER.y.op())
    assert rooted((ONE.x * 2).op()) == rooted((OTHER.y * 2).op())
    assert rooted(TABLE.a.op()) == TABLE.a.op()


@pytest.mark.parametrize("view", [TABLE.filter(TABLE.a > 0), TABLE.mutate(next=TABLE.a.lead().over(order_by="day"))])
def test_a_view_that_takes_rows_out_or_looks_around_is_a_table_of_its_own(view):
    computed = view.mutate(z=view.a + 1)
    assert root_of(computed.op()) is view.op()
    assert rooted(computed.z.op()) == rooted((view.a + 1).op())


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (ONE.one, True), (ONE.flag, True), (ONE.flag.cast("float64"), True), (ONE.x, False),
        (TABLE.t.cast("int64"), False),
        (ibis.coalesce(ONE.x, ONE.one), True), (ibis.null("int64"), False), ((ONE.x > 1).ifelse(1, 0), True),
        ((ONE.x > 1).ifelse(1, ONE.x), False),
    ],
)  # fmt: skip
def test_what_can_never_be_missing_is_known(column, expected):
    assert never_missing(rooted(column.op())) is expected
