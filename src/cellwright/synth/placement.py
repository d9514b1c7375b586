"""Putting bodies on a canvas one by one: anywhere free, touching, or overlapping a host."""

from __future__ import annotations

import numpy as np

from cellwright.synth.shapes import Body, bounding_window

Corner = tuple[int, int]
TRIES = 60
MIN_VISIBLE = 0.3


class Ground:
    """A canvas and the bodies put on it so far.

    Two bodies share pixels only where `attach` was asked for it, and then at most
    `max_shared` of the smaller one, on the canvas and within the field.

    Parameters
    ----------
    shape
        Rows and columns of the field.
    margin
        Pixels of canvas on each side of the field.
    max_shared
        Bound on the shared pixels of two bodies relative to the smaller one.
    """

    def __init__(self, shape: tuple[int, int], margin: int, max_shared: float) -> None:
        self.shape, self.margin, self.max_shared = shape, margin, max_shared
        self.bodies: list[Body] = []
        self.corners: list[Corner] = []
        self._partners: list[list[int]] = []
        self._cover = np.zeros((shape[0] + 2 * margin, shape[1] + 2 * margin), dtype=np.uint8)

    def scatter(self, rng: np.random.Generator, body: Body) -> bool:
        """Put `body` where it shares no pixel with another; False if no place was found."""
        for _ in range(TRIES):
            middle = rng.random(2) * self.shape + self.margin
            corner = _corner(body, middle)
            if self._fits(body, corner) and not self._covered(body, corner):
                self._put(body, corner, [])
                return True
        return False

    def attach(
        self, rng: np.random.Generator, body: Body, hosts: list[int], *, overlapping: bool
    ) -> bool:
        """Slide `body` towards one of `hosts` until they touch or overlap.

        False if no host has room for it.
        """
        for _ in range(TRIES if hosts else 0):
            host = hosts[int(rng.integers(len(hosts)))]
            angle = rng.uniform(0.0, 2.0 * np.pi)
            share = rng.uniform(0.25, 0.95) * self.max_shared if overlapping else 0.0
            corner = self._slide(body, host, (np.sin(angle), np.cos(angle)), share)
            if not self._fits(body, corner):
                continue
            if not overlapping:
                if not self._covered(body, corner):
                    self._put(body, corner, [])
                    return True
            elif self._may_overlap(body, corner, host):
                self._put(body, corner, [host])
                return True
        return False

    def lift(self) -> None:
        """Take the last body off the canvas again; it must have no partner."""
        body, corner = self.bodies.pop(), self.corners.pop()
        self._partners.pop()
        self._window(body, corner)[...] -= body.mask

    def _put(self, body: Body, corner: Corner, partners: list[int]) -> None:
        for p in partners:
            self._partners[p].append(len(self.bodies))
        self.bodies.append(body)
        self.corners.append(corner)
        self._partners.append(partners)
        self._window(body, corner)[...] += body.mask

    def _window(self, body: Body, corner: Corner) -> np.ndarray:
        height, width = body.mask.shape
        return self._cover[corner[0] : corner[0] + height, corner[1] : corner[1] + width]

    def _covered(self, body: Body, corner: Corner) -> int:
        return int(np.count_nonzero(self._window(body, corner)[body.mask]))

    def _fits(self, body: Body, corner: Corner) -> bool:
        """Whether the window is on the canvas, its middle and enough of it in the field."""
        size = np.array(body.mask.shape)
        start = np.array(corner)
        middle = start + 0.5 * size - self.margin
        if (start < 0).any() or (start + size > self._cover.shape).any():
            return False
        if (middle < 0).any() or (middle >= self.shape).any():
            return False
        if ((start >= self.margin) & (start + size <= np.add(self.shape, self.margin))).all():
            return True
        seen = np.count_nonzero(visible(body.mask, corner, self.margin, self.shape)[1])
        return bool(seen >= MIN_VISIBLE * min(body.area, self.shape[0] * self.shape[1]))

    def _may_overlap(self, body: Body, corner: Corner, host: int) -> bool:
        other, place = self.bodies[host], self.corners[host]
        both = shared(body.mask, corner, other.mask, place)
        smaller = min(body.area, other.area)
        if not 0 < both <= self.max_shared * smaller or self._covered(body, corner) != both:
            return False
        for p in self._partners[host]:
            if shared(body.mask, corner, self.bodies[p].mask, self.corners[p]):
                return False
        (box, mask), (host_box, host_mask) = (
            visible(b.mask, c, self.margin, self.shape) for b, c in ((body, corner), (other, place))
        )
        seen = shared(mask, box[:2], host_mask, host_box[:2])
        smaller = int(min(np.count_nonzero(mask), np.count_nonzero(host_mask)))
        return max(1.0, 0.01 * smaller) <= seen <= self.max_shared * smaller

    def _slide(self, body: Body, host: int, way: tuple[float, float], share: float) -> Corner:
        """Where `body` shares at most `share` of the smaller one with `host`, as near as can be."""
        other, place = self.bodies[host], self.corners[host]
        middle = np.array(place) + 0.5 * np.array(other.mask.shape)
        smaller = min(body.area, other.area)
        near, far = 0.0, 0.5 * (np.hypot(*other.mask.shape) + np.hypot(*body.mask.shape)) + 2.0
        while far - near > 0.6:
            half = 0.5 * (near + far)
            corner = _corner(body, middle + half * np.array(way))
            if shared(body.mask, corner, other.mask, place) > share * smaller:
                near = half
            else:
                far = half
        return _corner(body, middle + far * np.array(way))


def visible(
    mask: np.ndarray, corner: Corner, margin: int, shape: tuple[int, int]
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Box in the field and mask of what is inside it, tight; an empty mask if nothing is."""
    row, col = corner[0] - margin, corner[1] - margin
    part = mask[max(0, -row) : max(0, shape[0] - row), max(0, -col) : max(0, shape[1] - col)]
    if not part.any():
        return (0, 0, 0, 0), np.zeros((0, 0), dtype=bool)
    rows, cols = bounding_window(part)
    row, col = max(row, 0) + rows.start, max(col, 0) + cols.start
    part = part[rows, cols]
    return (row, col, row + part.shape[0], col + part.shape[1]), part


def shared(mask: np.ndarray, corner: Corner, other: np.ndarray, place: Corner) -> int:
    """Pixels two masks share, each given with the (row, column) of its window."""
    row, col = place[0] - corner[0], place[1] - corner[1]
    mine = mask[
        max(0, row) : max(0, row + other.shape[0]), max(0, col) : max(0, col + other.shape[1])
    ]
    top, left = max(0, -row), max(0, -col)
    theirs = other[top : top + mine.shape[0], left : left + mine.shape[1]]
    return int(np.count_nonzero(mine & theirs))


def _corner(body: Body, middle: np.ndarray) -> Corner:
    row, col = np.floor(middle - 0.5 * np.array(body.mask.shape)).astype(int)
    return int(row), int(col)
