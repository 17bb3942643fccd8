"""Networks from a folder or a hub, and everything that can go wrong on the way."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from attention_core.errors import (
    AttentionCoreError,
    MissingPackageError,
    ModelSourceError,
    UnsupportedModelError,
    WeightsError,
)
from attention_core.models.hub.loading import load_hub_text_model
from tests.models import hub_networks
from tests.models.hub_networks import NETWORKS, saved
from tests.models.hub_server import hub, served

pytestmark = pytest.mark.usefixtures("own_cache")

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("bert"), "BertForMaskedLM")


@pytest.fixture
def folder(bert: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(bert, tmp_path / "model"))


def refused(kind: type[AttentionCoreError], key: str, source: str | Path, **options: Any) -> AttentionCoreError:
    with pytest.raises(kind) as error:
        load_hub_text_model(source, "cpu", **options)
    assert error.value.key == key
    return error.value


@pytest.mark.parametrize("name", NETWORKS)
def test_a_saved_network_loads_with_its_head(name: str, tmp_path: Path) -> None:
    model = load_hub_text_model(saved(tmp_path, name), "cpu")
    assert model.architecture == name
    trace = model.trace("我吃柠檬")
    reference = hub_networks.network(name)
    reference.set_attn_implementation("eager")
    with torch.no_grad():
        own = reference(input_ids=torch.tensor([[token.id for token in trace.tokens]])).logits[0]
    assert (trace.logits - own).abs().max() < 1e-5
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_half_precision_on_disk_is_single_in_memory(tmp_path: Path) -> None:
    hub_networks.network("GPT2LMHeadModel").to(torch.float16).save_pretrained(tmp_path)
    hub_networks.byte_pairs().save_pretrained(tmp_path)
    assert load_hub_text_model(str(tmp_path), "cpu").trace("the cat").logits.dtype == torch.float32


class TestRefusals:
    def test_no_such_folder(self, tmp_path: Path) -> None:
        error = refused(ModelSourceError, "hub.no_folder", tmp_path / "nothing")
        assert error.values["name"] == str(tmp_path / "nothing")
        refused(ModelSourceError, "hub.no_folder", "../nothing")
        refused(ModelSourceError, "hub.no_folder", "a/b/c")

    def test_a_folder_without_a_model(self, tmp_path: Path) -> None:
        refused(UnsupportedModelError, "hub.no_config", tmp_path)
        (tmp_path / "config.json").write_text("{", encoding="utf-8")
        refused(UnsupportedModelError, "hub.no_config", tmp_path)

    def test_pickles_are_not_opened(self, folder: Path) -> None:
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
        error = refused(UnsupportedModelError, "hub.no_safetensors", folder)
        assert error.values == {"name": "model", "found": ("pytorch_model.bin",)}

    def test_an_unknown_architecture(self, folder: Path) -> None:
        _edit(folder, model_type="transformer-of-tomorrow")
        error = refused(UnsupportedModelError, "hub.architecture", folder)
        assert error.values["kind"] == "transformer-of-tomorrow"

    def test_code_beside_a_model_is_not_run(self, folder: Path, tmp_path: Path) -> None:
        trap = tmp_path / "trap"
        (folder / "modeling_own.py").write_text(f"open({str(trap)!r}, 'w')\nclass OwnModel: ...\n", encoding="utf-8")
        own = "modeling_own.OwnModel"
        _edit(folder, auto_map={"AutoModelForMaskedLM": own, "AutoModel": own, "AutoTokenizer": [own, None]})
        assert load_hub_text_model(folder, "cpu").architecture == "BertForMaskedLM"
        _edit(folder, model_type="own")
        refused(UnsupportedModelError, "hub.architecture", folder)
        assert not trap.exists()

    def test_a_config_that_no_network_can_be_built_from(self, folder: Path) -> None:
        _edit(folder, hidden_size="wide")
        refused(UnsupportedModelError, "hub.unsupported", folder)
        _edit(folder, model_type="vits")
        refused(UnsupportedModelError, "hub.unsupported", folder)

    def test_damaged_weights(self, folder: Path) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
        refused(WeightsError, "hub.damaged", folder)
        path.write_bytes(b"nothing of the kind")
        refused(WeightsError, "hub.damaged", folder)

    def test_weights_of_another_size(self, folder: Path) -> None:
        _edit(folder, hidden_size=64)
        refused(WeightsError, "hub.damaged", folder)

    def test_missing_weights_are_not_made_up(self, folder: Path) -> None:
        path = folder / "model.safetensors"
        tensors = load_file(path)
        gone = "bert.encoder.layer.1.attention.self.query.weight"
        del tensors[gone]
        save_file(tensors, path, metadata={"format": "pt"})
        error = refused(WeightsError, "hub.missing_weights", folder)
        assert error.values == {"name": "model", "count": 1, "tensor": gone}

    def test_a_missing_tokenizer(self, folder: Path) -> None:
        for path in folder.glob("token*"):
            path.unlink()
        refused(UnsupportedModelError, "hub.no_tokenizer", folder)

    def test_without_the_library_it_says_what_to_install(self) -> None:
        code = (
            "import sys; sys.modules['transformers'] = None\n"
            "import attention_core\n"
            "from attention_core.models.hub.loading import load_hub_text_model\n"
            "try: load_hub_text_model('any')\n"
            "except attention_core.MissingPackageError as error: print(error.key, error.values['command'])"
        )
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
        assert run.stdout.strip() == "hub.package pip install -r requirements-models.txt", run.stderr
        assert issubclass(MissingPackageError, ImportError)


def test_the_tests_have_what_the_extra_needs() -> None:
    needed, here = (
        (ROOT / f"requirements-{name}.txt").read_text(encoding="utf-8").splitlines() for name in ("models", "dev")
    )
    assert {line for line in needed if not line.startswith("#")} <= set(here)


def _edit(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


class TestHub:
    def test_a_model_is_fetched_by_its_name_and_then_there_without_a_network(self, bert: Path) -> None:
        with hub(served(bert)) as address:
            first = load_hub_text_model("team/model", "cpu", endpoint=address).trace("我吃柠檬")
        again = load_hub_text_model("team/model", "cpu", endpoint=address).trace("我吃柠檬")
        assert torch.equal(first.logits, again.logits)

    def test_no_network(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = refused(ModelSourceError, "hub.no_network", "team/model", endpoint=closed)
        assert error.values == {"name": "team/model"}

    def test_a_name_that_the_hub_does_not_have(self) -> None:
        absent = (401, {"X-Error-Code": "RepoNotFound"}, b"{}")
        with hub({"/api/models/team/modle/revision/main": absent, "/api/models/team/modle": absent}) as address:
            refused(ModelSourceError, "hub.not_found", "team/modle", endpoint=address)

    def test_a_model_on_conditions(self, bert: Path) -> None:
        answers = served(bert)
        for path in answers:
            if "/resolve/" in path:
                answers[path] = (403, {"X-Error-Code": "GatedRepo"}, b"")
        with hub(answers) as address:
            refused(ModelSourceError, "hub.gated", "team/model", endpoint=address)

    def test_a_hub_with_a_fault(self) -> None:
        with hub({"/api/models/team/model/revision/main": (403, {}, b"{}")}) as address:
            error = refused(ModelSourceError, "hub.refused", "team/model", endpoint=address)
        assert error.values["status"] == 403

    def test_only_pickles_are_not_fetched(self, bert: Path, folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        with hub(served(folder)) as address:
            refused(UnsupportedModelError, "hub.no_safetensors", "team/model", endpoint=address)


def test_networks_that_are_read_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    names = ("BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM", "RobertaForMaskedLM")
    folders = [saved(tmp_path / name, name) for name in names]
    for _ in range(5):
        with ThreadPoolExecutor(len(folders)) as pool:
            networks = list(pool.map(lambda folder: load_hub_text_model(folder, "cpu"), folders))
        assert [network.architecture for network in networks] == list(names)
