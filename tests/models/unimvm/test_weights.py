"""Weights: what is saved is what is loaded, and any Stable Video Diffusion folder is a start."""

from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel

from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models import weights
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.autoencoder.svd import TemporalAutoencoder
from datagen.models.autoencoder.weights import autoencoder_sha256, open_autoencoder, save_autoencoder
from datagen.models.unimvm.conditioning import Given
from datagen.models.unimvm.network import UniMVM
from datagen.models.unimvm.pipeline import Sampling, decode_pictures, encode_pictures, make_latents
from datagen.models.unimvm.spec import SVD, Condition
from datagen.models.unimvm.weights import begin, load_svd, load_unimvm, save_unimvm


def test_a_saved_network_says_its_spec_and_computes_the_same(tmp_path, spec, conditions_for, latents_for):
    network = UniMVM(spec, sigma_data=torch.tensor([0.5, 1.0, 2.0, 4.0])).eval()
    path = tmp_path / "weights.safetensors"
    digest = save_unimvm(path, spec, tensors=network.state_dict(), about={"steps": "3"})
    assert digest == file_sha256(path)
    again = load_unimvm(path)
    assert again.spec == spec
    x, told = latents_for(spec, 1), conditions_for(spec, 1)
    with torch.no_grad():
        assert torch.equal(*(one(x, torch.ones(1), told, Given.nothing(x)) for one in (network, again)))
    assert [file.name for file in tmp_path.iterdir()] == [path.name], "nothing half-written is left"


def test_half_precision_weights_take_half_the_room(tmp_path, spec):
    tensors = UniMVM(spec).state_dict()
    save_unimvm(tmp_path / "full.safetensors", spec, tensors=tensors, about={})
    save_unimvm(tmp_path / "half.safetensors", spec, tensors=weights.halved(tensors), about={})
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "full")]
    assert sizes[0] < 0.6 * sizes[1]
    assert load_unimvm(tmp_path / "half.safetensors").unet.dtype == torch.float32


def test_training_begins_with_weights_that_fit(tmp_path, spec, conditions_for, latents_for):
    network, path = UniMVM(spec, sigma_data=torch.tensor([0.5, 1.0, 2.0, 4.0])).eval(), tmp_path / "weights.safetensors"
    save_unimvm(path, spec, tensors=network.state_dict(), about={})
    x, told = latents_for(spec, 1), conditions_for(spec, 1)
    with torch.no_grad():
        assert torch.equal(
            *(one(x, torch.ones(1), told, Given.nothing(x)) for one in (network, begin(path, spec).eval()))
        )
    alone = begin(path, spec.model_copy(update={"joined": False}))
    assert not alone.spec.joined
    with pytest.raises(InputError, match="do not fit"):
        begin(path, spec.model_copy(update={"conditions": (Condition.MAP,)}))


def test_training_begins_with_the_mean_of_several_weights(tmp_path, spec):
    paths = tuple(tmp_path / f"{name}.safetensors" for name in ("one", "other"))
    for path, value in zip(paths, (1.0, 2.0)):
        tensors = {name: torch.full_like(tensor, value) for name, tensor in UniMVM(spec).state_dict().items()}
        save_unimvm(path, spec, tensors=tensors, about={})
    assert all((tensor == 1.5).all() for tensor in begin(paths, spec).state_dict().values())


def test_what_is_not_ours_or_broken_is_refused_by_name(tmp_path, spec):
    with pytest.raises(InputError, match="there are no weights here"):
        load_unimvm(tmp_path / "none.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x80\x04 a pickle, perhaps")
    with pytest.raises(InputError, match=r"broken\.safetensors: not a readable safetensors file"):
        load_unimvm(broken)
    foreign = tmp_path / "foreign.safetensors"
    weights.save(foreign, {"a": torch.zeros(1)}, about={"format": "other"})
    with pytest.raises(InputError, match="holds 'other', not 'datagen-unimvm-1'"):
        load_unimvm(foreign)
    misfit = tmp_path / "misfit.safetensors"
    save_unimvm(misfit, spec, tensors={"a": torch.zeros(1)}, about={})
    with pytest.raises(InputError, match="do not fit the spec they name"):
        load_unimvm(misfit)


@pytest.fixture(scope="module")
def svd_folder(tmp_path_factory):
    """A random Stable Video Diffusion of four small levels, saved by diffusers as the real one is."""
    folder = tmp_path_factory.mktemp("svd")
    torch.manual_seed(0)
    unet = UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 32, 64, 64),
        num_attention_heads=(1, 1, 2, 2),
        layers_per_block=1,
        cross_attention_dim=32,
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=96,
    )
    unet.save_pretrained(folder / "unet")
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=(32, 32, 32, 32), down_block_types=("DownEncoderBlock2D",) * 4, layers_per_block=1
    )
    vae.save_pretrained(folder / "vae")
    return folder


SVD_SMALL = SVD.model_copy(update={"view_px": (64, 64), "views": 2, "frames": 2})


def test_an_svd_folder_computes_at_first_what_svd_computes(svd_folder, conditions_for, latents_for):
    network = load_svd(svd_folder, SVD_SMALL).eval()
    spec = network.spec
    original = UNetSpatioTemporalConditionModel.from_pretrained(svd_folder, subfolder="unet").eval()
    assert network.unet.config["in_channels"] == spec.in_channels == 4 + 4 + 1 + 4 + 8 + 20 + 6 + 3
    x, told, sigma = latents_for(spec, 1), conditions_for(spec, 1), torch.tensor([3.0])
    with torch.no_grad():
        ours = network(x, sigma, told, Given.nothing(x))
        tokens = network.words(told.words, told.text)
        wide = torch.cat(list(x.unbind(2)), dim=-1)
        ids = torch.tensor([[4.0, 127.0, 0.0]])
        door = torch.cat([wide / (1 + sigma**2).sqrt(), torch.zeros_like(wide)], dim=2)
        velocity = original(door, sigma.log() / 4, tokens, ids).sample
        theirs = velocity * (-sigma / (1 + sigma**2).sqrt()) + wide / (1 + sigma**2)  # diffusers, v_prediction
    assert torch.allclose(torch.cat(list(ours.unbind(2)), dim=-1), theirs, atol=1e-5)


def test_an_svd_folder_trains_a_step_and_samples_pictures(svd_folder, conditions_for, latents_for):
    network, autoencoder = load_svd(svd_folder, SVD_SMALL), open_autoencoder(svd_folder)
    spec = network.spec
    network.unet.enable_gradient_checkpointing()
    x, told = latents_for(spec, 1), conditions_for(spec, 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    network(x, torch.ones(1), told, Given.nothing(x)).square().mean().backward()
    optimizer.step()
    assert network.unet.conv_in.weight[:, 8:].abs().sum() > 0, "the new channels have begun to count"
    latents = make_latents(network.eval(), told, given=Given.nothing(x), seeds=[0], sampling=Sampling(steps=2))
    pictures = torch.stack(list(decode_pictures(autoencoder, latents)), dim=2)
    assert pictures.shape == (1, 2, 2, 64, 64, 3)
    assert encode_pictures(autoencoder, pictures).shape == x.shape
    assert isinstance(open_autoencoder(svd_folder), TemporalAutoencoder)
    assert autoencoder_sha256(svd_folder) == file_sha256(svd_folder / "vae" / "diffusion_pytorch_model.safetensors")


def test_an_svd_autoencoder_computes_in_half_where_asked_and_ours_stays_exact(svd_folder, tmp_path):
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    whole, half = open_autoencoder(svd_folder), open_autoencoder(svd_folder, svd_dtype=torch.bfloat16)
    latents = half.encode(pictures)
    assert latents.dtype == torch.bfloat16
    assert torch.allclose(latents.float(), whole.encode(pictures), atol=0.02)
    assert half.decode(latents.float(), frames=2).shape == pictures.shape
    ours = PatchAutoencoder(PatchSpec(width=32, blocks=1))
    save_autoencoder(tmp_path / "ours.safetensors", ours.spec, tensors=ours.state_dict(), about={})
    again = open_autoencoder(tmp_path / "ours.safetensors", svd_dtype=torch.bfloat16)
    assert again.encode(pictures).dtype == torch.float32


def test_a_folder_without_svd_is_refused(tmp_path):
    with pytest.raises(InputError, match="no diffusers-format SVD UNet"):
        load_svd(tmp_path, SVD)
    with pytest.raises(InputError, match="no diffusers-format temporal autoencoder"):
        open_autoencoder(tmp_path)
    with pytest.raises(InputError, match="no safetensors in its folder 'vae'"):
        autoencoder_sha256(tmp_path)
