"""The nouns of the package: images, instances, samples, prompts, and the four contracts.

Axis order is (plane, row, column) everywhere. Boxes are half-open
``(row0, col0, row1, col1)`` in pixels. Nothing here loads torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Tag = str | int | float | bool
AXES = "TZCYX"


class InputError(ValueError):
    """Bad input from outside: the message says what came, what is wanted, how to fix it.

    The command line shows the message as one line, without a traceback.
    """


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels with what is known about them.

    Parameters
    ----------
    data
        Array of any integer, boolean or float dtype; a numpy array or a lazy
        array (zarr, dask, memory map) with ``shape``, ``dtype`` and slicing.
    axes
        One letter per axis of `data`, in the order of ``"TZCYX"``, ending in
        ``"YX"``: ``"YX"``, ``"CYX"``, ``"ZYX"``, ``"ZCYX"``, ``"TZCYX"``.
    pixel_size
        Size of one pixel in micrometres, (row, column); None if unknown.
    channels
        Names of the channels; empty if unknown.
    tags
        What is known of the image: field, position, z, modality, split, cell_line ...
    """

    data: Any
    axes: str = "YX"
    pixel_size: tuple[float, float] | None = None
    channels: tuple[str, ...] = ()
    tags: Mapping[str, Tag] = field(default_factory=dict)

    def __post_init__(self) -> None:
        order = [AXES.find(a) for a in self.axes]
        if not self.axes.endswith("YX") or -1 in order or order != sorted(set(order)):
            raise InputError(
                f"axes {self.axes!r} are not usable: wanted letters of 'TZCYX' in that order, "
                "ending in 'YX', for example 'CYX'"
            )
        if len(self.axes) != len(self.data.shape):
            raise InputError(
                f"an array of shape {tuple(self.data.shape)} came with axes {self.axes!r}: "
                "one letter per axis is wanted (set --axes)"
            )
        if 0 in self.data.shape:
            raise InputError(f"the image is empty: shape {tuple(self.data.shape)}")
        if self.channels and len(self.channels) != self.size("C"):
            raise InputError(
                f"{len(self.channels)} channel names came for {self.size('C')} channels"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.data.shape[-2]), int(self.data.shape[-1])

    def size(self, axis: str) -> int:
        """Length of `axis`; 1 if the image does not have it."""
        return int(self.data.shape[self.axes.index(axis)]) if axis in self.axes else 1

    @property
    def planes(self) -> int:
        """Number of 2-D planes when T, Z and C are laid out one after the other."""
        return int(np.prod(self.data.shape[:-2], dtype=np.int64))

    def stack(self, window: tuple[slice, slice] = (slice(None), slice(None))) -> np.ndarray:
        """Planes of a window as one in-memory array of shape (plane, row, column)."""
        part = np.asarray(self.data[(..., *window)])
        return part.reshape((-1, *part.shape[-2:]))


@dataclass(frozen=True, slots=True, eq=False)
class Instances:
    """Cells of one image; masks may overlap (amodal), none is ever flattened.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    boxes
        (N, 4) int64, half-open ``(row0, col0, row1, col1)``, inside the image.
    masks
        N boolean arrays, each of the shape of its box.
    scores
        (N,) float32 in [0, 1]; ones where nothing better is known.
    classes
        (N,) int64 index into `class_names`.
    class_names
        Names of the classes.
    tags
        N mappings with what is known of a cell (alive, source, prompts ...), or empty for none.
    """

    shape: tuple[int, int]
    boxes: np.ndarray
    masks: tuple[np.ndarray, ...]
    scores: np.ndarray = None  # type: ignore[assignment]
    classes: np.ndarray = None  # type: ignore[assignment]
    class_names: tuple[str, ...] = ("cell",)
    tags: tuple[Mapping[str, Tag], ...] = ()

    def __post_init__(self) -> None:
        count = len(self.masks)
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731
        put("shape", (int(self.shape[0]), int(self.shape[1])))
        put("boxes", np.asarray(self.boxes, dtype=np.int64).reshape(-1, 4))
        put("masks", tuple(np.asarray(m, dtype=bool) for m in self.masks))
        scores = np.ones(count) if self.scores is None else self.scores
        put("scores", np.asarray(scores, dtype=np.float32).reshape(-1))
        classes = np.zeros(count) if self.classes is None else self.classes
        put("classes", np.asarray(classes, dtype=np.int64).reshape(-1))
        put("class_names", tuple(self.class_names))
        put("tags", tuple(self.tags))
        for name in ("boxes", "scores", "classes"):
            if len(getattr(self, name)) != count:
                raise InputError(f"{len(getattr(self, name))} {name} came for {count} masks")
        if self.tags and len(self.tags) != count:
            raise InputError(f"{len(self.tags)} tag records came for {count} masks")
        if count == 0:
            return
        sizes = self.boxes[:, 2:] - self.boxes[:, :2]
        if any(m.shape != tuple(s) for m, s in zip(self.masks, sizes, strict=True)):
            raise InputError("each mask must have the shape of its box")
        if (sizes <= 0).any() or (self.boxes < 0).any() or (self.boxes[:, 2:] > self.shape).any():
            raise InputError(f"boxes must be non-empty and inside the image of shape {self.shape}")
        if self.classes.min() < 0 or self.classes.max() >= len(self.class_names):
            raise InputError(
                f"class {int(self.classes.max())} has no name among {self.class_names}"
            )

    @classmethod
    def empty(cls, shape: tuple[int, int], class_names: Sequence[str] = ("cell",)) -> Instances:
        """No cells on an image of `shape`."""
        return cls(shape, np.zeros((0, 4), np.int64), (), class_names=tuple(class_names))

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, index: slice | np.ndarray | Sequence[int]) -> Instances:
        """The instances picked by a slice, an index array or a boolean array."""
        keep = np.arange(len(self))[index].reshape(-1)
        return Instances(
            self.shape,
            self.boxes[keep],
            tuple(self.masks[i] for i in keep),
            self.scores[keep],
            self.classes[keep],
            self.class_names,
            tuple(self.tags[i] for i in keep) if self.tags else (),
        )

    @property
    def areas(self) -> np.ndarray:
        """(N,) int64, pixels of each mask."""
        return np.array([np.count_nonzero(m) for m in self.masks], dtype=np.int64)

    @classmethod
    def concatenate(cls, parts: Iterable[Instances]) -> Instances:
        """All instances of `parts`, which share shape and class names."""
        parts = list(parts)
        first = parts[0]
        for p in parts:
            if p.shape != first.shape or p.class_names != first.class_names:
                raise InputError("only instances of one shape and one class list can be joined")
        tagged = any(p.tags for p in parts)
        return cls(
            first.shape,
            np.concatenate([p.boxes for p in parts]),
            tuple(m for p in parts for m in p.masks),
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.classes for p in parts]),
            first.class_names,
            tuple(t for p in parts for t in (p.tags or ({},) * len(p))) if tagged else (),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """What a person (or a coarse segmenter) points at, for one cell.

    Parameters
    ----------
    points
        (P, 2) float, (row, column).
    signs
        (P,) bool: True is on the cell, False is not.
    box
        ``(row0, col0, row1, col1)``, or None.
    mask
        Boolean (row, column) array of the image's shape from an earlier round, or None.
    """

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    signs: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    box: tuple[float, float, float, float] | None = None
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", np.asarray(self.points, float).reshape(-1, 2))
        object.__setattr__(self, "signs", np.asarray(self.signs, bool).reshape(-1))
        if len(self.points) != len(self.signs):
            raise InputError(f"{len(self.signs)} signs came for {len(self.points)} points")
        if not len(self.points) and self.box is None and self.mask is None:
            raise InputError("a prompt needs at least one point, a box or a mask")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """An image with its name and, where they are known, its cells."""

    name: str
    image: Image
    instances: Instances | None = None

    def __post_init__(self) -> None:
        if self.instances is not None and self.instances.shape != self.image.shape:
            raise InputError(
                f"{self.name}: the masks are {self.instances.shape}, the image is "
                f"{self.image.shape}; both must have the same rows and columns"
            )

    def with_instances(self, instances: Instances | None) -> Sample:
        """The same image with other cells."""
        return replace(self, instances=instances)


@runtime_checkable
class Segmenter(Protocol):
    """Anything that finds cells: trained, zero-shot, classical or a peer tool."""

    def segment(self, image: Image) -> Instances:
        """Cells of `image`."""
        ...


@runtime_checkable
class PromptSegmenter(Protocol):
    """A segmenter that is told where to look; it keeps no image of its own."""

    def embed(self, image: Image) -> Any:
        """What `masks` needs to know of `image`."""
        ...

    def masks(self, embedding: Any, prompts: Sequence[Prompts]) -> Instances:
        """One instance per prompt, in the order of `prompts`."""
        ...


@runtime_checkable
class Codec(Protocol):
    """Instances to training targets, network outputs to instances."""

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """Targets by name, each (channel, row, column) for dense codecs."""
        ...

    def decode(self, outputs: Mapping[str, Tensor]) -> Instances:
        """Cells from the outputs of one image."""
        ...


@runtime_checkable
class Method(Protocol):
    """A trainable way to find cells: network + criterion + codec."""

    def losses(self, images: Tensor, targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scalar losses by name for a batch of shape (image, channel, row, column)."""
        ...

    def predict(self, images: Tensor) -> list[Instances]:
        """Cells of each image of the batch."""
        ...
