"""Query codec: what it makes of masks and scores."""

import numpy as np
import pytest
import torch

from cellwright.codecs.queries import QueryCodec, duplicate_rate
from cellwright.types import Instances


def _outputs(scores, boxes, frame=(32, 32), height=20.0):
    masks = torch.full((len(boxes), *frame), -height)
    for mask, (a, b, c, d) in zip(masks, boxes, strict=True):
        mask[a:c, b:d] = height
    return {"scores": torch.tensor(scores).reshape(len(boxes), -1), "masks": masks}


def test_masks_of_full_size_come_back_with_their_overlap():
    boxes = [(2, 2, 12, 12), (6, 6, 20, 16)]
    found = QueryCodec(nms=1.0).decode(_outputs([0.9, 0.8], boxes))
    assert found.boxes.tolist() == [list(b) for b in boxes]
    assert all(m.all() for m in found.masks)
    np.testing.assert_allclose(found.scores, [0.9, 0.8], atol=1e-6)


def test_masks_of_a_stride_are_drawn_up_and_cut_to_the_image():
    outputs = _outputs([0.9], [(4, 4, 16, 12)], frame=(16, 16))
    found = QueryCodec().candidates(outputs, shape=(27, 31), padded=(32, 32))
    assert found.shape == (27, 31)
    assert found.boxes.tolist() == [[8, 8, 27, 24]]
    assert found.masks[0].sum() == pytest.approx(19 * 16, abs=8)


def test_the_score_is_class_times_mean_probability_inside():
    outputs = _outputs([0.8], [(0, 0, 10, 10)])
    outputs["masks"][0, :10, :10] = torch.logit(torch.tensor(0.75))
    found = QueryCodec().candidates(outputs, shape=(32, 32), padded=(32, 32))
    assert float(found.scores[0]) == pytest.approx(0.6, abs=1e-5)


def test_the_class_is_that_of_the_largest_score():
    codec = QueryCodec(("alive", "dead"))
    found = codec.decode(_outputs([[0.2, 0.9], [0.7, 0.1]], [(0, 0, 9, 9), (16, 16, 30, 30)]))
    assert found.classes.tolist() == [1, 0]


def test_empty_masks_and_low_scores_are_no_candidates():
    outputs = _outputs([0.9, 0.01], [(0, 0, 0, 0), (0, 0, 9, 9)])
    found = QueryCodec().candidates(outputs, shape=(32, 32), padded=(32, 32))
    assert len(found) == 0
    assert found.shape == (32, 32)


def test_selection_by_score_area_and_suppression():
    boxes = [(0, 0, 10, 10), (0, 0, 10, 9), (20, 20, 23, 23), (16, 0, 26, 10)]
    outputs = _outputs([0.7, 0.9, 0.9, 0.2], boxes)
    assert QueryCodec().decode(outputs).boxes.tolist() == [[0, 0, 10, 9]]
    loose = QueryCodec(score=0.1, nms=1.0, min_area=1)
    assert len(loose.decode(outputs)) == 4


def test_chunks_give_the_same(monkeypatch):
    outputs = _outputs([0.9, 0.8, 0.7], [(0, 0, 9, 9), (9, 9, 20, 20), (20, 20, 30, 30)])
    whole = QueryCodec().decode(outputs)
    monkeypatch.setattr("cellwright.codecs.queries._CHUNK", 1)
    parts = QueryCodec().decode(outputs)
    assert parts.boxes.tolist() == whole.boxes.tolist()
    np.testing.assert_array_equal(parts.scores, whole.scores)


def test_encode_gives_the_cells_as_crops():
    cells = Instances((8, 8), [[1, 2, 4, 4]], [np.ones((3, 2))])
    targets = QueryCodec().encode(cells)
    assert set(targets) == set(QueryCodec.ragged)
    assert targets["boxes"].tolist() == [[1, 2, 4, 4]]


def test_duplicate_rate_counts_second_drawings():
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 9, 10], [20, 20, 30, 30], [25, 20, 30, 30]]
    masks = [np.ones((b[2] - b[0], b[3] - b[1])) for b in boxes]
    cells = Instances((32, 32), boxes, masks, np.array([0.5, 0.9, 0.7, 0.8, 0.6]))
    assert duplicate_rate(cells) == pytest.approx(3 / 5)
    assert duplicate_rate(cells, iou_from=0.6) == pytest.approx(2 / 5)
    two = Instances((32, 32), boxes[:2], masks[:2], None, [0, 1], ("alive", "dead"))
    assert duplicate_rate(two) == 0
    assert duplicate_rate(Instances.empty((4, 4))) == 0


def test_nothing_above_the_floor():
    outputs = _outputs([0.0], [(0, 0, 9, 9)])
    assert len(QueryCodec().candidates(outputs, shape=(32, 32), padded=(32, 32))) == 0
