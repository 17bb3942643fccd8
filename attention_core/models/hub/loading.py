"""Networks by name from a model hub, or from a folder, behind the project's traces.

Nothing that a file could run is ever run: weights come from safetensors alone, and code beside a model is not loaded.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from attention_core.errors import MissingPackageError, UnsupportedModelError, WeightsError
from attention_core.models.hub.encoder_decoder import HubEncoderDecoder
from attention_core.models.hub.files import Progress, fetched
from attention_core.models.hub.text import MAX_TOKENS, HubTextModel
from attention_core.runtime.device import choose_device

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# While the library reads a network it changes torch for the whole process (no values for new weights, another default
# dtype): a second one that is read meanwhile would miss the weights that it ties.
READING = threading.Lock()
INSTALL = "pip install -r requirements-models.txt"

_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def load_hub_text_model(
    source: str | Path,
    device: str | torch.device | None = None,
    *,
    max_tokens: int = MAX_TOKENS,
    endpoint: str | None = None,
    progress: Progress | None = None,
) -> HubTextModel | HubEncoderDecoder:
    """An encoder, a decoder or both of the transformers library, ready to trace, in single precision.

    source: a folder, or a name on the hub such as "bert-base-chinese", which is fetched unless it is there already;
    device: as in `load_text_model`; max_tokens: see `HubTextModel`; endpoint: the address of another hub;
    progress: told the bytes that are here and those in all; what it raises ends the fetch, and the next call goes on.
    Raises `MissingPackageError` without the library, `ModelSourceError` for what cannot be fetched,
    `UnsupportedModelError` for what cannot be read here, `WeightsError` for weights that are damaged or incomplete.
    """
    require_transformers()
    folder = fetched(source, endpoint, progress)
    network, tokenizer = read_folder(folder)
    torch.nn.Module.to(network, choose_device(device))
    kind = HubEncoderDecoder if network.config.is_encoder_decoder else HubTextModel
    return kind(network, tokenizer, max_tokens)


def require_transformers() -> None:
    """Raises `MissingPackageError` where the library is not installed."""
    try:
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            "hub.package",
            f"models of the hub need the package transformers, which is not installed. Run: {INSTALL}",
            package="transformers",
            command=INSTALL,
        ) from error


def read_folder(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The network, with the head that its config names, and the tokenizer of a folder; on the CPU.

    Raises `UnsupportedModelError`, `WeightsError`.
    """
    config = _checked_config(folder)
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
        found = f"only {', '.join(pickles)}, which could run code when opened" if pickles else "no weights"
        raise UnsupportedModelError(
            "hub.no_safetensors",
            f"{folder.name} has {found}; expected *.safetensors. Convert the weights, or choose another model.",
            name=folder.name,
            found=tuple(pickles),
        )
    return _network(folder, config), _tokenizer(folder)


def _checked_config(folder: Path) -> dict[str, Any]:
    from transformers import CONFIG_MAPPING

    try:
        config: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnsupportedModelError(
            "hub.no_config",
            f"{folder.name} has no readable config.json; expected a model as the transformers library saves it.",
            name=folder.name,
        ) from error
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in CONFIG_MAPPING:
        raise UnsupportedModelError(
            "hub.architecture",
            f"{folder.name} is of type {kind!r}, which the installed transformers library does not have; code that "
            "comes with a model is not run. Update the library, or choose another model.",
            name=folder.name,
            kind=kind,
        )
    checked: dict[str, Any] = config
    return checked


def _network(folder: Path, config: dict[str, Any]) -> PreTrainedModel:
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM
    from transformers.models.auto import modeling_auto

    loaders: dict[Any, Any] = {
        AutoModelForMaskedLM: modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        AutoModelForSeq2SeqLM: modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        AutoModelForCausalLM: modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    }
    architectures = set(config.get("architectures") or ())
    loader: Any = next((auto for auto, names in loaders.items() if architectures & set(names.values())), AutoModel)
    try:
        with READING:
            network, report = loader.from_pretrained(
                folder,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (SafetensorError, OSError, RuntimeError) as error:
        raise WeightsError(
            "hub.damaged",
            f"the weights of {folder.name} cannot be read: they are cut off, altered, or not those of its config.json. "
            "Fetch them again.",
            name=folder.name,
        ) from error
    except Exception as error:  # whatever a config leads to that no network can be built from
        raise UnsupportedModelError(
            "hub.unsupported",
            f"no network that reads text can be built from the config.json of {folder.name}: {error}",
            name=folder.name,
            reason=str(error),
        ) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        raise WeightsError(
            "hub.missing_weights",
            f"{folder.name} lacks {len(missing)} of its network's tensors, such as {missing[0]}; they would be random.",
            name=folder.name,
            count=len(missing),
            tensor=missing[0],
        )
    model: PreTrainedModel = network.eval().requires_grad_(False)
    return model


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerBase | None = None
    cause: Exception | None = None
    if any(next(folder.glob(pattern), None) for pattern in _TOKENIZERS):  # of nothing the library makes an empty one
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        except Exception as error:  # whatever the many kinds of files lead to
            cause = error
    if tokenizer is None:
        raise UnsupportedModelError(
            "hub.no_tokenizer",
            f"{folder.name} has no tokenizer that can be read; expected a tokenizer.json.",
            name=folder.name,
        ) from cause
    return tokenizer
