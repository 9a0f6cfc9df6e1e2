"""A UniMVM on disk: one safetensors file that says its own spec, or any Stable Video Diffusion folder of diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import UNetSpatioTemporalConditionModel
from pydantic import ValidationError
from torch import Tensor, nn

from datagen.errors import InputError
from datagen.models import weights
from datagen.models.unimvm.network import IDS, UNet, UniMVM, skip_time_of_single_frames
from datagen.models.unimvm.spec import Spec, UNetSpec

FORMAT = "datagen-unimvm-1"


def save_unimvm(path: Path, spec: Spec, *, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """Write a network's tensors with its spec and what else is to be said, and return the file's SHA-256."""
    return weights.save(path, tensors, about={**about, "format": FORMAT, "spec": spec.model_dump_json()})


def load_unimvm(path: Path, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> UniMVM:
    """Build the network a file describes and fill it. Raises InputError if the file is not one of ours, or broken."""
    tensors, about = weights.load(path, device=device)
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: holds '{about.get('format', 'no format')}', not '{FORMAT}'")
    try:
        network = UniMVM(Spec.model_validate_json(about["spec"]))
        network.load_state_dict(tensors)
    except (KeyError, ValidationError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit the spec they name ({error})") from error
    return network.to(device).in_precision(dtype).eval()


def begin(start: Path | tuple[Path, ...], spec: Spec) -> UniMVM:
    """Return a network of `spec` to train further: from weights of ours that fit it, or from an SVD folder.

    Several weights of ours, trained further from the same, are begun with as their mean (model soups, Wortsman et al.
    2022, arXiv 2203.05482). Raises InputError if they do not fit.
    """
    if isinstance(start, Path) and start.is_dir():
        return load_svd(start, spec)
    network, states = UniMVM(spec), []
    for path in (start,) if isinstance(start, Path) else start:
        trained = load_unimvm(path)
        try:
            network.load_state_dict(trained.state_dict())
        except RuntimeError as error:
            raise InputError(f"{path}: weights of '{trained.spec.name}' do not fit '{spec.name}' ({error})") from error
        states.append(trained.state_dict())
    network.load_state_dict({name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]})
    return network


def load_svd(folder: Path, spec: Spec) -> UniMVM:
    """Start a UniMVM from an SVD folder: the UNet's sizes are the folder's, the input is widened by zeros.

    At first it computes what SVD computes, whatever the new conditions say. Raises InputError if there is no such
    UNet in the folder.
    """
    pretrained = _svd_unet(folder)
    sizes = _sizes(pretrained)
    spec = spec.model_copy(update={"latent_channels": pretrained.config["out_channels"], "unet": sizes})
    widen_input(pretrained, spec.in_channels)
    widen_ids(pretrained, IDS * sizes.time_ids)
    skip_time_of_single_frames(pretrained)
    return UniMVM(spec, unet=pretrained)


def widen_input(unet: UNet, channels: int) -> None:
    """Let the UNet take `channels` channels; the new ones come last and count for nothing yet."""
    old = unet.conv_in
    new = nn.Conv2d(channels, old.out_channels, old.kernel_size, padding=old.padding)
    assert new.bias is not None
    with torch.no_grad():
        new.weight.zero_()
        new.weight[:, : old.in_channels] = old.weight
        new.bias.copy_(old.bias)
    unet.conv_in = new.to(dtype=old.weight.dtype, device=old.weight.device)
    unet.register_to_config(in_channels=channels)


def widen_ids(unet: UNet, width: int) -> None:
    """Let the UNet take more clip numbers, `width` wide when embedded; the new ones count for nothing yet."""
    old = unet.add_embedding.linear_1
    new = nn.Linear(width, old.out_features)
    with torch.no_grad():
        new.weight.zero_()
        new.weight[:, : old.in_features] = old.weight
        new.bias.copy_(old.bias)
    unet.add_embedding.linear_1 = new.to(dtype=old.weight.dtype, device=old.weight.device)
    unet.register_to_config(projection_class_embeddings_input_dim=width)


def _svd_unet(folder: Path) -> UNet:
    problems = []
    for variant in (None, "fp16"):
        try:
            return UNetSpatioTemporalConditionModel.from_pretrained(
                folder, subfolder="unet", use_safetensors=True, variant=variant, torch_dtype=torch.float32
            )
        except (OSError, ValueError) as error:
            problems.append(str(error).splitlines()[0])
    raise InputError(f"{folder}: no diffusers-format SVD UNet in its folder 'unet' ({'; '.join(problems)})")


def _sizes(unet: UNet) -> UNetSpec:
    config = unet.config
    levels = len(config["block_out_channels"])
    heads = config["num_attention_heads"]
    layers = config["layers_per_block"]
    if not isinstance(layers, int) or config["transformer_layers_per_block"] != 1:
        raise InputError(
            f"an SVD UNet with layers {layers} and {config['transformer_layers_per_block']} is not supported"
        )
    return UNetSpec(
        channels=tuple(config["block_out_channels"]),
        attention=tuple("CrossAttn" in block for block in config["down_block_types"]),
        heads=(heads,) * levels if isinstance(heads, int) else tuple(heads),
        layers=layers,
        context=config["cross_attention_dim"],
        time_ids=config["addition_time_embed_dim"],
    )
