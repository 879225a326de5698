"""Fig. 2 draws the sizes that the networks have."""

import pytest
import torch

from defgan.methods import get
from defgan.methods.model import create
from defgan.networks.discriminator import Discriminator
from defgan.params import Params
from defgan.report.figures.fig_02 import draw, networks
from defgan.training.results import own_settings
from tests.conftest import changed
from tests.report.conftest import rendered


@pytest.fixture(params=["tiny", "wider, without deformation"])
def description(request, tiny_params) -> dict:
    """What stands beside the weights."""
    method, params = get("defgan"), tiny_params
    if request.param != "tiny":
        wider = {"image_size": 64, "training.channels": 6, "training.residual_blocks": 2, "use_deformation": False}
        params = Params.model_validate(changed(params.model_dump(), wider))
    return {"architecture": method.architecture(params), "params": own_settings(method, params)}


def test_layers_and_parameters_are_the_networks(description):
    shown = networks(description)
    model = create("defgan", description["architecture"])
    critic = Discriminator(description["params"]["image_size"], description["params"]["training"]["critic_channels"])
    assert sum(network.parameters for network in shown[:-1]) == sum(own.numel() for own in model.parameters())
    assert shown[-1].parameters == sum(own.numel() for own in critic.parameters())
    side = description["params"]["image_size"]
    found = [features.shape[1:3] for features in critic.features(torch.zeros(1, 3, side, side))]
    assert [(layer.channels, layer.side) for layer in shown[-1].layers] == found
    patches, aus = critic(torch.zeros(1, 3, side, side))
    assert [head.side for head, _ in shown[-1].heads] == [patches.shape[1], 1] and aus.shape[1] == 17
    assert all(layer.side == side for network in shown[:-1] for layer in (network.layers[0], network.layers[-1])[:1])


def test_it_has_a_row_for_each_network(description, results, styled):
    results.description = lambda name: description
    figure = draw(results)
    assert [axes.get_title(loc="left").split(":")[0] for axes in figure.axes] == [
        network.title.split(":")[0] for network in networks(description)
    ]
    assert rendered(figure).std() > 10
