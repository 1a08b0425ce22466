from __future__ import annotations

import pickle

from dataset.errors import ImageError, ModisteError, SettingsError


def test_a_message_says_what_where_expected_and_cure() -> None:
    error = ModisteError("is 3", where="a.yaml", expected="at most 2", cure="Lower it")
    assert str(error) == "a.yaml: is 3 (expected at most 2). Lower it"


def test_an_error_crosses_a_process_border_with_its_code_and_cure() -> None:
    error = pickle.loads(pickle.dumps(ImageError("html", "a page", cure="Crawl again")))
    assert (type(error), error.code, str(error)) == (ImageError, "html", "a page. Crawl again")


def test_misuse_has_exit_code_two_and_failure_one() -> None:
    assert (SettingsError.exit_code, ImageError.exit_code) == (2, 1)
