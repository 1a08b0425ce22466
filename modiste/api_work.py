"""The work itself: one image's bytes in, what was asked of it out, through lanes that gather photos of many requests.

In: `Parts`, `Limits`. Out: JSON-ready results. All that takes CPU runs in threads: photos are decoded in one pool,
models run in another, each lane one batch at a time. What is in memory is bounded by a budget of pixels. A client that
vanished cancels its work, which is then dropped before it is computed.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np

from crawlers import sniff
from dataset.images import decode
from modiste.api_batches import Lane
from modiste.api_bodies import CutoutOptions, EditOptions, FlowOptions, SimilarOptions, TagOptions, Where
from modiste.api_colour import colours_of
from modiste.api_images import Given, pixels_of
from modiste.api_limits import Budget, Limits
from modiste.api_metrics import Metrics
from modiste.api_parts import Parts, answer_as_json
from modiste.api_problems import Problem, problem_of
from train.answers import Answer, UInt8

Act = Callable[[bytes], Awaitable[dict[str, Any]]]
ReadUrl = Callable[[str], Awaitable[bytes]]
Value = TypeVar("Value")
BATCH = 8
WAIT_S = 0.004
ALONE = ("cutout", "edit", "colour", "similar", "heat")  # lanes of one photo at a time, none waiting for another kind
BRINGS = {
    "tag": "Give a tagger: modiste serve --weights FILE (modiste train tagging, modiste export onnx)",
    "cutout": "Reinstall modiste: a segmentation weight ships with it",
    "colour": "Reinstall modiste: a segmentation weight ships with it",
    "edit": "Reinstall modiste: a segmentation weight ships with it",
    "similar": "Start with -w WORKSPACE, after modiste crawl and modiste embed",
}


class Worker:
    """Ask it inside a running loop; `close` at its end."""

    def __init__(
        self, parts: Parts, limits: Limits, metrics: Metrics, batch: int = BATCH, wait_s: float = WAIT_S
    ) -> None:
        self.parts, self.limits, self.metrics = parts, limits, metrics
        self.budget = Budget(limits.held_pixels)
        cores = os.cpu_count() or 1
        self._computing = ThreadPoolExecutor(max(2, cores), "modiste-compute")
        self._decoding = ThreadPoolExecutor(cores, "modiste-decode")
        self.lanes: dict[str, Lane[Any, Any]] = {
            "tag": self._lane("tag", self._tag_batch, batch, wait_s),
            **{name: self._lane(name, _called, 1, 0.0) for name in ALONE},
            **{
                f"flow/{name}": self._lane("flow", flow.run, batch, wait_s) for name, flow in parts.flows.items()
            },
        }  # fmt: skip

    @property
    def expected_s(self) -> float:
        return sum(lane.expected_s for lane in self.lanes.values())

    def warm(self) -> None:
        """Have a cutout's libraries compiled and loaded before anyone asks for one: seconds, in a thread."""
        if self.parts.look is not None:
            self._computing.submit(_warmed)

    async def close(self) -> None:
        await asyncio.gather(*(lane.close() for lane in self.lanes.values()))
        self._computing.shutdown(wait=True, cancel_futures=True)
        self._decoding.shutdown(wait=True, cancel_futures=True)

    async def one(
        self, work: str, given: Given, read_url: ReadUrl | None, act: Act, beside: int = 0
    ) -> dict[str, Any]:  # fmt: skip
        """The result of one image, or its problem under `error`; `beside` as in `pixels_beside`.

        No name here or in what it was given keeps a raised exception: its traceback holds this frame and so the photo,
        and the circle would stay in memory until a garbage collection.
        """
        if given.problem is not None:
            code, body = given.problem.code, given.problem.body()
        else:
            try:
                result = {"image": given.name, **await self._acted(given, read_url, act, beside)}
                self.metrics.images.labels(work, "ok").inc()
                return result
            except Exception as error:
                code, body = _told(error)
        self.metrics.images.labels(work, code).inc()
        return {"image": given.name, "error": body}

    async def _acted(self, given: Given, read_url: ReadUrl | None, act: Act, beside: int) -> dict[str, Any]:
        data = given.data
        if given.url is not None:
            assert read_url is not None  # opened wherever a request has a URL
            data = await read_url(given.url)
        pixels = await self._decoded(_checked, data, self.limits.pixels)
        async with self.budget.of(pixels + beside):
            return await act(data)

    async def pixels_beside(self, pictures: Mapping[str, bytes]) -> int:
        """Pixels of the pictures beside the photos, each seen whole. Raises Problem that names it for a bad one."""
        from modiste.api_edit import fit_for_use

        total = 0
        for name, data in pictures.items():
            try:
                pixels = await self._decoded(_checked, data, self.limits.pixels)
            except Problem as problem:
                raise Problem(problem.code, f"{name}: {problem.detail}", cure=problem.cure) from problem
            async with self.budget.of(pixels):
                await self._decoded(fit_for_use, name, data, self.limits.pixels)
            total += pixels
        return total

    async def _decoded(self, step: Callable[..., Value], *given: Any) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._decoding, step, *given)

    async def photo(self, data: bytes) -> UInt8:
        return await self._decoded(_photo, data, self.limits.pixels)

    def act_of(self, work: str, options: Any, name: str = "", pictures: Mapping[str, bytes] | None = None) -> Act:
        """Raises Problem where the part isn't here, or there is no such flow or field. `pictures` are those beside the
        photos, by name."""
        if work == "flow":
            return self._flow(name, options)
        self.needs(work)
        acts: dict[str, Callable[[Any], Act]] = {
            "tag": self._tag, "cutout": self._cutout, "similar": self._similar, "colour": self._colour,
            "edit": lambda options: self._edit(options, pictures or {}),
        }  # fmt: skip
        return acts[work](options)

    def needs(self, work: str) -> None:
        there = {"tag": self.parts.tagger, "similar": self.parts.similar}.get(work, self.parts.look)
        if there is None:
            missing = self.parts.missing.get("cutout" if work in ("colour", "edit") else work, "")
            raise Problem("not_here", missing or f"{work} isn't here", cure=BRINGS[work])

    def models(self, work: str, name: str = "") -> list[dict[str, str]]:
        """Who answered: names and fingerprints."""
        parts = self.parts
        if work == "flow":
            found = parts.flows[name].models
        elif work == "tag":
            found = [("tagger", parts.tagger.fingerprint)] if parts.tagger else []
        elif work == "similar":
            found = [(parts.similar.encoder.partition("#")[0], parts.similar.encoder)] if parts.similar else []
        else:
            found = [parts.segmenter_name]
        return [{"name": each, "fingerprint": fingerprint} for each, fingerprint in found]

    def _tag(self, options: TagOptions) -> Act:
        tagger = self.parts.tagger
        assert tagger is not None  # `needs` looked
        fields = list(options.fields or tagger.values)
        if strange := [field for field in fields if field not in tagger.values]:
            raise Problem("bad_option", f"no field '{strange[0][:60]}'; there are {', '.join(tagger.values)}")
        self._explains(options.explain)

        async def act(data: bytes) -> dict[str, Any]:
            photo = await self.photo(data)
            answers: dict[str, Answer] = await self.lanes["tag"].ask(photo)
            tags = {field: answer_as_json(answers[field]) for field in fields}
            return {"tags": tags, **await self._heat(photo, fields, options.explain)}

        return act

    def _flow(self, name: str, options: FlowOptions) -> Act:
        if name not in self.parts.flows:
            if missing := self.parts.missing.get(f"flow {name}"):
                raise Problem("not_here", missing, cure="Bring its models, then start again")
            raise Problem("not_found", "no such flow", cure="GET /v1/models lists the flows")
        self._explains(options.explain)

        async def act(data: bytes) -> dict[str, Any]:
            photo = await self.photo(data)
            found = await self.lanes[f"flow/{name}"].ask(photo)
            plain = dict(found.as_json())
            if error := plain.pop("error", None):
                raise Problem("failed", str(error))
            known = self.parts.tagger.values if self.parts.tagger else {}
            return {**plain, **await self._heat(photo, [f for f in plain["tags"] if f in known], options.explain)}

        return act

    def _cutout(self, options: CutoutOptions) -> Act:
        from modiste.cutout_photo import cut_one
        from modiste.cutout_settings import CutoutSettings, ground_of

        settings = CutoutSettings(
            what=options.what, on=options.background, shadow=options.shadow, template=options.template
        )
        settings.check()
        self._fits(options.template)
        ground, look = ground_of(settings.on), self.parts.look
        assert look is not None  # `needs` looked

        async def act(data: bytes) -> dict[str, Any]:
            done = await self.lanes["cutout"].ask(lambda: cut_one(data, look, settings, ground))
            png = done.files[0][1]
            width, height = struct.unpack(">II", png[16:24])
            return {"width": width, "height": height, "mask": done.mask, "png": data_url(png, "png")}

        return act

    def _edit(self, options: EditOptions, given: Mapping[str, bytes]) -> Act:
        from modiste.api_edit import edited, wanted

        chain, look = wanted(options, self.limits.pixels, given), self.parts.look
        assert look is not None  # `needs` looked
        weights = self.parts.segmenter_name[1]

        async def act(data: bytes) -> dict[str, Any]:
            most = self.limits.pixels
            return await self.lanes["edit"].ask(
                lambda: edited(data, look, chain, weights=weights, most_pixels=most, given=given)
            )

        return act

    def _similar(self, options: SimilarOptions) -> Act:
        similar, where = self.parts.similar, condition(options.where)
        assert similar is not None  # `needs` looked

        def found(data: bytes) -> list[dict[str, Any]]:
            hits = similar.search(data, options.k, where)
            return [_hit(hit, similar.picture(hit.sha256)) for hit in hits]

        async def act(data: bytes) -> dict[str, Any]:
            return {"hits": await self.lanes["similar"].ask(lambda: found(data))}

        return act

    def _colour(self, options: Any) -> Act:
        look = self.parts.look
        assert look is not None  # `needs` looked

        async def act(data: bytes) -> dict[str, Any]:
            photo = await self.photo(data)
            colours = await self.lanes["colour"].ask(lambda: colours_of(photo, look(photo).garment))
            if not colours:
                raise Problem("no_garment")
            return {"colours": [_colour(each) for each in colours]}

        return act

    async def _heat(self, photo: UInt8, fields: list[str], wanted: bool) -> dict[str, Any]:
        explain = self.parts.explain
        if not wanted or explain is None:
            return {}
        found: dict[str, bytes] = await self.lanes["heat"].ask(lambda: explain(photo, fields))
        return {"heat": {field: data_url(png, "png") for field, png in found.items()}}

    def _explains(self, wanted: bool) -> None:
        if wanted and self.parts.explain is None:
            raise Problem("not_here", "this tagger draws no heat maps", cure="Ask without 'explain'")

    def _fits(self, template: str | None) -> None:
        from labeling.staging import parse_template

        if template is not None:
            found = parse_template(template)
            if found.width * found.height > self.limits.pixels:
                raise Problem("bad_option", f"template: over {self.limits.pixels} px")

    def _lane(self, name: str, run: Callable[[list[Any]], Sequence[Any]], most: int, wait_s: float) -> Lane[Any, Any]:
        def observe(size: int, seconds: float) -> None:
            self.metrics.batch_done(name, size, seconds)

        return Lane(run, self._computing, most=most, wait_s=wait_s, observe=observe)

    def _tag_batch(self, photos: list[UInt8]) -> Sequence[dict[str, Answer]]:
        assert self.parts.tagger is not None  # no one asks this lane without
        return self.parts.tagger.answers(photos)


def _told(error: Exception) -> tuple[str, dict[str, Any]]:
    problem = problem_of(error)
    return problem.code, problem.body()


def _called(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    return [call() for call in calls]


def _warmed() -> None:
    from labeling.refine import refine

    square = np.zeros((64, 64), np.float32)
    square[16:48, 16:48], square[15:49:33] = 1, 0.5
    with suppress(Exception):  # whoever asks first is told what is wrong
        refine(np.full((64, 64, 3), 200, np.uint8), square, method="matting")


def condition(where: Where | None) -> str | None:
    """SQL of the store, price and tags asked for; every value is quoted by `where_of`."""
    if where is None:
        return None
    from dataset.similar_rows import where_of

    return where_of(
        stores=[where.store] if where.store else [], price=(where.price_min, where.price_max),
        tags=[f"{field}={value}" for field, value in (where.tags or {}).items()],
    )  # fmt: skip


def data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _checked(data: bytes, most: int) -> int:
    """Pixels by the header, before anything is decoded. Raises Problem for what is no image, or too large a one."""
    if wrong := sniff.refusal(data, most):
        raise Problem(wrong, sniff.REASONS[wrong])
    pixels = pixels_of(data)
    if pixels > most:
        raise Problem("too_many_pixels", f"at most {most}")
    return pixels


def _photo(data: bytes, most: int) -> UInt8:
    return np.ascontiguousarray(decode(data, max_pixels=most).rgb)


def _hit(hit: Any, picture: bytes | None) -> dict[str, Any]:
    names = ("sha256", "similarity", "store", "product_id", "title", "currency", "copies")
    plain = {name: getattr(hit, name) for name in names}
    url = hit.url if hit.url and hit.url.lower().startswith(("http://", "https://")) else None  # never javascript:
    price = None if hit.price is None else float(hit.price)
    return {**plain, "price": price, "url": url, "thumbnail": data_url(picture, "jpeg") if picture else None}


def _colour(colour: Any) -> dict[str, Any]:
    return {
        "name": colour.name, "finer": colour.finer, "share": round(colour.share, 4), "rgb": f"#{colour.rgb}",
        "confidence": round(colour.confidence, 4),
    }  # fmt: skip
