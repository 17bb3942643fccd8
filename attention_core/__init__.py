"""Attention mechanisms that return everything they compute, and trained networks that contain them."""

from attention_core.errors import (
    AttentionCoreError,
    ControlError,
    InputError,
    KindError,
    MissingPackageError,
    ModelSourceError,
    ShapeError,
    UnsupportedModelError,
    WeightsError,
)
from attention_core.inputs import clean_text, load_image
from attention_core.mechanisms.cbam import (
    CBAM,
    CBAMTrace,
    ChannelAttention,
    ChannelAttentionTrace,
    SpatialAttention,
    SpatialAttentionTrace,
)
from attention_core.mechanisms.cross_attention import CrossAttentionTrace, MultiHeadCrossAttention
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention, MultiHeadTrace
from attention_core.mechanisms.self_attention import SelfAttention, SelfAttentionTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitation, SqueezeExcitationTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.hub.description import ModelDescription, describe
from attention_core.models.hub.encoder_decoder import EncoderDecoderTrace, HubEncoderDecoder
from attention_core.models.hub.found import find_attention
from attention_core.models.hub.generation import generate
from attention_core.models.hub.loading import load_hub_text_model
from attention_core.models.hub.patches import HubPatchModel, PatchTrace
from attention_core.models.hub.photos import load_hub_vision_model
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.traces import HubAttentionTrace, HubTextTrace
from attention_core.models.hub.vision import HubVisionModel, HubVisionTrace, PhotoFormat
from attention_core.models.insertion import AttendedModel, AttendedTrace, insert_attention
from attention_core.models.registry import load_text_model, load_translator, load_vision_model
from attention_core.models.text import TextConfig, TextModel, TextTrace
from attention_core.models.tokenization import Token
from attention_core.models.translation import TranslationStep, TranslationTrace, TranslatorConfig
from attention_core.models.translator import Translator
from attention_core.models.vision import StageTrace, VisionClass, VisionConfig, VisionModel, VisionTrace
from attention_core.models.writing import GenerationStep, likeliest, sampled, sampling_probabilities
from attention_core.notebook import Explored, explore

__all__ = [
    "CBAM",
    "AttendedModel",
    "AttendedTrace",
    "AttentionCoreError",
    "CBAMTrace",
    "ChannelAttention",
    "ChannelAttentionTrace",
    "ControlError",
    "CrossAttentionTrace",
    "EncoderDecoderTrace",
    "Explored",
    "GenerationStep",
    "HubAttentionTrace",
    "HubEncoderDecoder",
    "HubPatchModel",
    "HubTextModel",
    "HubTextTrace",
    "HubVisionModel",
    "HubVisionTrace",
    "InputError",
    "KindError",
    "MissingPackageError",
    "ModelDescription",
    "ModelSourceError",
    "MultiHeadCrossAttention",
    "MultiHeadSelfAttention",
    "MultiHeadTrace",
    "PatchTrace",
    "PhotoFormat",
    "SelfAttention",
    "SelfAttentionTrace",
    "ShapeError",
    "SpatialAttention",
    "SpatialAttentionTrace",
    "SqueezeExcitation",
    "SqueezeExcitationTrace",
    "StageTrace",
    "TextConfig",
    "TextModel",
    "TextTrace",
    "Token",
    "Trace",
    "TranslationStep",
    "TranslationTrace",
    "Translator",
    "TranslatorConfig",
    "UnsupportedModelError",
    "VisionClass",
    "VisionConfig",
    "VisionModel",
    "VisionTrace",
    "WeightsError",
    "clean_text",
    "describe",
    "explore",
    "find_attention",
    "generate",
    "insert_attention",
    "likeliest",
    "load_hub_text_model",
    "load_hub_vision_model",
    "load_image",
    "load_text_model",
    "load_translator",
    "load_vision_model",
    "sampled",
    "sampling_probabilities",
]
