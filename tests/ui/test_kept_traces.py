"""What many visitors use is kept, however much one of them asks for."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from ui.inputs import networks
from ui.inputs.networks import SHORT, Photo, text_trace


def noise(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (30, 20, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_sentences_of_a_hall_are_kept() -> None:
    traces = [text_trace(f"cat {number}", None) for number in range(50)]
    assert all(text_trace(f"cat {number}", None) is trace for number, trace in enumerate(traces))


def test_long_texts_push_no_sentence_out() -> None:
    trace = text_trace("a cat drinks milk", None)
    for number in range(260):  # more than sentences are kept
        text_trace(f"{number}" * SHORT, None)
    assert text_trace("a cat drinks milk", None) is trace


def test_the_size_of_a_photo_is_known_when_it_is_no_longer_decoded() -> None:
    photo = Photo(noise(0))
    assert photo.size == (20, 30)
    for seed in range(1, 10):
        assert Photo(noise(seed)).image.size == (20, 30)
    photo.data = b"no longer there"
    assert photo.size == (20, 30)


def test_uploads_push_no_sample_out() -> None:
    decoded = networks.sample("cat").image
    for seed in range(10):
        _ = Photo(noise(seed)).image
    assert networks.sample("cat").image is decoded
