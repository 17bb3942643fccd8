"""The translator: its trace is its forward pass, it looks back only, and what it writes is what its trace says."""

from __future__ import annotations

import pytest
import torch

from attention_core.errors import ControlError, InputError, ShapeError
from attention_core.models.translation import TranslatorConfig, other_language
from attention_core.models.translator import Translator
from attention_core.models.writing import Sampling, log_probability, rivals, sampled, sampling_probabilities
from tests.models.small_translator import small_translator

TEXT, TARGET = "我吃柠檬。", "I eat lemons."


@pytest.fixture
def model() -> Translator:
    return small_translator()


def ids(tokens: object) -> torch.Tensor:
    return torch.tensor([[token.id for token in tokens]])


def test_the_trace_is_the_forward_pass(model: Translator) -> None:
    trace = model.trace(TEXT, TARGET)
    assert [token.text for token in trace.source.tokens] == ["[CLS]", "我", "吃", "柠", "檬", "。", "[SEP]"]
    assert trace.target.tokens[0].text == "[en]" and trace.target.tokens[1].text == "I"
    source, target = ids(trace.source.tokens), ids(trace.target.tokens)
    assert torch.allclose(trace.target.logits, model(source, target)[0], atol=1e-9)
    assert torch.allclose(trace.source.final, model.encode(source)[0], atol=1e-9)
    assert [t.weights.shape[1] for t in trace.source.layers] == [4, 2]
    assert [t.weights.shape[1] for t in trace.target.layers] == [1, 8]
    S, T = source.shape[1], target.shape[1]
    assert [tuple(t.weights.shape) for t in trace.cross] == [(1, 2, T, S), (1, 4, T, S)]


def test_padding_is_not_read(model: Translator) -> None:
    trace = model.trace(TEXT, TARGET)
    source, target = ids(trace.source.tokens), ids(trace.target.tokens)
    padded = torch.cat([source, torch.full((1, 3), model.tokenizer.padding)], dim=1)
    real = (torch.arange(padded.shape[1]) < source.shape[1])[None, None, None]
    assert torch.allclose(model(padded, target, real), model(source, target), atol=1e-9)


def test_nothing_looks_ahead(model: Translator) -> None:
    whole, cut = model.trace(TEXT, TARGET), model.trace(TEXT, "I eat")
    kept = len(cut.target.tokens)
    assert torch.allclose(whole.target.logits[:kept], cut.target.logits, atol=1e-9)
    for layer in whole.target.layers:
        assert layer.weights.triu(1).abs().max() == 0


def test_what_it_writes_is_what_its_trace_says(model: Translator) -> None:
    steps = list(model.write(TEXT, steps=6))
    target = torch.tensor([[model.start_of("en"), *(step.token.id for step in steps[:-1])]])
    source = ids(steps[0].source)
    logits = model(source, target)[0]
    for place, step in enumerate(steps):
        assert step.token.id == int(logits[place].argmax())
        assert torch.allclose(step.logits, logits[place], atol=1e-9)
        assert step.probability == pytest.approx(logits[place].softmax(dim=-1).max().item(), abs=1e-6)
        assert len(step.read) == place + 1
        assert [layer.weights.shape[-1] for layer in step.layers] == [place + 1] * 2
        assert [layer.weights.shape[2:] for layer in step.cross] == [(1, source.shape[1])] * 2


def test_all_steps_share_what_they_read(model: Translator) -> None:
    first, *others = model.write(TEXT, steps=4)
    for step in others:
        for one, other in zip(first.cross, step.cross, strict=True):
            assert one.key is other.key and one.value is other.value


def test_what_goes_on_for_ever_ends(model: Translator) -> None:
    def never_ending(logits: torch.Tensor) -> int:
        return 100

    assert (model.room(3), model.room(100)) == (11, 11)  # the network reads 12
    assert Translator(TranslatorConfig(len(model.tokenizer.vocabulary)), model.tokenizer).room(7) == 30
    assert len(list(model.write(TEXT, choose=never_ending))) == 11


def test_without_a_target_it_is_what_it_writes(model: Translator) -> None:
    steps = list(model.write(TEXT))
    trace = model.trace(TEXT)
    assert trace.target.text == steps[-1].text
    written = [step.token.id for step in steps if not step.token.special]
    assert [token.id for token in trace.target.tokens[1:]] == written[: len(trace.target.tokens) - 1]


def test_the_language_is_the_other_one_unless_asked(model: Translator) -> None:
    assert model.trace("I eat lemons.", "我").target.tokens[0].text == "[zh]"
    assert model.trace("我吃柠檬", "I").target.tokens[0].text == "[en]"
    assert model.trace("我吃柠檬", "我", into="zh").target.tokens[0].text == "[zh]"
    assert [other_language(text) for text in ("我吃 lemon", "我吃柠檬 lemon", "1 + 1", "")] == ["zh", "zh", "zh", "zh"]


def test_hiding_a_word_reads_a_mask(model: Translator) -> None:
    hidden = model.trace(TEXT, TARGET, hide=[2])
    source = ids(hidden.source.tokens)
    source[0, 2] = model.tokenizer.mask
    assert torch.allclose(hidden.target.logits, model(source, ids(hidden.target.tokens))[0], atol=1e-9)
    assert hidden.source.hidden == {2}


def test_gates_of_one_change_nothing_and_of_zero_close_a_side(model: Translator) -> None:
    plain = model.trace(TEXT, TARGET)
    ones = [torch.ones(heads, dtype=torch.float64) for heads in model.heads["cross"]]
    assert torch.allclose(model.trace(TEXT, TARGET, head_gates={"cross": ones}).target.logits, plain.target.logits)
    closed = {"cross": [gates * 0 for gates in ones]}
    one, other = (model.trace(text, TARGET, into="en", head_gates=closed) for text in (TEXT, "猫"))
    assert torch.allclose(one.target.logits, other.target.logits, atol=1e-9)  # it does not see what it reads


def test_refusals(model: Translator) -> None:
    with pytest.raises(ControlError, match="elsewhere"):
        model.trace(TEXT, TARGET, head_gates={"elsewhere": torch.ones(2, 2)})
    with pytest.raises(ShapeError, match="3 layers; expected 2"):
        model.trace(TEXT, TARGET, head_gates={"cross": torch.ones(3, 2)})
    with pytest.raises(ControlError, match="position 7"):
        model.trace(TEXT, TARGET, hide=[7])
    with pytest.raises(InputError, match="no token"):
        model.write(" ")


def test_long_texts_are_cut_and_say_so(model: Translator) -> None:
    trace = model.trace("我" * 20, "a " * 30)
    assert len(trace.source.tokens) == 12 and trace.source.truncated == 10
    assert len(trace.target.tokens) == 12 and trace.target.truncated == 19
    assert [step.truncated for step in model.write("我" * 20, steps=2)] == [10, 10]


def test_sampling_draws_from_the_likeliest_only() -> None:
    logits = torch.tensor([0.0, 2.0, 1.0, -1.0])
    choose = sampled(temperature=1.0, top_k=2, seed=3)
    drawn = [choose(logits) for _ in range(400)]
    assert set(drawn) == {1, 2}
    share = torch.tensor([2.0, 1.0]).softmax(dim=-1)[0].item()
    assert drawn.count(1) / 400 == pytest.approx(share, abs=0.08)
    assert {sampled(temperature=1e-9)(logits) for _ in range(20)} == {1}
    again = sampled(temperature=1.0, top_k=2, seed=3)
    assert [again(logits) for _ in range(400)] == drawn
    with pytest.raises(ControlError):
        sampled(temperature=0.0)


def test_what_temperature_and_top_k_make_of_the_probabilities() -> None:
    logits = torch.tensor([0.0, 2.0, 1.0, -1.0])
    assert torch.allclose(sampling_probabilities(logits), logits.softmax(dim=-1))
    by_hand = torch.tensor([0.0, 4.0, 2.0, 0.0]).exp() * torch.tensor([0.0, 1.0, 1.0, 0.0])
    assert torch.allclose(sampling_probabilities(logits, 0.5, 2), by_hand / by_hand.sum())
    assert sampling_probabilities(logits, 1.0, 1).tolist() == [0, 1, 0, 0]
    assert torch.allclose(sampling_probabilities(logits, 1e-9), torch.tensor([0.0, 1, 0, 0]))
    assert torch.allclose(sampling_probabilities(logits, top_k=9), logits.softmax(dim=-1))  # there are no more than 4
    for wrong in ({"temperature": 0.0}, {"temperature": float("nan")}, {"top_k": -1}):
        with pytest.raises(ControlError):
            sampling_probabilities(logits, **wrong)


def test_a_drawn_token_comes_with_the_probability_that_the_network_gave_it(model: Translator) -> None:
    steps = list(model.write(TEXT, steps=6, choose=sampled(1.5, 20, seed=1)))
    again = list(model.write(TEXT, steps=6, choose=sampled(1.5, 20, seed=1)))
    assert [step.token.id for step in steps] == [step.token.id for step in again]
    for step in steps:
        assert step.probability == pytest.approx(step.logits.softmax(dim=-1)[step.token.id].item())
        assert sampling_probabilities(step.logits, 1.5, 20)[step.token.id] > 0
    product = torch.tensor([step.probability for step in steps], dtype=torch.float64).prod()
    assert log_probability(steps) == pytest.approx(product.log().item())


def test_the_rivals_of_a_token_are_the_likeliest_and_itself(model: Translator) -> None:
    [first] = model.write(TEXT, steps=1)
    assert [(rival.token, rival.probability) for rival in rivals(first)] == first.predictions(5)
    assert [rival.written for rival in rivals(first)] == [True, False, False, False, False]
    row = int(first.logits.argsort(descending=True)[7])
    [other] = model.write(TEXT, steps=1, choose=lambda logits: row)
    sampling = Sampling(temperature=2.0, top_k=9)
    *likeliest, written = rivals(other, sampling)
    assert len(likeliest) == 5 and written.token == model.vocabulary[row] and written.written
    assert written.drawn == pytest.approx(sampling_probabilities(first.logits, 2.0, 9)[row].item())
    assert not any(rival.written for rival in likeliest)
