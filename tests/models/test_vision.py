"""The vision networks: their trace is their forward pass, and every what-if does what it says and no more."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from attention_core.errors import AttentionCoreError, ControlError, KindError, ShapeError
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.mechanisms.squeeze_excitation import SqueezeExcitationTrace
from attention_core.models.vision import (
    ResidualBlock,
    VisionClass,
    VisionConfig,
    VisionModel,
    VisionTrace,
    masked_mean,
)
from tests.models.small_vision import SIZES

SIZE = 16
CLASSES = tuple(VisionClass(f"n{index}", name, name, "dog") for index, name in enumerate(("pug", "collie", "husky")))
KINDS = ("plain", "se", "cbam")
NAN = math.nan


def build(kind: str, *, dtype: torch.dtype = torch.float64, training: bool = False) -> VisionModel:
    """A small network whose norms are not those of a new one."""
    torch.manual_seed(0)
    config = VisionConfig(kind, len(CLASSES), image_size=SIZE, **SIZES)  # type: ignore[arg-type]
    model = VisionModel(config, CLASSES).train(training)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -0.3, 0.3)
            nn.init.uniform_(part.running_var, 0.3, 1.5)
            nn.init.uniform_(part.weight, 0.5, 2.0)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    return model.to(dtype)


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> VisionModel:
    return build(request.param)


def photo(width: int = SIZE, height: int = SIZE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def close(came: Tensor, expected: Tensor, atol: float = 1e-9) -> None:
    torch.testing.assert_close(came, expected, rtol=0, atol=atol)


def masked_by(trace: VisionTrace) -> Tensor | None:
    attention = trace.stages[-1].attention
    return attention.spatial.mask if isinstance(attention, CBAMTrace) else None


# The trace is the forward pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_trace_equals_forward(kind: str, training: bool) -> None:
    model = build(kind, training=training)
    trace = model.trace(photo())
    close(trace.logits, model(trace.image[None])[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1)])
def test_trace_equals_forward_in_less_precision(kind: str, dtype: torch.dtype, rounding: float) -> None:
    model = build(kind, dtype=dtype)
    trace = model.trace(photo())
    assert trace.image.dtype == trace.logits.dtype == trace.stages[0].features.dtype == dtype
    close(trace.logits.float(), model(trace.image[None])[0].float(), atol=rounding)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("kind", KINDS)
def test_trace_equals_forward_on_cuda(kind: str) -> None:
    model = build(kind).cuda()
    trace = model.trace(photo())
    assert trace.logits.is_cuda
    close(trace.logits, model(trace.image[None])[0])


def test_trace_equals_forward_channels_last(model: VisionModel) -> None:
    expected = model.trace(photo()).logits
    images = model.trace(photo()).image[None].contiguous(memory_format=torch.channels_last)
    close(model(images)[0], expected)
    model.to(memory_format=torch.channels_last)
    close(model(images)[0], expected)
    close(model.trace(photo()).logits, expected)


def test_forward_takes_a_batch(model: VisionModel) -> None:
    traces = [model.trace(photo(seed=seed)) for seed in range(3)]
    together = model(torch.stack([trace.image for trace in traces]))
    close(together, torch.stack([trace.logits for trace in traces]))


def test_stages_chain_from_the_photo_to_the_logits(model: VisionModel) -> None:
    trace = model.trace(photo())
    assert model.stage_names == ("stage1", "stage2", "stage3")
    assert tuple(stage.name for stage in trace.stages) == model.stage_names
    assert [tuple(stage.features.shape) for stage in trace.stages] == [(1, 4, 8, 8), (1, 6, 4, 4), (1, 9, 4, 4)]
    x = model.stem((trace.image[None] - 0.45) / 0.27)
    for part, stage in zip(model.stages, trace.stages, strict=True):
        close(stage.features, part(x))
        x = stage.output
    close(trace.pooled, masked_mean(x, masked_by(trace))[0])
    close(trace.logits, model.classifier.weight @ trace.pooled + model.classifier.bias)


def test_a_block_is_two_convolutions_and_a_shortcut() -> None:
    block, x = build("plain").stages[1][0], torch.randn(1, 4, 8, 8, dtype=torch.float64)

    def normed(maps: Tensor, norm: nn.BatchNorm2d) -> Tensor:
        mean, variance, gain, shift = (
            tensor[:, None, None] for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        return (maps - mean) / (variance + norm.eps).sqrt() * gain + shift

    branch = normed(nn.functional.conv2d(x, block.conv1.weight, stride=2, padding=1), block.norm1).clamp_min(0)
    branch = normed(nn.functional.conv2d(branch, block.conv2.weight, padding=1), block.norm2)
    convolution, norm = block.shortcut
    shortcut = normed(nn.functional.conv2d(x, convolution.weight, stride=2), norm)
    close(block(x), (branch + shortcut).clamp_min(0))


def test_only_the_first_block_of_a_stage_changes_width_and_steps() -> None:
    stage, x = build("plain").stages[2], torch.randn(1, 6, 4, 4, dtype=torch.float64)
    first, second = stage
    assert [tuple(block.conv1.weight.shape[:2]) for block in stage] == [(9, 6), (9, 9)]
    assert isinstance(second.shortcut, nn.Identity)
    assert [block.conv2.dilation for block in stage] == [(1, 1), (2, 2)]
    close(stage(x), second(first(x)))


@pytest.mark.parametrize("stride", [1, 2])
def test_the_stem_steps_as_it_was_told(stride: int) -> None:
    model = VisionModel(VisionConfig("plain", 3, image_size=SIZE, **(SIZES | {"stem_stride": stride}))).eval()
    sides = [stage.features.shape[-1] for stage in model.trace(photo()).stages]
    assert sides == [SIZE // stride // step for step in (1, 2, 2)]


# Attention in its stage


def test_stages_of_the_plain_network_have_no_attention() -> None:
    for stage in build("plain").trace(photo()).stages:
        assert stage.attention is None
        close(stage.output, stage.features, atol=0)


def test_squeeze_excitation_reads_the_features_and_gives_the_output() -> None:
    model = build("se")
    for part, stage in zip(model.attentions, model.trace(photo()).stages, strict=True):
        assert isinstance(stage.attention, SqueezeExcitationTrace)
        close(stage.attention.input, stage.features, atol=0)
        close(stage.attention.output, stage.output, atol=0)
        close(stage.output, part(stage.features))
        close(stage.output, stage.features * stage.attention.weights[:, :, None, None])


def test_cbam_reads_the_features_and_gives_the_output() -> None:
    model = build("cbam")
    for part, stage in zip(model.attentions, model.trace(photo()).stages, strict=True):
        assert isinstance(stage.attention, CBAMTrace)
        close(stage.attention.channel.input, stage.features, atol=0)
        close(stage.attention.output, stage.output, atol=0)
        close(stage.output, part(stage.features))
        gates, mask = stage.attention.channel.weights[:, :, None, None], stage.attention.spatial.mask
        close(stage.output, stage.features * gates * mask)


# Pooling


@pytest.mark.parametrize("kind", ["plain", "se"])
def test_without_a_mask_the_maps_are_averaged(kind: str) -> None:
    trace = build(kind).trace(photo())
    for c, plane in enumerate(trace.stages[-1].output[0].tolist()):
        numbers = [number for row in plane for number in row]
        assert float(trace.pooled[c]) == pytest.approx(sum(numbers) / len(numbers), abs=1e-12)


@pytest.mark.parametrize("order", ["channel-first", "spatial-first"])
def test_with_a_mask_they_are_averaged_by_it(order: str) -> None:
    trace = build("cbam").trace(photo(), overrides={"stage3": {"order": order}})
    attention = trace.stages[-1].attention
    assert isinstance(attention, CBAMTrace)
    mask = attention.spatial.mask[0, 0].tolist()
    features = trace.stages[-1].features[0] * attention.channel.weights[0, :, None, None]  # F: after the channel gates
    for c, plane in enumerate(features.tolist()):
        weighted = sum(m * f for ms, fs in zip(mask, plane, strict=True) for m, f in zip(ms, fs, strict=True))
        assert float(trace.pooled[c]) == pytest.approx(weighted / sum(map(sum, mask)), abs=1e-9)


def test_stages_of_the_fast_path_are_those_of_the_trace(model: VisionModel) -> None:
    trace = model.trace(photo())
    for (output, mask), stage in zip(model.attended(trace.image[None]), trace.stages, strict=True):
        close(output, stage.output)
        assert (mask is None) == (stage.spatial_mask is None)
        if mask is not None and stage.spatial_mask is not None:
            close(mask, stage.spatial_mask)


def test_pooling_worked_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    mask = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]])
    # Σ M·F = 0·1 + 1·2 + 0.5·3 + 0.5·4 = 5.5; Σ M = 2; their quotient is 2.75, where the plain mean is 2.5
    assert masked_mean(features * mask, mask).tolist() == [[2.75]]
    assert masked_mean(features, None).tolist() == [[2.5]]
    assert masked_mean(features * 0, mask * 0).tolist() == [[0.0]]


def test_a_constant_mask_is_plain_averaging() -> None:
    trace = build("cbam").trace(photo(), overrides={"stage3": {"mask_override": torch.full((4, 4), 0.25)}})
    attention = trace.stages[-1].attention
    assert isinstance(attention, CBAMTrace)
    close(trace.pooled, attention.channel.output.mean(dim=(2, 3))[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_mask_painted_black_gives_finite_numbers(dtype: torch.dtype) -> None:
    model = build("cbam", dtype=dtype)
    black = {"stage1": torch.zeros(8, 8), "stage2": torch.zeros(4, 4), "stage3": torch.zeros(4, 4)}
    trace = model.trace(photo(), overrides={name: {"mask_override": mask} for name, mask in black.items()})
    assert bool((trace.pooled == 0).all())
    close(trace.logits, model.classifier.bias, atol=0)
    assert float(trace.probabilities.sum()) == pytest.approx(1, abs=1e-3)


# The photo


@pytest.mark.parametrize(
    ("width", "height", "crop"),
    [
        (16, 16, (0, 0, 16, 16)),
        (40, 40, (0, 0, 40, 40)),
        (40, 20, (10, 0, 30, 20)),
        (20, 40, (0, 10, 20, 30)),
        (21, 16, (2, 0, 18, 16)),
        (9, 100, (0, 45, 9, 54)),
    ],
)
def test_the_crop_is_the_largest_centred_square(width: int, height: int, crop: tuple[int, int, int, int]) -> None:
    pixels = photo(width, height)
    model = build("plain")
    trace = model.trace(pixels)
    assert trace.crop == crop
    assert trace.image.shape == (3, SIZE, SIZE)
    left, top, right, bottom = crop
    again = model.trace(pixels[top:bottom, left:right])  # a square photo is used whole
    assert again.crop == (0, 0, right - left, bottom - top)
    close(again.image, trace.image, atol=0)


@pytest.mark.parametrize(("width", "height"), [(SIZE, SIZE), (30, 30), (50, 20), (20, 50)])
def test_the_three_kinds_of_picture_agree(model: VisionModel, width: int, height: int) -> None:
    pixels = photo(width, height)
    as_tensor = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
    traces = [model.trace(image) for image in (pixels, Image.fromarray(pixels), as_tensor)]
    for trace in traces[1:]:
        assert trace.crop == traces[0].crop
        close(trace.image, traces[0].image, atol=1e-7)
        close(trace.logits, traces[0].logits, atol=1e-5)


def test_the_image_is_the_photo_from_zero_to_one() -> None:
    pixels = photo()
    image = build("plain").trace(pixels).image
    close(image, torch.from_numpy(pixels).permute(2, 0, 1).double() / 255, atol=1e-7)


def test_the_callers_picture_is_left_alone(model: VisionModel) -> None:
    picture = torch.rand(3, SIZE, SIZE)
    before = picture.clone()
    trace = model.trace(picture)
    close(picture, before, atol=0)
    trace.image.zero_()
    close(picture, before, atol=0)


# What comes out


def test_probabilities_and_top(model: VisionModel) -> None:
    trace = model.trace(photo())
    total = sum(math.exp(logit) for logit in trace.logits.tolist())
    for logit, probability in zip(trace.logits.tolist(), trace.probabilities.tolist(), strict=True):
        assert probability == pytest.approx(math.exp(logit) / total, abs=1e-6)
    top = trace.top(10)
    assert [probability for _, probability in top] == sorted(trace.probabilities.tolist(), reverse=True)
    assert {found for found, _ in top} == set(CLASSES)
    assert trace.top(1) == top[:1]
    best = int(trace.logits.argmax())
    assert top[0][0] == CLASSES[best]
    assert trace.classes == model.classes == CLASSES


def test_a_trace_can_be_computed_on(model: VisionModel) -> None:
    # Tensors of inference mode could not enter a computation that wants gradients, such as Grad-CAM.
    trace = model.trace(photo())
    features = trace.stages[-1].features.requires_grad_()
    model.classifier(masked_mean(features, None)).sum().backward()
    assert features.grad is not None
    assert not trace.logits.requires_grad


def test_arrays_name_every_stage(model: VisionModel) -> None:
    arrays = model.trace(photo()).arrays()
    assert {f"stages.{n}.features" for n in range(3)} | {"image", "pooled", "logits", "probabilities"} <= set(arrays)
    inside = {"plain": None, "se": "stages.1.attention.squeezed", "cbam": "stages.1.attention.spatial.mask"}
    expected = inside[model.config.attention]
    assert expected is None or expected in arrays


# What-if


def test_empty_overrides_change_nothing(model: VisionModel) -> None:
    plain = model.trace(photo()).logits
    for overrides in (None, {}, {"stage1": {}}):
        close(model.trace(photo(), overrides=overrides).logits, plain, atol=0)


@pytest.mark.parametrize("kind", ["se", "cbam"])
def test_an_override_of_nan_changes_nothing(kind: str) -> None:
    model = build(kind)
    overrides = {"stage2": {"gate_override": torch.full((6,), NAN)}}
    close(model.trace(photo(), overrides=overrides).logits, model.trace(photo()).logits, atol=0)


@pytest.mark.parametrize("kind", ["se", "cbam"])
def test_a_gate_of_zero_takes_its_channel_away_and_leaves_earlier_stages(kind: str) -> None:
    model = build(kind)
    gates = torch.full((6,), NAN)
    gates[2] = 0
    plain, changed = model.trace(photo()), model.trace(photo(), overrides={"stage2": {"gate_override": gates}})
    close(changed.stages[0].output, plain.stages[0].output, atol=0)
    close(changed.stages[1].features, plain.stages[1].features, atol=0)
    assert bool((changed.stages[1].output[:, 2] == 0).all())
    assert float(plain.stages[1].output[:, 2].abs().max()) > 1e-6
    assert float((changed.logits - plain.logits).abs().max()) > 1e-9
    silent = plain.stages[1].output.clone()
    silent[:, 2] = 0
    if kind == "se":
        close(changed.stages[2].features, model.stages[2](silent))


def test_gates_of_one_are_no_attention() -> None:
    model = build("se")
    overrides = {f"stage{n + 1}": {"gate_override": torch.ones(width)} for n, width in enumerate((4, 6, 9))}
    trace = model.trace(photo(), overrides=overrides)
    plain = build("plain")
    plain.load_state_dict({name: t for name, t in model.state_dict().items() if not name.startswith("attentions")})
    close(trace.logits, plain.trace(photo()).logits)


def test_every_control_of_cbam_reaches_its_module() -> None:
    model, mask = build("cbam"), torch.rand(4, 4)
    controls = {"gate_override": torch.rand(6), "mask_override": mask, "order": "spatial-first", "pooling": ("max",)}
    trace = model.trace(photo(), overrides={"stage2": controls})
    features = trace.stages[1].features
    close(trace.stages[1].output, model.attentions[1].trace(features, **controls).output)
    attention = trace.stages[1].attention
    assert isinstance(attention, CBAMTrace)
    close(attention.spatial.mask[0, 0], mask.double(), atol=0)
    assert attention.spatial.input is features


def test_the_last_mask_weighs_the_pooling() -> None:
    corner = torch.zeros(4, 4)
    corner[1, 2] = 1
    trace = build("cbam").trace(photo(), overrides={"stage3": {"mask_override": corner}})
    attention = trace.stages[-1].attention
    assert isinstance(attention, CBAMTrace)
    close(trace.pooled, attention.channel.output[0, :, 1, 2])


def test_an_unknown_stage_is_refused_with_the_known_ones(model: VisionModel) -> None:
    with pytest.raises(ControlError, match="overrides names 'stage9'; expected one of stage1, stage2, stage3"):
        model.trace(photo(), overrides={"stage9": {}})


@pytest.mark.parametrize(
    ("kind", "control", "possible"),
    [
        ("plain", "gate_override", "none, as it has no attention"),
        ("se", "mask_override", "gate_override"),
        ("cbam", "gates", "gate_override, mask_override, order, pooling"),
    ],
)
def test_an_unknown_control_is_refused_with_the_known_ones(kind: str, control: str, possible: str) -> None:
    expected = f"'{control}' is no control of the {kind} network; expected {possible}"
    with pytest.raises(ControlError, match=expected):
        build(kind).trace(photo(), overrides={"stage1": {control: torch.ones(4)}})


def test_a_wrong_override_is_refused() -> None:
    model = build("cbam")
    with pytest.raises(ShapeError, match=r"gate_override has shape \(5,\); expected \(6,\)"):
        model.trace(photo(), overrides={"stage2": {"gate_override": torch.ones(5)}})
    with pytest.raises(ShapeError, match=r"mask_override has shape \(8, 8\); expected \(4, 4\)"):
        model.trace(photo(), overrides={"stage2": {"mask_override": torch.ones(8, 8)}})
    with pytest.raises(ControlError, match="order is 'both'"):
        model.trace(photo(), overrides={"stage2": {"order": "both"}})


# Refusals


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (np.zeros((8, 8), dtype=np.uint8), ShapeError),
        (np.zeros((8, 8, 3), dtype=np.float32), KindError),
        (torch.zeros(1, 3, 8, 8), ShapeError),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), KindError),
        (torch.full((3, SIZE, SIZE), 2.0), ControlError),
        (torch.full((3, SIZE, SIZE), NAN), ControlError),
        ("photo.jpg", KindError),
        (None, KindError),
    ],
)
def test_what_is_no_picture_is_refused(model: VisionModel, image: object, kind: type[AttentionCoreError]) -> None:
    with pytest.raises(kind):
        model.trace(image)  # type: ignore[arg-type]


def test_forward_refuses_what_is_no_batch_of_pictures(model: VisionModel) -> None:
    with pytest.raises(ShapeError, match=r"images has shape \(3, 16, 16\); expected \(B, 3, S, S\)"):
        model(torch.zeros(3, SIZE, SIZE, dtype=torch.float64))
    with pytest.raises(ShapeError, match=r"images has shape \(1, 1, 16, 16\); expected \(B, 3, S, S\)"):
        model(torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64))
    with pytest.raises(KindError, match=r"images has dtype torch\.uint8; expected a floating-point dtype"):
        model(torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8))
    with pytest.raises(KindError, match=r"images has dtype torch\.float32; expected torch\.float64"):
        model(torch.zeros(1, 3, SIZE, SIZE))


def test_borders_reach_the_masks_and_the_trace() -> None:
    borders = ("reflect", "zeros", "zeros")
    sizes = SIZES | {"stem_stride": 1}
    config = VisionConfig("cbam", 3, image_size=SIZE, borders=borders, **sizes)  # type: ignore[arg-type]
    torch.manual_seed(0)
    mirrored = VisionModel(config).eval()
    plain = VisionModel(VisionConfig("cbam", 3, image_size=SIZE, **sizes)).eval()  # type: ignore[arg-type]
    plain.load_state_dict(mirrored.state_dict())  # the same weights: a border has none
    traces = [model.trace(photo()) for model in (mirrored, plain)]
    close(traces[0].logits, mirrored(traces[0].image[None])[0], atol=1e-5)
    masks = [trace.stages[0].spatial_mask for trace in traces]
    assert masks[0] is not None and masks[1] is not None
    inner = (slice(None), slice(None), slice(3, -3), slice(3, -3))
    close(masks[0][inner], masks[1][inner], atol=1e-6)  # where the kernel does not reach over the rim
    assert not torch.allclose(masks[0], masks[1], atol=1e-4)


def test_borders_are_one_a_stage() -> None:
    with pytest.raises(ControlError, match="3 widths came with 1 borders; expected 3, one a stage, or none"):
        VisionConfig("cbam", 3, borders=("reflect",), **SIZES)  # type: ignore[arg-type]


def test_an_unknown_attention_is_refused() -> None:
    with pytest.raises(ControlError, match="attention is 'eca'; expected one of plain, se, cbam"):
        VisionModel(VisionConfig("eca", 3))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sizes",
    [{"strides": (1, 2)}, {"dilations": (1, 1, 2)}, {"widths": (4, 4)}, {"depths": (1, 1)}, {"depths": (2, 1, 1, 1)}],
)
def test_sizes_that_do_not_fit_together_are_refused(sizes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(
        ControlError, match=r"widths and . blocks came with . strides, . depths and \d+ dilations; expected"
    ):
        VisionModel(VisionConfig("plain", 3, **sizes))  # type: ignore[arg-type]


def test_a_dilated_convolution_keeps_the_positions_and_sees_further() -> None:
    block = ResidualBlock(1, 1, 1, (2, 4)).eval()
    photo = torch.zeros(1, 1, 33, 33)
    photo[..., 16, 16] = 1.0
    with torch.no_grad():
        block.conv1.weight.fill_(1.0)
        block.conv2.weight.fill_(1.0)
        reached = block(photo)[0, 0] > 0
    assert reached.shape == (33, 33)
    assert reached.nonzero().min().item() == 16 - 6
    assert reached.nonzero().max().item() == 16 + 6


# Shared by all sessions


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [True, False])
def test_a_trace_leaves_no_mark(kind: str, training: bool) -> None:
    model = build(kind, training=training)
    before = {name: (tensor.clone(), tensor._version) for name, tensor in model.state_dict(keep_vars=True).items()}
    attributes = {name: sorted(vars(part)) for name, part in model.named_modules()}
    model.trace(photo(), overrides={"stage1": {"gate_override": torch.zeros(4)}} if kind != "plain" else None)
    for name, tensor in model.state_dict(keep_vars=True).items():
        close(tensor, before[name][0], atol=0)
        assert tensor._version == before[name][1], name
        assert tensor.grad is None
    assert {name: sorted(vars(part)) for name, part in model.named_modules()} == attributes
    assert all(not part._forward_hooks and not part._forward_pre_hooks for part in model.modules())
    assert all(part.training == training for part in model.modules())


@pytest.mark.parametrize("training", [True, False])
def test_eight_threads_give_what_one_gives(training: bool) -> None:
    model = build("cbam", training=training)

    def work(seed: int) -> Tensor:
        return model.trace(photo(seed=seed)).logits

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(24)))
    for seed, logits in enumerate(together):
        close(logits, work(seed), atol=1e-12)
