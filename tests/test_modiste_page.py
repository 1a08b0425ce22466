"""The page at `/` in a real Chromium: against made-up parts, and against `modiste serve` with what ships."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from labeling_drawn import encoded
from labeling_drawn import photo as drawn_person
from modiste_api_drawn import OPEN, ROOT, FakeHit, Reds, parts, photo, served
from PIL import Image

from dataset.workspace import Workspace
from modiste.api import Access
from modiste.api_keys import KeyFile
from modiste.api_parts import Parts

pytestmark = pytest.mark.timeout(200)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
WATCH = "window.violations = []; addEventListener('securitypolicyviolation', (e) => violations.push(e.blockedURI))"
DROP = """([files]) => {
  const data = new DataTransfer();
  for (const [name, text] of files) {
    data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, {type: 'image/jpeg'}));
  }
  return data;
}"""
NAMELESS = """() => [...document.querySelectorAll('button, input, select, a, summary')]
  .filter((each) => !(each.labels?.length || each.textContent.trim() || each.getAttribute('aria-label')))
  .map((each) => each.outerHTML)"""
COLOURS = """() => Object.fromEntries(['ink', 'soft', 'accent', 'on-accent', 'warn-edge', 'card', 'bg', 'tint', 'warn']
  .map((name) => [name, getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()]))"""
FLOW = """
name: studio
taxonomy: clothing
models:
  tagger: {shipped: true, trained_under: 'clothing@1#20a4554fadb6'}
steps:
  - {task: type, model: tagger}
  - branch: type
    cases:
      hat: [{rule: implied}]
      shoes: []
    otherwise: [{rule: colour, field: colour}]
"""


@dataclass
class Watched:
    """A page, and what went on in it that should not have."""

    page: Any
    url: str
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def drop(self, *files: tuple[str, bytes]) -> None:
        texts = [[name, base64.b64encode(data).decode()] for name, data in files]
        self.page.dispatch_event("#intake", "drop", {"dataTransfer": self.page.evaluate_handle(DROP, [texts])})

    def finished(self, count: int) -> None:
        self.page.locator(".strip li.done, .strip li.problem").nth(count - 1).wait_for()

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).first.inner_text())


Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """Opens the page; afterwards nothing was asked elsewhere, nothing stood in the console, no policy was broken."""
    all_of_them: list[Watched] = []

    def open_it(url: str, width: int = 1280, **more: Any) -> Watched:
        page = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True, **more).new_page()
        one = Watched(page, url)
        all_of_them.append(one)
        page.add_init_script(WATCH)
        page.on("request", lambda request: one.asked.append(request.url))
        page.on("console", lambda said: one.faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: one.faults.append(str(error)))
        page.goto(url)
        page.wait_for_load_state("networkidle")
        return one

    yield open_it
    for one in all_of_them:
        assert one.page.evaluate("() => violations") == []
        outside = [url for url in one.asked if not url.startswith(("data:", "blob:"))]
        assert {urlsplit(url).netloc for url in outside} == {urlsplit(one.url).netloc}
        assert one.faults == []
        one.page.context.close()


@contextmanager
def real_service(folder: Path) -> Iterator[str]:
    """`modiste serve` as a process of its own, with what ships and a flow of the workspace."""
    ws = Workspace.init(folder)
    (ws.root / "flows").mkdir()
    (ws.root / "flows" / "studio.yaml").write_text(FLOW)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "modiste", "serve", "-w", str(folder), "--port", "0", "--threads", "1"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr
            yield next(line.split()[2] for line in child.stderr if line.startswith("serving on"))
        finally:
            child.terminate()
            child.communicate(timeout=60)


def hit(**facts: Any) -> Parts:
    """Made-up parts whose search finds one product."""
    made = parts()
    found = replace(FakeHit(), **facts)
    made.similar.search = lambda data, k, where: [found]  # type: ignore[method-assign, union-attr]
    return made


@pytest.mark.slow
def test_a_dropped_photo_is_tagged_led_through_the_flow_cut_out_and_measured(opened: Open, tmp_path: Path) -> None:
    person = encoded(drawn_person(), "JPEG", quality=95)
    with real_service(tmp_path / "w") as url:
        one = opened(url)
        one.page.select_option("#flow", "studio") if one.page.locator("#flow").count() else None
        one.drop(("red dress.jpg", person))
        one.finished(1)
        assert "%" in one.text(".tag[data-field=type] .number")
        steps = one.page.locator("[data-node]")
        taken = {each.get_attribute("data-node"): each.get_attribute("class") for each in steps.all()}
        assert taken["task type"] == taken["branch type"] == taken["rule colour"] == "taken"
        assert taken["rule implied"] == "passed"
        assert one.text(".way.taken .case").startswith("otherwise")
        assert "floor" in one.text("[data-node='task type'] .why")
        assert "Red" in one.text(".colours")
        assert "modiste embed" in one.text(".similar-card .lacking")
        _look_at_cutout(one, tmp_path)
        _look_at_heat(one)


def _look_at_cutout(one: Watched, folder: Path) -> None:
    """What is saved is what is seen; a choice asks for another."""
    for choice, opaque in (("transparent", False), ("white", True)):
        one.page.click(f"#on-{choice}")
        with one.page.expect_download() as saved:
            one.page.click("#save-cutout")
        assert saved.value.suggested_filename == "red-dress-garment.png"
        saved.value.save_as(folder / f"{choice}.png")
        image = Image.open(folder / f"{choice}.png").convert("RGBA")
        assert image.size == (200, 300)
        assert (np.asarray(image)[..., 3].min() == 255) == opaque


def _look_at_heat(one: Watched) -> None:
    one.page.click("#why-type")
    one.page.locator("img.heat.over").wait_for()
    box = "document.querySelector(`img.${name}`).getBoundingClientRect().toJSON()"
    sizes = f"() => ['photo', 'heat'].map((name) => {box})"
    one.page.locator("#why-type[aria-pressed=true]").wait_for()
    below, above = one.page.evaluate(sizes)
    assert below == above
    one.page.click("#why-type")
    one.page.locator("img.heat").wait_for(state="detached")


def test_scraped_words_stay_words(opened: Open) -> None:
    with served(hit(title=HOSTILE, store=HOSTILE, currency="<b>", url="javascript:alert(1)")) as service:
        one = opened(service.url)
        one.drop(("a.jpg", photo()))
        one.page.locator(".hit").wait_for()
        assert one.text(".hit .title") == HOSTILE
        assert one.page.locator(".hit a, .hit img[src=x], .hit b").count() == 0
        assert one.page.title() == "Modiste"


def test_a_products_page_is_opened_apart_and_told_nothing(opened: Open) -> None:
    with served(hit(title="Red dress", url="https://shop.example/p/1", copies=2)) as service:
        one = opened(service.url)
        one.drop((HOSTILE + ".jpg", photo()))
        one.page.locator(".hit").wait_for()
        link = one.page.locator(".hit a")
        assert {"noopener", "nofollow"} <= set(link.get_attribute("rel").split())
        assert (link.get_attribute("href"), link.get_attribute("target")) == ("https://shop.example/p/1", "_blank")
        shown = one.text(".hit")
        assert all(each in shown for each in ("€19.90", "90 % alike", "3 pictures"))
        assert HOSTILE + ".jpg" in one.text(".stage figcaption")


def test_what_is_no_image_is_told_with_its_cure_and_leaves_the_others_alone(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.drop(("notes.jpg", b"not an image"), ("dress.jpg", photo()))
        one.finished(2)
        said = one.text(".stage .problem")
        assert "no usable image" in said
        assert "Send a JPEG" in said
        assert one.page.locator(".strip .said").all_inner_texts() == ["problem", "Dress"]
        one.page.click(".strip li:nth-child(2) .thumb")
        assert one.text(".tag[data-field=type] .answer strong") == "Dress"


def test_many_photos_are_worked_through_with_progress_and_can_be_taken_off(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.drop(*((f"{number}.jpg", photo((250 if number % 2 else 10, 10, 10))) for number in range(5)))
        one.finished(5)
        assert one.page.locator(".strip .name").all_inner_texts() == [f"{number}.jpg" for number in range(5)]
        assert one.page.locator(".strip .said").all_inner_texts()[1::2] == ["Dress", "Dress"]
        assert one.text(".strip-head") == "5 photos"
        one.page.click(".strip li:first-child .remove")
        assert one.page.locator(".thumb[aria-current=true] .name").inner_text() == "1.jpg"


def test_an_unsure_answer_says_so_and_shows_what_it_might_be(opened: Open) -> None:
    with served(parts(_Unsure())) as service:
        one = opened(service.url)
        one.drop(("a.jpg", photo()))
        one.finished(1)
        assert one.text(".tag.unsure strong").startswith("not sure: ")
        assert one.page.locator(".tag[data-field=type] .ranked li").count() == 2
        one.page.click("#others-type")
        assert one.page.locator(".tag[data-field=type] .ranked li").first.is_visible()


class _Unsure(Reds):
    def _answer(self, rgb: Any) -> Any:
        plain = super()._answer(rgb)
        return {**plain, "type": replace(plain["type"], floor=0.99)}


def test_a_key_is_asked_for_and_kept_in_memory_alone(opened: Open, tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.add("the editor")
    with served(access=Access(keys=keys)) as service:
        one = opened(service.url)
        one.page.fill("#key", "wrong")
        one.page.press("#key", "Enter")
        one.page.wait_for_load_state("networkidle")
        assert one.page.locator("#key-form").is_visible()
        one.page.fill("#key", key)
        one.page.press("#key", "Enter")
        one.drop(("a.jpg", photo()))
        one.finished(1)
        one.page.locator("#key-form").wait_for(state="hidden")
        assert key not in one.page.content()
        assert one.page.evaluate("() => [localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
        one.faults = [each for each in one.faults if "401" not in each]  # the browser's own words about a refusal


def test_a_developer_sees_the_json_and_the_line_that_asks_for_it(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.drop(('it\'s "mine".jpg', photo()))
        one.finished(1)
        one.page.click("#for-developers")
        assert '"confidence"' in one.text("pre.json")
        line = one.text("pre.curl")
        (Path.cwd() / "unused").exists()
        words = subprocess.run(["sh", "-c", f"set -- {line}; printf '%s\\n' \"$@\""], capture_output=True, text=True)
        assert words.stdout.splitlines() == [
            "curl", "-s", "-F", 'image=@"it\'s \\"mine\\".jpg"', f"{service.url}/v1/tag"
        ]  # fmt: skip
        one.page.select_option("#answer", "cutout")
        assert "kB)" in one.text("pre.json")


def test_an_address_is_fetched_by_the_server_alone(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.page.fill("#url", "http://10.0.0.1/dress.jpg")
        one.page.press("#url", "Enter")
        one.finished(1)
        assert "private network" in one.text(".stage .problem")


def test_a_server_that_is_gone_is_told(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
    one.drop(("a.jpg", photo()))
    one.finished(1)
    assert "does not answer" in one.text(".stage .problem")
    assert one.faults
    one.faults = [each for each in one.faults if "ERR_CONNECTION" not in each]


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_runs_over_the_edge(opened: Open, width: int) -> None:
    with served(hit(title="A" * 300, store="b" * 200)) as service:
        one = opened(service.url, width=width)
        one.drop(("c" * 200 + ".jpg", photo()))
        one.finished(1)
        one.page.click("#for-developers")
        assert one.page.evaluate("() => document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_on_their_ground(opened: Open, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    with served() as service:
        found = opened(service.url, color_scheme=scheme).page.evaluate(COLOURS)
    pairs = [(ink, ground) for ink in ("ink", "soft") for ground in ("card", "bg", "tint")]
    pairs += [("accent", "card"), ("accent", "bg"), ("accent", "tint"), ("on-accent", "accent"), ("ink", "warn")]
    pairs += [("warn-edge", "card"), ("warn-edge", "tint")]
    assert {pair: ratio for pair in pairs if (ratio := _contrast(found[pair[0]], found[pair[1]])) < 4.5} == {}


def _contrast(one: str, other: str) -> float:
    low, high = sorted(_luminance(each.removeprefix("#")) for each in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(code: str) -> float:
    """Relative luminance of 'rrggbb' or 'rgb' by WCAG 2.2."""
    code = "".join(2 * each for each in code) if len(code) == 3 else code
    shares = np.frombuffer(bytes.fromhex(code), np.uint8) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_keyboard_gets_everywhere_and_everything_has_a_name(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.page.set_input_files("#files", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()})
        one.finished(1)
        reached = []
        for _ in range(40):
            one.page.keyboard.press("Tab")
            reached.append(one.page.evaluate("() => document.activeElement.id"))
        wanted = ["files", "url", "photo-1", "why-type", "on-white", "save-cutout", "edit-words", "where-store",
                  "for-developers"]  # fmt: skip
        assert list(dict.fromkeys(each for each in reached if each in wanted)) == wanted  # then it begins anew
        assert one.page.evaluate(NAMELESS) == []
        assert "Dress" in one.page.locator("[role=status]").text_content()


def test_a_choice_keeps_the_focus_where_it_was(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        one.drop(("a.jpg", photo()))
        one.finished(1)
        one.page.focus("#on-white")
        one.page.keyboard.press("Enter")
        one.page.locator("#on-white[aria-pressed=true]").wait_for()
        one.page.locator("#save-cutout").wait_for()
        assert one.page.evaluate("() => document.activeElement.id") == "on-white"


def test_a_pasted_picture_is_taken(opened: Open) -> None:
    with served() as service:
        one = opened(service.url)
        data = one.page.evaluate_handle(DROP, [[["pasted.png", base64.b64encode(photo(kind="PNG")).decode()]]])
        one.page.evaluate(
            "(data) => document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))", data
        )
        one.finished(1)
        assert one.text(".stage .file") == "pasted.png"


def test_a_busy_server_is_asked_again_after_as_long_as_it_says(opened: Open) -> None:
    with served(limits=replace(OPEN, rate=1.0, burst=19)) as service:  # the page itself takes 18
        one = opened(service.url)
        one.drop(("a.jpg", photo()))
        one.finished(1)
        assert one.page.locator(".problem").count() == 0
        assert one.page.locator(".hit").count() == 12
        assert any("429" in each for each in one.faults)
        one.faults = [each for each in one.faults if "429" not in each]
