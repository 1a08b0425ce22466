from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from crawlers_shop import Answer, Shop, jpeg, serving
from PIL import Image

from dataset.errors import EmptyError, ImageError, UsageError
from dataset.workspace import Workspace
from modiste.cutout_ledger import LEDGER, Ledger
from modiste.cutout_sources import find_images, of_file, of_url
from modiste.cutout_urls import UrlReader


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving() as opened:
        yield opened


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)
    return path


def test_a_path_that_is_not_there_is_misuse_and_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        find_images([tmp_path / "nowhere"])
    with pytest.raises(EmptyError, match="no images there"):
        find_images([tmp_path])


def test_the_output_folder_inside_the_photos_is_not_read_again(tmp_path: Path) -> None:
    mine, _ = picture(tmp_path / "a.jpg"), picture(tmp_path / "out" / "a.png")
    assert find_images([tmp_path], tmp_path / "out") == [mine]


def test_outputs_among_the_photos_are_not_read_again(tmp_path: Path) -> None:
    mine, _ = picture(tmp_path / "a.jpg"), picture(tmp_path / "a.png")
    assert find_images([tmp_path], tmp_path, {"a.png"}) == [mine]


def test_photos_of_one_stem_keep_names_of_their_own_in_every_run(tmp_path: Path) -> None:
    paths = [picture(tmp_path / name) for name in ("a/look.jpg", "a/look.png", "b/look.jpg", "b/LOOK.png")]
    ledger = Ledger(tmp_path / "out", "s")
    names = [ledger.name(of_file(path)) for path in paths]
    assert names == ["look", "look-png", "look-jpg", "LOOK-png-no2"] or len({n.casefold() for n in names}) == 4
    for path, name in zip(paths, names, strict=True):
        ledger.begin(of_file(path), name, {}, [])
    assert [Ledger(tmp_path / "out", "s").name(of_file(path)) for path in reversed(paths)] == names[::-1]


def test_a_file_that_is_not_ours_is_never_written_over(tmp_path: Path) -> None:
    picture(tmp_path / "out" / "look.png")
    assert Ledger(tmp_path / "out", "s").name(of_file(picture(tmp_path / "look.jpg"))) == "look-jpg"


def test_numbered_outputs_do_not_meet_a_photo_of_that_name(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "out", "s", numbered=True)
    assert ledger.name(of_file(picture(tmp_path / "look.jpg"))) == "look"
    assert ledger.name(of_file(picture(tmp_path / "look-1.jpg"))) == "look-1-jpg"


def test_a_line_cut_off_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    source = of_file(picture(tmp_path / "look.jpg"))
    Ledger(tmp_path / "out", "s").begin(source, "look", {"status": "ok"}, [])
    path = tmp_path / "out" / LEDGER
    path.write_bytes(path.read_bytes() + b'{"key": "half')
    Ledger(tmp_path / "out", "s").begin(of_file(picture(tmp_path / "coat.jpg")), "coat", {"status": "ok"}, [])
    again = Ledger(tmp_path / "out", "s")
    assert again.done(source) == {"status": "ok", "image": str(tmp_path / "look.jpg")}
    assert again.done(of_file(tmp_path / "coat.jpg")) is not None


def test_the_name_of_a_url_is_made_safe() -> None:
    source = of_url("https://shop.example/a/..%2F..%2Fred%20dress.jpg?w=9", bytes)
    assert (source.stem, source.kind) == ("red_dress", "jpg")
    assert of_url("https://shop.example/", bytes).stem == "image"


def test_a_private_address_is_refused_without_being_asked(shop: Shop) -> None:
    shop.picture("/a.jpg")
    with UrlReader() as read, pytest.raises(ImageError) as caught:
        read(f"{shop.url}/a.jpg")
    assert caught.value.code == "private_address"
    assert shop.asked == []


def test_a_url_is_fetched_under_the_crawls_rules(shop: Shop, tmp_path: Path) -> None:
    shop.picture("/a.jpg")
    shop.picture("/no.jpg", X_Robots_Tag="noai")
    shop.picture("/secret/a.jpg")
    shop.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /secret/")
    ws = Workspace.init(tmp_path / "ws")
    ws.settings.crawl.allow_hosts.append("127.0.0.1")
    reasons = []
    with UrlReader(ws) as read:
        assert read(f"{shop.url}/a.jpg") == jpeg(0)
        for path in ("/no.jpg", "/secret/a.jpg", "/gone.jpg"):
            with pytest.raises(ImageError) as caught:
                read(shop.url + path)
            reasons.append(caught.value.code)
    assert reasons == ["noai", "robots", "http_404"]


def test_a_link_that_leads_to_itself_is_a_source_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    assert find_images([tmp_path], tmp_path / "out") == [tmp_path / "loop.jpg"]
