"""Rules by which a cell is called: named presets that ship, or a file of the user's own.

A rule is a TOML file of a dozen values (``cellwright/measure/rules/``). It is read strictly: an
unknown key is an error, since a threshold that is silently not applied would change a call.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from cellwright.types import InputError

PRESETS = ("four-colour", "katz2010")
NORMAL, GAIN, DELETION, CAC = "normal", "gain", "deletion", "CAC"
#: what a cell can be called; a cell that is not called is none of them
CALLS = (NORMAL, GAIN, DELETION, CAC)
_FOLDER = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How counts become a call, and when a sample is flagged; see ``rules/four-colour.toml``.

    Parameters
    ----------
    name, about
        What it is called, and what it says in words.
    gain_min, loss_max
        Signals of a probe from which it is gained, and up to which it is lost.
    min_gained_probes, min_lost_probes
        Gained or lost probes from which a cell is a CAC; 0 means never by these alone.
    precedence
        The order in which CAC, gain and deletion are looked for; the first that fits is the call.
    merge_distance_um, merge_distance_px
        Distance up to which spots are halves of one signal, with and without a pixel size.
    cutoff_cacs, cutoff_ul
        CACs per so many microlitres of blood from which a sample is flagged.
    """

    name: str
    about: str = ""
    gain_min: int
    loss_max: int
    min_gained_probes: int
    min_lost_probes: int
    precedence: tuple[str, ...]
    merge_distance_um: float
    merge_distance_px: float
    cutoff_cacs: float
    cutoff_ul: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "precedence", tuple(self.precedence))
        if sorted(self.precedence) != sorted((CAC, GAIN, DELETION)):
            raise InputError(
                f"precedence {list(self.precedence)} came: CAC, gain and deletion are wanted, each "
                "once, in the order in which they count"
            )
        if not 0 <= self.loss_max < self.gain_min:
            raise InputError(
                f"loss_max {self.loss_max} and gain_min {self.gain_min} came: a number of signals "
                "would be a loss and a gain; loss_max must be smaller, and 0 or more"
            )
        for name in ("min_gained_probes", "min_lost_probes"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name)} came: 0 or more is wanted")
        if not self.min_gained_probes and not self.min_lost_probes:
            raise InputError(
                "min_gained_probes and min_lost_probes are both 0: no cell could be a CAC"
            )
        for name in ("merge_distance_um", "merge_distance_px", "cutoff_cacs", "cutoff_ul"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} {getattr(self, name)} came: more than 0 is wanted")

    def record(self) -> dict[str, Any]:
        """All values as JSON has them."""
        return {**asdict(self), "precedence": list(self.precedence)}


def read_rule(rule: str | Path) -> Rule:
    """The preset of a name, or the rule in a TOML file.

    Parameters
    ----------
    rule
        One of `PRESETS`, or the path of a file that ends in ``.toml``.

    Raises
    ------
    InputError
        If there is none, it is not TOML, or a key is unknown, missing or of the wrong kind.
    """
    if str(rule) in PRESETS:
        text = files("cellwright.measure").joinpath(_FOLDER, f"{rule}.toml").read_text("utf-8")
        return parse_rule(tomllib.loads(text), str(rule))
    path = Path(rule)
    if path.suffix.lower() != ".toml":
        raise InputError(
            f"there is no rule {str(rule)!r}; there are {', '.join(PRESETS)}, or give a .toml file"
        )
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: the rule cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    return parse_rule(raw, str(path))


def parse_rule(raw: Mapping[str, Any], source: str) -> Rule:
    """`raw` as a rule; `source` stands at the head of an error."""
    known = {field.name: field for field in fields(Rule)}
    unknown = [key for key in raw if key not in known]
    if unknown:
        raise InputError(
            f"{source}: unknown key {', '.join(unknown)}; known are {', '.join(known)}"
        )
    missing = [key for key in known if key not in raw and key != "about"]
    if missing:
        raise InputError(f"{source}: {', '.join(missing)} is missing; see the preset four-colour")
    for key, value in raw.items():
        if not _fits(str(known[key].type), value):
            raise InputError(f"{source}: {key} = {value!r} came; {_WANTED[str(known[key].type)]}")
    try:
        return Rule(**raw)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


_WANTED = {
    "str": "text is wanted",
    "int": "a whole number is wanted",
    "float": "a number is wanted",
    "tuple[str, ...]": "a list of CAC, gain and deletion is wanted",
}


def _fits(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if kind == "str":
        return isinstance(value, str)
    if kind == "int":
        return isinstance(value, int)
    if kind == "float":
        return isinstance(value, int | float)
    return isinstance(value, list) and all(isinstance(v, str) for v in value)
