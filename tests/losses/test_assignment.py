"""Assignment of queries to cells, against every permutation."""

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.losses.assignment import hungarian


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 9999), st.booleans())
def test_no_other_one_to_one_assignment_is_better(queries, cells, seed, maximise):
    pairs = torch.rand(queries, cells, generator=torch.Generator().manual_seed(seed))
    query, cell = hungarian(pairs, maximise=maximise)
    assert len(query) == len(cell) == min(queries, cells)
    assert len(set(query.tolist())) == len(set(cell.tolist())) == len(query)
    assert query.tolist() == sorted(query.tolist())
    wide = pairs if queries <= cells else pairs.t()
    totals = [
        sum(wide[i, j] for i, j in enumerate(order))
        for order in permutations(range(wide.shape[1]), wide.shape[0])
    ]
    best = max(totals) if maximise else min(totals)
    assert float(pairs[query, cell].sum()) == pytest.approx(float(best), abs=1e-6)


def test_no_cells_and_no_queries():
    for shape in ((3, 0), (0, 3), (0, 0)):
        query, cell = hungarian(torch.zeros(shape))
        assert query.shape == cell.shape == (0,)
        assert query.dtype == cell.dtype == torch.int64


def test_half_precision_and_gradients_are_taken():
    pairs = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    assert [i.tolist() for i in hungarian(pairs, maximise=True)] == [[0, 1], [1, 0]]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="not finite"):
        hungarian(torch.tensor([[0.0, bad], [1.0, 0.0]]))


def test_a_vector_is_refused():
    with pytest.raises(ValueError, match="query, cell"):
        hungarian(torch.zeros(3))
