"""From a name or a path to a network; only what lies on this machine is loaded."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from cellwright.label.sam.weights import SAM_WEIGHTS, Weights, names
from cellwright.types import InputError

log = logging.getLogger(__name__)


def load_network(name_or_path: str | Path) -> Any:
    """The ``SamModel`` or ``Sam2Model`` meant, in evaluation mode, on the CPU, in float32.

    Parameters
    ----------
    name_or_path
        A name of `cellwright.label.sam.weights.SAM_WEIGHTS`, an id of the Hugging Face hub that
        lies in its local cache, a folder in the format of `transformers`, or an
        original-format checkpoint file.

    Raises
    ------
    InputError
        If `transformers` is not installed, or the model is unknown, not here, or damaged.
    """
    _need_transformers()
    text = str(name_or_path)
    path = Path(name_or_path).expanduser()
    record = next((r for r in SAM_WEIGHTS if text in (r.name, r.hub_id)), None)
    if record is not None:
        return _load_record(record)
    if path.is_dir():
        return _load_folder(path)
    if path.is_file():
        from cellwright.label.sam.convert import load_original

        return load_original(path)
    if text.count("/") == 1 and not path.suffix:
        return _load_hub(
            text, None, f"download it with your own tools, then give {path.name}'s path"
        )
    raise InputError(
        f"{text!r} is neither a file, a folder nor a model; models are "
        f"{', '.join(names(SAM_WEIGHTS))}: `cellwright models fetch NAME` gets one"
    )


def _load_record(record: Weights) -> Any:
    if record.is_here:
        if record.path.is_dir():
            return _load_folder(record.path)
        from cellwright.label.sam.convert import load_original

        return load_original(record.path)
    help_ = (
        f"`cellwright models fetch {record.name}` gets it ({record.licence}), or give the path of "
        "a folder in the format of transformers or of an original checkpoint file instead"
    )
    if record.hub_id is None:
        raise InputError(f"the model {record.name} is not on this machine; {help_}")
    return _load_hub(record.hub_id, record.revision, help_)


def _load_hub(hub_id: str, revision: str | None, help_: str) -> Any:
    """A model of the hub's local cache; nothing is downloaded."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(hub_id, revision=revision, local_files_only=True)
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise InputError(f"the model {hub_id} is not on this machine; {help_}") from error
    return _load_folder(Path(folder))


def _load_folder(folder: Path) -> Any:
    import transformers

    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} has no readable config.json: a folder in the format of transformers has "
            "config.json and model.safetensors"
        ) from error
    classes = {"sam": "SamModel", "sam2": "Sam2Model", "sam2_video": "Sam2Model"}
    if kind not in classes:
        raise InputError(f"{folder} holds a {kind!r} model; wanted is one of {', '.join(classes)}")
    chosen = getattr(transformers, classes[kind])
    from transformers.utils import logging as said

    shown = said.is_progress_bar_enabled()
    said.disable_progress_bar()
    try:
        model, facts = chosen.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except Exception as error:
        line = " ".join(str(error).split())
        raise InputError(f"{folder}: the weights cannot be loaded: {line[:300]}") from error
    finally:
        if shown:
            said.enable_progress_bar()
    tied = {"shared_image_embedding.positional_embedding"}
    missing = sorted(set(facts.get("missing_keys", ())) - tied)
    wrong = list(facts.get("mismatched_keys", ()))
    if missing or wrong:
        raise InputError(
            f"{folder}: {len(missing)} weights are missing {missing[:2]}, {len(wrong)} do not fit"
        )
    return model.float().eval()


def _need_transformers() -> None:
    try:
        import transformers  # noqa: F401
    except ImportError as error:
        raise InputError(
            "SAM needs the extra 'sam': install it with `pip install cellwright[sam]`"
        ) from error
