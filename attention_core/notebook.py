"""Any network's attention in a notebook: `explore(model, text_or_photo)`.

A result shows itself in Jupyter without a server and without a network, and saves itself as a page of its own.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from attention_core.errors import ControlError, KindError, ModelSourceError
from attention_core.inputs import ImageLike, clean_text, load_image
from attention_core.mechanisms.trace import Trace
from attention_core.models.hub.encoder_decoder import HubEncoderDecoder
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.vision import HubVisionModel, PhotoFormat
from attention_core.models.text import TextModel
from attention_core.models.translator import Translator
from attention_core.models.vision import VisionClass, VisionModel
from attention_core.stories.story import Story
from attention_core.words import Language, Say, spoken

TextReader = TextModel | HubTextModel | HubEncoderDecoder | Translator
PhotoReader = VisionModel | HubVisionModel | HubPatchModel


@dataclass(frozen=True, eq=False)
class Explored:
    """One text or photo in one network: its trace, and the stories that it tells, in one language."""

    title: str
    summary: str
    trace: Trace
    stories: tuple[Story, ...]
    language: Language

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """The figures of all stories by name, Plotly's."""
        from attention_core.stories.drawing import drawn

        return {name: drawn(one, self.language) for story in self.stories for name, one in story.figures.items()}

    @property
    def captions(self) -> Mapping[str, str]:
        """What each figure shows, by the same names."""
        shown = (figure for story in self.stories for figure in story.figures.items())
        return {name: spoken(figure.alt, self.language) for name, figure in shown}

    def _repr_html_(self) -> str:
        """The stories for a notebook. Plotly's JavaScript is in the first cell that shows a result, for all cells."""
        from attention_core.figures.inline import FIGURE, html_piece

        figures: list[Any] = []

        def placed(_: str, figure: Any, alt: str) -> str:
            figures.append(figure)
            return FIGURE.format(heading=escape(alt))

        body = self._written(placed)
        return html_piece(
            body,
            figures,
            title=self.title,
            caption=self.summary,
            missing=spoken(Say("notebook.missing"), self.language),
            carries=_carriers.carries(),
        )

    def save(self, path: str | Path) -> Path:
        """Writes a page that stands alone: it opens anywhere, without a network. Returns where it is."""
        from attention_core.figures.printed import html_page, printed_figure

        body = self._written(lambda _, figure, alt: printed_figure(alt, figure))
        page = html_page(body, title=self.title, caption=self.summary, language=self.language)
        written = Path(path).expanduser()
        written.write_text(page, encoding="utf-8")
        return written

    def _written(self, placed: Callable[[str, Any, str], str]) -> str:
        from attention_core.stories.writing import story_html

        return "\n".join(story_html(story, self.language, placed) for story in self.stories)


def explore(
    model: nn.Module,
    given: str | tuple[str, str] | Path | ImageLike,
    *,
    tokenizer: Any = None,
    layer: int | str | None = None,
    head: int | None = None,
    query: int | None = None,
    classes: tuple[VisionClass, ...] = (),
    format: PhotoFormat | None = None,
    language: Language = "en",
) -> Explored:
    """What a network's attention makes of a text or a photo: its trace, and the stories that the pages tell of it.

    model: one that `load_…` gives, a network of the transformers library (with its `tokenizer`, if it reads text), or
    any photo network with SE, CBAM or patches; it is left as it is. given: a text; two texts as a tuple, of which an
    encoder-decoder is led along the second; a photo as a path or as in `VisionModel.trace`. layer: its number from 0,
    or the name of a stage or of a module with SE or CBAM; head, query: the head and the token (or patch) that is
    followed, from 0; None = those that the pages open on. classes, format: of a photo network that does not bring its
    own, as in `HubVisionModel`. language: "en" or "zh".
    Raises `KindError` for what is no network, no text or no photo, `ControlError` for a layer, head or token that is
    not there, `UnsupportedModelError` for a network without attention that can be read.
    """
    # Plotly comes with the stories: not before something is drawn.
    from attention_core.stories.telling import tell

    reader = _reader(model, tokenizer, classes, format)
    trace = reader.trace(*_texts(given)) if isinstance(reader, TextReader) else reader.trace(_image(given))
    architecture = reader.architecture if hasattr(reader, "architecture") else type(reader).__name__
    stories, where = tell(reader, trace, layer=layer, head=head, query=query)
    return Explored(
        title=spoken(Say("notebook.title", {"name": architecture}), language),
        summary=spoken(where, language),
        trace=trace,
        stories=stories,
        language=language,
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
