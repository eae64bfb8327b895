import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import plain
from saescope.index.layout import Layout


@st.composite
def layouts(draw):
    noise = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    n_rows, vocab = draw(st.integers(1, 300)), draw(st.integers(1, 20))
    starts = np.unique(np.r_[0, noise.integers(0, n_rows, noise.integers(0, 12))]).astype(np.int64)
    return Layout(
        noise.integers(0, vocab, n_rows).astype(np.uint16),
        draw(st.integers(2, 100)),
        starts,
        noise.random(vocab) < 0.2,
        draw(st.booleans()),
        draw(st.booleans()),
    )


@given(layouts(), st.integers(1, 64))
def test_windows_equal_walking_token_by_token(layout, side):
    rows = np.arange(layout.n_rows)
    starts, ends = layout.windows(rows, side)
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == [plain.window(int(r), layout, side) for r in rows]


@given(layouts(), st.integers(1, 64))
def test_windows_hold_their_row_and_leave_neither_context_nor_document(layout, side):
    rows = np.arange(layout.n_rows)
    starts, ends = layout.windows(rows, side)
    assert ((starts <= rows) & (rows < ends)).all()
    assert (ends - starts <= 2 * side).all()
    assert (starts // layout.context_size == (ends - 1) // layout.context_size).all()
    docs = [np.searchsorted(layout.doc_starts, x, side="right") for x in (starts, ends - 1)]
    assert (docs[0] == docs[1]).all()


@given(layouts())
def test_rows_count_by_the_rule(layout):
    rows = np.arange(layout.n_rows)
    wanted = [plain.counts(int(r), layout) for r in rows]
    assert layout.is_counted(rows).tolist() == wanted
    assert layout.n_counted() == sum(wanted)
