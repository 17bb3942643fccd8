"""Any network's attention in a notebook: `explore(model, text_or_photo)`.

A result shows itself in Jupyter without a server and without a network, and saves itself as a page of its own.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from attention_core.analysis.head_roles import outstanding_heads, within_a_sentence
from attention_core.analysis.stages import most_selective
from attention_core.errors import ControlError, KindError, ModelSourceError
from attention_core.inputs import ImageLike, clean_text, load_image
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models import registry
from attention_core.models.hub.encoder_decoder import EncoderDecoderTrace, HubEncoderDecoder
from attention_core.models.hub.patches import HubPatchModel, PatchTrace
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.traces import HubTextTrace
from attention_core.models.hub.vision import HubVisionModel, HubVisionTrace, PhotoFormat, StagedTrace
from attention_core.models.text import TextModel, TextTrace
from attention_core.models.translation import TranslationTrace
from attention_core.models.translator import Translator
from attention_core.models.vision import VisionClass, VisionModel, VisionTrace

TextReader = TextModel | HubTextModel | HubEncoderDecoder | Translator
PhotoReader = VisionModel | HubVisionModel | HubPatchModel
MISSING = (
    "The figures need Plotly's JavaScript, which the first result of this notebook carries, and which is not in this "
    "page. Run the notebook again from its beginning, or save the result as a page of its own: result.save(path)."
)


@dataclass(frozen=True, eq=False)
class Explored:
    """One text or photo in one network. figures: Plotly's, by name; captions: what each shows, by the same names."""

    title: str
    summary: str
    trace: Trace
    figures: Mapping[str, Any]
    captions: Mapping[str, str]

    def _repr_html_(self) -> str:
        """The figures for a notebook. Plotly's JavaScript is in the first cell that shows a result, for all cells."""
        from attention_core.figures.inline import html_piece

        return html_piece(
            [(name, figure, self.captions[name]) for name, figure in self.figures.items()],
            title=self.title,
            caption=self.summary,
            missing=MISSING,
            carries=_carriers.carries(),
        )

    def save(self, path: str | Path) -> Path:
        """Writes a page that stands alone: it opens anywhere, without a network. Returns where it is."""
        from attention_core.figures.printed import html_page, printed, printed_figure

        body = "\n".join(
            printed_figure(name, printed(figure, self.captions[name])) for name, figure in self.figures.items()
        )
        page = html_page(body, title=self.title, caption=self.summary, language="en")
        written = Path(path).expanduser()
        written.write_text(page, encoding="utf-8")
        return written


def explore(
    model: nn.Module,
    given: str | tuple[str, str] | Path | ImageLike,
    *,
    tokenizer: Any = None,
    layer: int | str | None = None,
    head: int | None = None,
    classes: tuple[VisionClass, ...] = (),
    format: PhotoFormat | None = None,
) -> Explored:
    """What a network's attention makes of a text or a photo: its trace, and figures of it.

    model: one that `load_…` gives, a network of the transformers library (with its `tokenizer`, if it reads text), or
    any photo network with SE, CBAM or patches; it is left as it is. given: a text; two texts as a tuple, of which an
    encoder-decoder is led along the second; a photo as a path or as in `VisionModel.trace`. layer: its number from 0,
    or the name of a stage or of a module with SE or CBAM; head: its number from 0; None = those that the pages open on.
    classes, format: of a photo network that does not bring its own, as in `HubVisionModel`.
    Raises `KindError` for what is no network, no text or no photo, `ControlError` for a layer or head that is not
    there, `UnsupportedModelError` for a network without attention that can be read.
    """
    reader = _reader(model, tokenizer, classes, format)
    trace = reader.trace(*_texts(given)) if isinstance(reader, TextReader) else reader.trace(_image(given))
    architecture = reader.architecture if hasattr(reader, "architecture") else type(reader).__name__
    pictures, summary = _pictures(trace, layer, head)
    return Explored(
        title=f"Attention in {architecture}",
        summary=summary,
        trace=trace,
        figures={name: picture.figure for name, picture in pictures.items()},
        captions={name: picture.caption for name, picture in pictures.items()},
    )


def _reader(
    model: nn.Module, tokenizer: Any, classes: tuple[VisionClass, ...], format: PhotoFormat | None
) -> TextReader | PhotoReader:
    """The network behind the project's traces."""
    if isinstance(model, TextReader | PhotoReader):
        return model
    if not isinstance(model, nn.Module):
        raise KindError(
            "explore.model",
            f"a {type(model).__name__} came where a network is expected: a torch.nn.Module, such as "
            'load_text_model() or torchvision.models.get_model("mobilenet_v3_small", weights="DEFAULT").',
            came=type(model).__name__,
        )
    network: Any = model
    if tokenizer is not None:
        return (HubEncoderDecoder if network.config.is_encoder_decoder else HubTextModel)(network, tokenizer)
    if getattr(network, "main_input_name", None) == "input_ids":
        raise ControlError(
            "explore.tokenizer",
            f"{type(model).__name__} reads text and came without a tokenizer. Pass tokenizer=….",
            name=type(model).__name__,
        )
    config = getattr(network, "config", None)
    if hasattr(config, "patch_size") or any(isinstance(part, nn.MultiheadAttention) for part in model.modules()):
        labels: dict[int, str] = getattr(config, "id2label", None) or {}
        classes = classes or tuple(VisionClass("", labels[index], labels[index], "") for index in sorted(labels))
        side: Any = getattr(config, "image_size", None) or getattr(network, "image_size", None) or PhotoFormat().size
        return HubPatchModel(model, classes, format=format or PhotoFormat(side))
    return HubVisionModel(model, classes, format=format)


def _texts(given: object) -> tuple[str, ...]:
    texts = given if isinstance(given, tuple) else (given,)
    if len(texts) > 2 or not texts:
        raise KindError(
            "text.wrong_type",
            f"{len(texts)} texts came; one or a pair of two is expected.",
            came=f"{len(texts)} texts",
            expected="one text or a pair",
        )
    return tuple(clean_text(text) for text in texts)


def _image(given: Any) -> ImageLike:
    if not isinstance(given, str | Path):
        return given if isinstance(given, Image.Image | np.ndarray | torch.Tensor) else load_image(given)
    path = Path(given).expanduser()
    if not path.is_file():
        raise ModelSourceError("hub.no_file", f"there is no file {path}. Check the path.", name=str(path))
    return load_image(path.read_bytes())


def _pictures(trace: Any, layer: int | str | None, head: int | None) -> tuple[dict[str, Any], str]:
    """Name → picture, and a sentence on what they are of."""
    # Plotly comes with the figures: not before something is drawn.
    from attention_core.photo_pictures import patch_pictures, stage_pictures
    from attention_core.text_pictures import text_pictures, translation_pictures

    if isinstance(trace, VisionTrace | HubVisionTrace):
        if head is not None:
            raise ControlError("explore.no_heads", "SE and CBAM have no heads; leave head out.")
        stage = trace.stages[_stage(trace, layer)]
        places = ", ".join(one.name for one in trace.stages)
        return stage_pictures(trace, trace.stages, stage), f"layer={stage.name!r}, of {places}."
    if isinstance(trace, PatchTrace):
        heads = [one.weights.shape[1] for one in trace.layers]
        layer, head = _chosen(heads, layer, head, (0, 0))
        return patch_pictures(trace, layer, head), _where(layer, head, heads)
    if isinstance(trace, EncoderDecoderTrace | TranslationTrace):
        heads = [one.weights.shape[1] for one in trace.cross]
        layer, head = _chosen(heads, layer, head, (0, 0))
        return translation_pictures(trace, layer, head), _where(layer, head, heads)
    heads = [one.weights.shape[1] for one in trace.layers]
    layer, head = _chosen(heads, layer, head, _opening(trace, heads))
    return text_pictures(trace, layer, head), _where(layer, head, heads)


def _opening(trace: TextTrace, heads: list[int]) -> tuple[int, int]:
    """The head that the pages open on, in the network that ships; else the first."""
    measured = registry.scores("text")
    if isinstance(trace, HubTextTrace) or [len(layer) for layer in measured["heads"]] != heads:
        return 0, 0
    roles = outstanding_heads(measured)
    role = within_a_sentence(roles) if trace.pair is None else next(iter(roles), None)
    return (role.layer, role.head) if role else (0, 0)


def _chosen(heads: list[int], layer: int | str | None, head: int | None, opening: tuple[int, int]) -> tuple[int, int]:
    """The layer and head asked for, or those to open on. heads: of each layer. Raises `ControlError`."""
    first = opening[0] if layer is None else layer
    if not isinstance(first, int) or not 0 <= first < len(heads):
        raise ControlError(
            "explore.layer",
            f"layer is {layer!r}; expected a number from 0 to {len(heads) - 1}.",
            came=layer,
            expected=f"0 … {len(heads) - 1}",
        )
    second = head if head is not None else opening[1] if first == opening[0] else 0
    if not 0 <= second < heads[first]:
        raise ControlError(
            "explore.head",
            f"head is {head!r}; layer {first} has the heads 0 to {heads[first] - 1}.",
            came=head,
            layer=first,
            limit=heads[first] - 1,
        )
    return first, second


def _where(layer: int, head: int, heads: list[int]) -> str:
    return f"layer={layer} of {len(heads)}, head={head} of {heads[layer]}, counted from 0."


def _stage(trace: StagedTrace, layer: int | str | None) -> int:
    """The index of a stage, by number or name; None: of the last with CBAM, or of the SE whose gates differ most."""
    names = [stage.name for stage in trace.stages]
    if layer is None:
        if any(stage.attention is None or isinstance(stage.attention, CBAMTrace) for stage in trace.stages):
            return len(names) - 1
        return names.index(most_selective(trace.stages).name)
    index = names.index(layer) if layer in names else layer
    if not isinstance(index, int) or not 0 <= index < len(names):
        raise ControlError(
            "explore.layer",
            f"layer is {layer!r}; expected a number from 0 to {len(names) - 1}, or one of {', '.join(names)}.",
            came=layer,
            expected=f"0 … {len(names) - 1}, {', '.join(names)}",
        )
    return index


class _Carriers:
    """Which cell of the notebook carries Plotly's JavaScript for all others: the first that has shown a result.

    A cell that is run again carries it again, as its old output is gone. Where nothing tells the cells apart, or their
    outputs are pages by themselves, every result carries it.
    """

    def __init__(self) -> None:
        self._first: str | None = None
        self._lock = threading.Lock()

    def carries(self) -> bool:
        """Whether the result that is being shown has to."""
        cell = _running_cell()
        with self._lock:
            self._first = self._first or cell
            return cell is None or cell == self._first


_carriers = _Carriers()  # of the process, which is the kernel of one notebook


def _running_cell() -> str | None:
    """The id of the notebook's cell that is running, as Jupyter tells it to its kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "get_parent") or "google.colab" in sys.modules:
        return None
    cell: str | None = shell.get_parent().get("metadata", {}).get("cellId")
    return cell
