import numpy as np
import polars as pl
import pytest

from saescope.errors import InputError, UnknownFeatureError, UnknownNameError

NAMED = ["feature", "group", "rank", "activation", "pos", "token", "tokens", "activations", "text", "doc"]


@pytest.fixture(scope="module")
def busy(opened):
    return int(opened.features.sort("n_fires")["feature"][-1])


def test_examples_have_the_promised_columns(opened, busy):
    frame = opened.examples(busy)
    assert frame.columns[: len(NAMED)] == NAMED
    assert frame["rank"].to_list() == list(range(20))
    assert frame["activation"].is_sorted(descending=True)
    assert frame["activation"][0] == opened.features["max"][busy]


def test_each_example_agrees_with_itself(opened, busy):
    index = opened.index
    for group in index.manifest.groups:
        for row in opened.examples(busy, group=group).iter_rows(named=True):
            assert row["activations"][row["peak"]] == row["activation"]
            assert row["tokens"][row["peak"]] == row["token"]
            assert row["pos"] == row["row"] % index.manifest.context_size
            assert len(row["tokens"]) == len(row["activations"]) == len(row["token_ids"])
            assert row["text"] == index.vocabulary.decode(row["token_ids"])
            start = row["row"] - row["peak"]
            assert row["token_ids"] == index.tokens[start : start + len(row["tokens"])].tolist()
            assert row["group"] == group


def test_more_examples_than_are_stored_come_from_the_postings_and_continue_the_same_order(opened, busy):
    stored, more = opened.examples(busy, k=20), opened.examples(busy, k=45)
    assert len(more) == 45
    assert more.head(20).equals(stored)
    assert more["activation"].is_sorted(descending=True)
    contexts = more["row"].to_numpy() // opened.index.manifest.context_size
    assert len(set(contexts.tolist())) == 45


def test_a_dead_feature_has_no_examples(opened):
    dead = opened.features.filter(pl.col("n_fires") == 0)["feature"][0]
    assert len(opened.examples(dead)) == len(opened.examples(dead, k=200)) == 0


def test_numpy_numbers_are_feature_numbers(opened, busy):
    assert opened.examples(np.int64(busy)).equals(opened.examples(busy))


@pytest.mark.parametrize("feature", [-1, 256, 1.5, "3", None, True])
def test_a_number_that_is_no_feature_is_told_with_the_range(opened, feature):
    with pytest.raises(UnknownFeatureError, match="0 to 255"):
        opened.examples(feature)


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", True])
def test_k_is_a_number_of_examples(opened, k):
    with pytest.raises(InputError, match="at least 1"):
        opened.examples(0, k=k)


def test_an_unknown_group_names_those_there_are(opened):
    with pytest.raises(UnknownNameError) as caught:
        opened.examples(0, group="best")
    assert "interval-5" in caught.value.hint
