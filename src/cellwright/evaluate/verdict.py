"""A comparison of runs in plain English: who wins, by how much, or that it is not settled."""

from __future__ import annotations

from cellwright.evaluate.contest import Bounded, ComparedFigure, Difference, RunComparison
from cellwright.evaluate.pairwise import FEWEST

#: What the better run does, by how the path of the figure begins or ends.
_CLAIMS = (
    ("fnr", "misses fewer cells than"),
    ("AFNR", "misses fewer cells than"),
    ("matching/", "finds the cells better than"),
    ("coco/", "finds the cells better than"),
    ("panoptic/", "finds the cells better than"),
    ("aggregated/", "finds the cells better than"),
    ("pixel/", "covers the foreground better than"),
    ("boundary/", "outlines the cells better than"),
)


def sentence(comparison: RunComparison) -> str:
    """All that `sentences` says, as one text."""
    return " ".join(sentences(comparison))


def sentences(comparison: RunComparison) -> tuple[str, ...]:
    """Who wins by the main figure and by how much, and whether the other figures agree.

    Of more than two runs the best is set against each of the others; p values are then
    corrected for all pairs.
    """
    figure = comparison.figure(comparison.main)
    best, *others = comparison.ranking
    said = []
    if len(others) > 1:
        values = ", ".join(f"{name} {_value(figure.values[name])}" for name in comparison.ranking)
        said.append(f"By {phrase(figure.name)}, best first: {values}.")
    said += [pair_sentence(comparison, figure, best, other) for other in others]
    if len(others) == 1 and len(comparison.figures) > 1 and comparison.images >= FEWEST:
        said.append(_agreement(comparison, best, others[0]))
    return tuple(said)


def pair_sentence(
    comparison: RunComparison, figure: ComparedFigure, first: str, second: str
) -> str:
    """What one figure says of two runs."""
    found = figure.difference(first, second)
    if found.value is None:
        return f"{_capital(phrase(figure.name))} is not defined for {first} or {second}."
    images = _count(comparison.images, "image")
    values = (
        f"{phrase(figure.name)} is {_value(figure.values[first])} against "
        f"{_value(figure.values[second])}, {found.value:+.3f}"
    )
    several = len(figure.differences)
    if comparison.images < FEWEST:
        return (
            f"{_capital(images)} {'is' if comparison.images == 1 else 'are'} too few for a test "
            f"to settle between {first} and {second}: {values}; at least {FEWEST} are wanted."
        )
    if found.low is None and found.p is None:
        return (
            f"{_capital(values)} over {images}; without the predictions and the truth it cannot "
            "be said whether that is chance."
        )
    if found.better is None:
        facts = _facts(found, several, "95 % interval ")
        return f"{_capital(images)} cannot tell {first} and {second} apart: {values}{facts}."
    loser = second if found.better == first else first
    if found.better != first:
        return pair_sentence(comparison, figure, found.better, loser)
    facts = _facts(found, several, "95 % interval ", images)
    return f"{first} {claim(figure.path)} {second}: {values}{facts}."


def claim(path: str) -> str:
    """What the better run does, as "finds the cells better than".

    >>> claim("matching/mean/fnr"), claim("pixel/iou"), claim("partition/rand")
    ('misses fewer cells than', 'covers the foreground better than', 'does better than')
    """
    for mark, words in _CLAIMS:
        if path.endswith(mark) if not mark.endswith("/") else path.startswith(mark):
            return words
    return "does better than"


def phrase(name: str) -> str:
    """The name of a figure within a sentence; abbreviations stay as they are.

    >>> phrase("Accuracy at IoU 0.50"), phrase("AFNR"), phrase("F1 at IoU 0.50")
    ('accuracy at IoU 0.50', 'AFNR', 'F1 at IoU 0.50')
    """
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def p_text(p: float) -> str:
    """A p value as a reader wants it.

    >>> p_text(1 / 10_001), p_text(0.7123), p_text(1.0), p_text(1e-6)
    ('p = 0.0001', 'p = 0.71', 'p = 1', 'p < 0.0001')
    """
    if p < 0.00005:
        return "p < 0.0001"
    return f"p = {p:.2g}" if p >= 0.001 else f"p = {p:.4f}"


def _facts(found: Difference, several: int, interval: str, *more: str) -> str:
    parts = []
    if found.low is not None and found.high is not None:
        parts.append(f"{interval}{found.low:+.3f} to {found.high:+.3f}")
    if found.p_holm is not None:
        corrected = f" corrected for {several} pairs" if several > 1 else ""
        parts.append(f"{p_text(found.p_holm)}{corrected}")
    parts += more
    return f" ({', '.join(parts)})" if parts else ""


def _agreement(comparison: RunComparison, first: str, second: str) -> str:
    others = [f for f in comparison.figures if f.path != comparison.main]
    won = {name: [] for name in (first, second)}  # type: dict[str, list[str]]
    for figure in others:
        better = figure.difference(first, second).better
        if better is not None:
            won[better].append(phrase(figure.name))
    count = _count(len(others), "other figure")
    if not won[first] and not won[second]:
        return f"None of the {count} settles it either."
    if len(won[first]) == len(others):
        return f"All {count} say so too." if len(others) > 1 else f"So says {others[0].name}."
    parts = [
        f"{name} is better in {len(names)}" + (f" ({', '.join(names)})" if len(names) <= 3 else "")
        for name, names in won.items()
        if names
    ]
    open_ = len(others) - len(won[first]) - len(won[second])
    rest = f"; {open_} {'is' if open_ == 1 else 'are'} not settled" if open_ else ""
    return f"Of {count}, {' and '.join(parts)}{rest}."


def _value(bounded: Bounded) -> str:
    return "undefined" if bounded.value is None else f"{bounded.value:.3f}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
