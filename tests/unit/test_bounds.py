"""What is done in parts, so that memory stays bounded, gives what it would in one piece."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import tiny
from saescope.engine import directions
from saescope.engine.encoder import reconstructed
from saescope.index.arrays import map_arrays
from saescope.indexing import finish

resource = pytest.importorskip("resource")


@pytest.mark.parametrize("n_rows", [1, 7, 64])
def test_rows_reconstructed_in_parts_are_those_reconstructed_at_once(n_rows):
    sae = tiny.sae()
    with torch.inference_mode():
        x = torch.randn(64, tiny.D_MODEL)
        found = reconstructed(sae, x, tile_bytes=4 * tiny.D_SAE * n_rows)
        torch.testing.assert_close(found, sae.decode(sae.encode(x)))


def test_no_part_of_a_reconstruction_is_wider_than_asked(monkeypatch):
    sae, seen = tiny.sae(), []
    encode = sae.encode
    monkeypatch.setattr(sae, "encode", lambda x: seen.append(len(x)) or encode(x))
    with torch.inference_mode():
        reconstructed(sae, torch.randn(20, tiny.D_MODEL), tile_bytes=4 * tiny.D_SAE * 8)
    assert seen == [8, 8, 4]


def test_places_of_tokens_are_sorted_by_token_and_row(monkeypatch):
    monkeypatch.setattr(finish, "STEP", 7)
    for kind in (np.uint16, np.uint32):
        tokens = np.random.default_rng(0).integers(0, 9, 100).astype(kind)
        found = finish.token_places(tokens, 12)
        assert found["rows"].tolist() == sorted(range(100), key=lambda row: (tokens[row], row))
        assert np.diff(found["offsets"].astype(int)).tolist() == [(tokens == t).sum() for t in range(12)]


def test_directions_in_blocks_are_unit_rows(monkeypatch):
    monkeypatch.setattr(directions, "BLOCK", 50)
    sae = tiny.sae()
    found = directions.unit_rows(sae)
    wanted = torch.nn.functional.normalize(sae.W_enc.detach().T, dim=1).half().numpy()
    np.testing.assert_array_equal(found["encoder"], wanted)


def test_more_files_are_mapped_than_the_limit_that_a_shell_gives(tmp_path):
    save_file({"a": np.arange(3)}, tmp_path / "a")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[0] == resource.RLIM_INFINITY or limits[0] < 200:
        pytest.skip("no limit to come up against")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (150, limits[1]))
        maps = [map_arrays(tmp_path / "a") for _ in range(200)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(maps) == 200
