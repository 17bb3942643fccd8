"""The public contract: what `attention_core` offers."""

from __future__ import annotations

import attention_core


def test_every_public_name_is_there_and_documented() -> None:
    for name in attention_core.__all__:
        assert getattr(attention_core, name).__doc__, name


def test_the_contract_is_public() -> None:
    contract = {
        "SelfAttention", "MultiHeadSelfAttention", "SqueezeExcitation", "ChannelAttention", "SpatialAttention", "CBAM",
        "load_text_model", "load_vision_model", "TextModel", "TextTrace", "VisionModel", "VisionTrace",
        "insert_attention", "AttendedModel", "AttendedTrace",
    }  # fmt: skip
    assert contract <= set(attention_core.__all__)
