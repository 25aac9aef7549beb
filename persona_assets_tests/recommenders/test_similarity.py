import numpy as np
import pytest
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from scipy.sparse import csr_matrix, random, vstack

from persona_assets.recommenders import similarity
from persona_assets.recommenders.sequences import sequences
from persona_assets.recommenders.similarity import gram_rows, latest, similarities, user_item_matrix


@pytest.fixture
def matrix() -> csr_matrix:
    made = random(40, 25, density=0.2, random_state=3, format="csr")
    made.data[:] = 1.0
    return made


def whole(matrix: csr_matrix, kind: str, shrinkage: float = 0.0) -> np.ndarray:
    return vstack([block for _, block in similarities(matrix, kind, shrinkage)]).toarray()


@pytest.mark.parametrize(
    ("kind", "library"),
    [
        ("cosine", CosineRecommender(K=25)),
        ("tfidf", TFIDFRecommender(K=25)),
        ("bm25", BM25Recommender(K=25)),
    ],
)
def test_a_similarity_is_that_of_the_library_implicit(kind, library, matrix):
    library.fit(matrix, show_progress=False)
    expected = library.similarity.toarray()
    np.fill_diagonal(expected, 0)

    np.testing.assert_allclose(whole(matrix, kind), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shrinkage", [0.0, 2.5])
def test_jaccard_and_cosine_are_what_sets_say(shrinkage, matrix):
    people = [set(column.nonzero()[0]) for column in matrix.toarray().T]
    jaccard, cosine = np.zeros((25, 25)), np.zeros((25, 25))
    for i, first in enumerate(people):
        for j, second in enumerate(people):
            if i != j and first & second:
                jaccard[i, j] = len(first & second) / (len(first | second) + shrinkage)
                size = np.sqrt(len(first) * len(second))
                cosine[i, j] = len(first & second) / (size + shrinkage)

    np.testing.assert_allclose(whole(matrix, "jaccard", shrinkage), jaccard, atol=1e-12)
    np.testing.assert_allclose(whole(matrix, "cosine", shrinkage), cosine, atol=1e-12)


def test_shrunk_bm25_counts_pairs_of_few_people_less(matrix):
    both = (matrix.T @ matrix).toarray()

    np.testing.assert_allclose(
        whole(matrix, "bm25", 3.0), whole(matrix, "bm25") * both / (both + 3.0), atol=1e-12
    )


def test_blocks_of_any_size_are_the_same_matrix(matrix, monkeypatch):
    expected = whole(matrix, "jaccard")

    monkeypatch.setattr(similarity, "PRODUCTS_PER_BLOCK", 30)

    assert len(list(gram_rows(matrix))) > 5
    assert (whole(matrix, "jaccard") == expected).all()
    gram = vstack([block for _, block in gram_rows(matrix)]).toarray()
    assert (gram == (matrix.T @ matrix).toarray()).all()


def test_people_who_interacted_with_everything_say_nothing_in_tfidf():
    assert whole(csr_matrix(np.ones((3, 4))), "tfidf").sum() == 0


def test_only_the_latest_products_are_counted_and_all_of_one_instant(mart):
    log = sequences(
        mart(
            ("a", "old", "view", 1, 9),
            ("a", "twin1", "view", 1, 5),
            ("a", "twin2", "view", 1, 5),
            ("a", "new", "view", 1, 1),
        )
    )

    kept = latest(log, 2)

    assert kept.products.gather(kept.items).to_list() == ["twin1", "twin2", "new"]
    assert user_item_matrix(log, 1).toarray().tolist() == [[1, 0, 0, 0]]
    assert user_item_matrix(log, 99).toarray().tolist() == [[1, 1, 1, 1]]
