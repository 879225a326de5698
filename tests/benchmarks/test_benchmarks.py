"""That the benchmark measures what it says; nothing here looks at a time."""

import io
import json
import subprocess
import sys

import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from benchmarks import clips
from benchmarks.__main__ import bench
from benchmarks.cost import synthetic_faces
from benchmarks.data import data_row, linear_growth
from benchmarks.edits import MEGAPIXELS, photograph
from benchmarks.kernels import dearest
from benchmarks.machine import TYPES
from benchmarks.process import own_peak_bytes
from benchmarks.reference import ConstantMaps, PlainLoop, torch_defaults
from benchmarks.sizes import Size, sized, tiny
from benchmarks.throughput import ceiling_shares, in_turns
from defgan import methods
from defgan.methods.gan import compute_d_loss
from defgan.methods.model import create

MODELS = ("defgan", "ganimation")
CPU = torch.device("cpu")


@pytest.fixture(params=MODELS)
def plain(request, params):
    """A model's name, tiny params without chance in D, and its plain loop."""
    params = tiny(params)
    schedule = params.training.schedule.model_copy(update={"start": 0.0})
    quiet = {"schedule": schedule, "instance_noise": 0.0, "critic_color_change": 0.0, "precision": "32-true"}
    # DefGAN's critic is penalised by the sum of its patches, GANimation's by the mean.
    update = {"training": params.training.model_copy(update=quiet), "critic_reduction": "sum"}
    params = params.model_copy(update=update)
    torch.manual_seed(0)
    return request.param, params, PlainLoop(request.param, params, synthetic_faces(8, params.image_size), CPU)


def test_what_takes_most_time_comes_first():
    square = torch.ones(256, 256)
    square @ square  # the first product of a process also loads what makes it
    found = dearest(lambda: [square @ square for _ in range(50)])
    assert found[0]["name"] == "aten::mm" and found[0]["calls"] == 50
    assert found[0]["ms"] >= found[1]["ms"] and sum(row["share"] for row in found) < 1.001


def test_the_plain_loop_descends_on_our_losses(plain):
    name, params, loop = plain
    # So narrow a critic all but vanishes with weights of 0.02, and the direction of its gradient with it.
    for parameter in loop.discriminator.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.2)
    batch = loop.next_batch()
    theirs, _ = loop.critic_loss(batch)
    fake = loop.model.edit(batch.images, batch.x, batch.y).image.detach()
    schedule = params.training.schedule
    assert schedule.critic_weight > 1 and schedule.perturbation > 0
    own = methods.get(name).coefficients(params)
    size = torch.tensor(schedule.perturbation)
    ours, *_ = compute_d_loss(loop.discriminator, loop.model, batch, fake, own, schedule.critic_weight, size)
    gradients = [torch.autograd.grad(loss, list(loop.discriminator.parameters())) for loss in (theirs, ours)]
    assert theirs.item() == pytest.approx(ours.item(), rel=1e-5)
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)


def test_the_plain_loop_spreads_the_conditions_out_and_edits_as_we_do(plain):
    name, params, loop = plain
    ours = create(name, methods.get(name).architecture(params))
    ours.load_state_dict(loop.model.state_dict())
    maps = [module for module in loop.model.modules() if isinstance(module, ConstantMaps)]
    assert len(maps) == {"defgan": 2, "ganimation": 1}[name]
    assert not any(isinstance(module, ConstantMaps) for module in ours.modules())
    batch = loop.next_batch()
    arguments = (batch.images, batch.x, batch.y)
    torch.testing.assert_close(loop.model.edit(*arguments).image, ours.edit(*arguments).image, rtol=1e-4, atol=1e-5)


def test_the_plain_loop_trains_both_networks_and_leaves_torch_as_it_was(plain):
    _, _, loop = plain
    torch.set_float32_matmul_precision("high")
    networks = (loop.model, loop.discriminator)
    before = [[p.detach().clone() for p in network.parameters()] for network in networks]
    terms = loop.iteration()
    assert {"critic_d", "gp", "exp_d", "exp_fake", "critic_g", "cyc"} <= terms.keys()
    for network, old in zip(networks, before, strict=True):
        assert all(not torch.equal(a, b) for a, b in zip(network.parameters(), old, strict=True))
    assert torch.get_float32_matmul_precision() == "high"
    with torch_defaults():
        assert torch.get_float32_matmul_precision() == "highest"


def test_the_plain_loop_begins_another_epoch(plain):
    _, _, loop = plain
    for _ in range(len(loop.loader) + 1):
        images = loop.next_batch().images
    assert images.shape == (2, 3, 32, 32)
    assert images.is_contiguous() and -1 <= images.min() and images.max() <= 1


def test_loops_take_turns():
    calls = []
    times = in_turns(lambda: calls.append("a"), lambda: calls.append("b"), 0.0, (3, 9))
    assert calls == ["a", "b"] * 3
    assert [len(each) for each in times] == [3, 3]
    assert len(in_turns(lambda: None, lambda: None, 1e9, (1, 5))[0]) == 5


def test_shares_of_the_ceiling():
    rates = {"fp32": {"flops_per_s": 10.0}, "bf16": {"flops_per_s": 40.0}}
    shares = ceiling_shares({TYPES["fp32"]: 20, TYPES["bf16"]: 80}, 8.0, rates)
    assert shares["gflop_per_s"] == pytest.approx(100 / 8 / 1e9)
    assert shares["share_of_best"] == pytest.approx(100 / 8 / 40)
    # 2 s in fp32 and 2 s in bf16 would have done.
    assert shares["share_of_own_types"] == pytest.approx(0.5)
    assert shares["bf16_share_of_work"] == pytest.approx(0.8)


def test_sizes(params):
    full = sized(params, Size.full, 7, critic_steps=3)
    training = full.training
    assert (full.image_size, training.channels, training.critic_channels, training.batch_size) == (128, 64, 64, 7)
    assert full.critic_steps == full.ganimation.critic_steps == 3
    assert sized(params, Size.default, 7) == params


def test_growth_is_against_the_fewest_images():
    entries = linear_growth(32, 2, 1000.0, (20, 40))
    assert [entry["images"] for entry in entries] == [20, 40]
    assert entries[0]["growth"] == 1
    for entry in entries:
        assert entry["share_of_training"] == pytest.approx(entry["us_per_image"] / 1000)
        assert entry["epoch_s"] == pytest.approx(entry["us_per_image"] * entry["images"] / 1e6)
        assert data_row(entry)["images"] == str(entry["images"])


def test_photographs_are_of_the_size_that_is_said():
    for megapixels in MEGAPIXELS:
        with Image.open(io.BytesIO(photograph(megapixels))) as image:
            assert image.width * image.height == pytest.approx(megapixels * 1e6, rel=0.01)


def test_the_parts_of_a_clip_leave_out_what_they_call(monkeypatch):
    class Work:
        def outer(self):
            spend(1)
            self.inner()
            self.inner()

        def inner(self):
            spend(10)

    clock = [0]

    def spend(seconds):
        clock[0] += seconds

    monkeypatch.setattr(clips.time, "thread_time", lambda: clock[0])
    with clips.metered({"a": ((Work, "outer"),), "b": ((Work, "inner"),)}) as seconds:
        Work().outer()
        Work().outer()
    Work().outer()  # no longer measured
    assert seconds == {"a": 2, "b": 40}


@pytest.mark.long
def test_the_whole_in_quick_mode(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    app.command()(bench)
    output = tmp_path / "bench.json"
    arguments = ["--quick", "--size", "full", "--memory", "--model", "ganimation", "--output", str(output)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    titles = ("plain fp32 loop", "best rates", "Share", "Peak memory", "Batches without training")
    for title in (*titles, "Photographs to faces", "Edits of photographs", "A clip of"):
        assert title in result.output
    found = json.loads(output.read_text())
    assert found["quick"] and found["device"] and found["torch"] == torch.__version__
    [entry] = found["throughput"]
    assert (entry["model"], entry["size"]) == ("ganimation", "full")
    assert entry["ratio"] == pytest.approx(entry["images_per_s"] / entry["images_per_s_plain"])
    # A plain loop works out gradients that nobody uses; ours does not do more than it.
    assert 0 < entry["gflop"] <= entry["gflop_plain"] * 1.02
    assert found["best_rates"].keys() == TYPES.keys()
    assert found["memory"][0]["memory_gb"] > 0
    assert [entry["images"] for entry in found["data"]] == [100, 200]
    [edit] = found["edits"]["edits"]
    assert edit["total_s"] == pytest.approx(sum(edit[step] for step in ("read_s", "find_s", "edit_s", "write_s")))
    assert edit["memory_gb"] > 0.1
    assert found["edits"]["change_s"] > 0
    shares = found["clip"]["shares"]
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares[part] for part in ("decode", *clips.PARTS)) > 0
    assert found["clip"]["frames_per_s"] > 0 and found["clip"]["of_a_photograph"] > 0
    prepared = found["prepare"]
    assert prepared["ours"]["faces"] == prepared["ours"]["photographs"] == 4
    assert sum(prepared["ours"]["shares"].values()) == pytest.approx(1)
    assert prepared["ours"]["two_cores_s"] == 2 * prepared["ours"]["per_core_s"] > 0
    assert prepared["memory"]["million_gb"] > 0 and len(prepared["memory"]["peak_bytes"]) == 2


def test_a_process_has_a_peak_of_its_own_however_much_its_starter_took():
    ballast = bytearray(2**28)
    code = "from benchmarks.process import own_peak_bytes; print(own_peak_bytes())"
    child = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert 0 < int(child.stdout) < len(ballast) < own_peak_bytes()
