"""What the service costs over the bare model, under locust, and whether its memory stays flat.

In: a tagger (`--weights`, else the one that ships, else an untrained network of its size: speed needs no training).
Out: photos a second and p95 of the service beside the bare model on the same decoded photo, in the same run; CPU time a
photo of both, which other work on the machine inflates less; a soak with the slope of the resident memory.

Example: python -m benchmarks.service --json service.json
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dataset.images import decode

SIDE = (360, 480)  # px, of the photo that is sent: what a shop's listing shows
SERVER = """
import sys
from benchmarks.service import model
from modiste.api import make_app
from modiste.api_limits import Limits
from modiste.api_parts import Parts
from modiste.api_server import serve_app
tagger = model(sys.argv[1], int(sys.argv[2]))
app = make_app(Parts(tagger), Limits(rate=0, queue=256), batch=int(sys.argv[3]))
serve_app(app, "127.0.0.1", 0, lambda port: print(port, flush=True))
"""


def model(weights: str, threads: int) -> Any:
    """The tagger of a file, or the one that ships; without either one untrained network of the recipe `fast`."""
    from dataset.errors import TrainingError
    from train.tagging_weights import load_tagger, shipped_tagger

    if weights:
        return load_tagger(Path(weights), threads)
    try:
        return shipped_tagger(threads)
    except TrainingError:
        return untrained(threads)


def untrained(threads: int) -> Any:
    """EfficientNet-Lite0 at 256 px on onnxruntime, of the size and work of a trained one."""
    import timm
    import torch

    from train.onnx_backend import session_of
    from train.onnx_tagger import OnnxTagBackend
    from train.recipe import tagging_recipe
    from train.tagger import Tagger

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = timm.create_model("tf_efficientnet_lite0", num_classes=0)
            self.head = torch.nn.Linear(1280, 20)

        def forward(self, photo: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            vector = self.body(photo / 127.5 - 1)
            return torch.nn.functional.normalize(vector), self.head(vector)

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        torch.onnx.export(
            Net().eval(), (torch.zeros(2, 3, 256, 256),), path, input_names=["photo"],
            output_names=["vector", "logits:type"], dynamic_axes={"photo": {0: "n"}}, dynamo=False,
        )  # fmt: skip
        session = session_of(path.read_bytes(), threads)
    recipe = tagging_recipe("tagging/linear").model_copy(update={"flips": False, "side": 256})
    facts = {"values": {"type": [f"kind{n}" for n in range(20)]}, "temperature": {"type": 1.0}, "weights": "untrained"}
    return Tagger(OnnxTagBackend(session, 0, False, ("type",)), recipe, facts)  # type: ignore[arg-type]


def photo() -> bytes:
    """A drawn photo, blurred noise: JPEG's work on it is that of a real one."""
    import io

    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 255, (30, 22, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    small.resize(SIDE, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def bare(tagger: Any, rgb: np.ndarray, size: int, seconds: float) -> dict[str, float]:
    """The model alone on `size` decoded photos at a time."""
    tagger.answers([rgb] * size)
    taken, cpu, begun = [], time.process_time(), time.perf_counter()
    while time.perf_counter() - begun < seconds:
        at = time.perf_counter()
        tagger.answers([rgb] * size)
        taken.append(time.perf_counter() - at)
    n = len(taken) * size
    return {
        "n": n, "photos_per_s": n / sum(taken), "cpu_ms": 1000 * (time.process_time() - cpu) / n,
        "ms": 1000 * float(np.median(taken)), "p95_ms": 1000 * float(np.quantile(taken, 0.95)),
    }  # fmt: skip


def under_load(url: str, pid: int, path: Path, users: int, seconds: int) -> dict[str, float]:
    """locust with so many users; the server's CPU time a photo by its pid."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("service_load.py")), "--headless",
            "-u", str(users), "-r", "1000", "-t", f"{seconds}s", "-H", url, "--csv",
            f"{folder}/found", "--only-summary", "--stop-timeout", "30", "--loglevel", "ERROR",
        ]  # fmt: skip
        before = cpu_s(pid)
        subprocess.run(
            command, env={**os.environ, "MODISTE_LOAD_PHOTO": str(path)}, check=False, capture_output=True, timeout=300
        )
        with open(f"{folder}/found_stats.csv", encoding="utf-8") as file:
            row = next(each for each in csv.DictReader(file) if each["Name"] == "Aggregated")
    n = int(row["Request Count"])
    if not n:
        raise SystemExit(f"no answer within {seconds} s: the machine is too busy to measure; give more --seconds")
    return {
        "users": users, "n": n, "failures": int(row["Failure Count"]), "photos_per_s": float(row["Requests/s"]),
        "p50_ms": float(row["50%"]), "p95_ms": float(row["95%"]), "cpu_ms": 1000 * (cpu_s(pid) - before) / max(1, n),
    }  # fmt: skip


async def soak(url: str, pid: int, data: bytes, requests: int, users: int) -> dict[str, Any]:
    """`requests` uploads over kept connections; resident memory every 200 of them, its slope over the last half."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    body = head + data + b"\r\n--b--\r\n"
    lines = "POST /v1/tag HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    sent = f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
    left, statuses, memory = iter(range(requests)), Counter[int](), []

    async def user() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        for number in left:
            writer.write(sent)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length:")[2].split()[0])
            await reader.readexactly(length)
            statuses[int(answer.split()[1])] += 1
            if number % 200 == 0:
                memory.append((number, resident_mb(pid)))
        writer.close()

    await asyncio.gather(*(user() for _ in range(users)))
    late = np.array([each for each in memory if each[0] >= requests / 2])
    slope = float(np.polyfit(late[:, 0] / 1_000, late[:, 1], 1)[0]) if len(late) > 2 else float("nan")
    return {
        "requests": requests, "statuses": {str(code): n for code, n in statuses.items()},
        "rss_mb_first": memory[0][1], "rss_mb_half": float(late[0, 1]), "rss_mb_last": float(late[-1, 1]),
        "slope_mb_per_1000": slope,
    }  # fmt: skip


def cpu_s(pid: int) -> float:
    """User and system seconds of a process."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def measure(args: argparse.Namespace) -> dict[str, Any]:
    data = photo()
    tagger, rgb = model(args.weights, args.threads), np.ascontiguousarray(decode(data).rgb)
    found: dict[str, Any] = {"threads": args.threads, "batch": args.batch, "model": tagger.fingerprint, "rounds": []}
    command = [sys.executable, "-c", SERVER, args.weights, str(args.threads), str(args.batch)]
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(data)
        try:
            assert child.stdout
            url = f"http://127.0.0.1:{int(child.stdout.readline())}"
            for _ in range(args.rounds):  # interleaved: what else the machine does hits both alike
                single, batched = (bare(tagger, rgb, size, args.seconds / 2) for size in (1, args.batch))
                loads = [under_load(url, child.pid, path, users, args.seconds) for users in (1, 2, 2 * args.batch)]
                found["rounds"].append({"bare_single": single, "bare_batched": batched, "service": loads})
            if args.soak:
                small = Image.fromarray(rgb).resize((64, 80))
                small.save(path, "JPEG")
                found["soak"] = asyncio.run(soak(url, child.pid, path.read_bytes(), args.soak, 8))
        finally:
            child.terminate()
            found["exit_code"] = child.wait(60)
    found["ratios"] = ratios(found["rounds"])
    return found


def ratios(rounds: list[dict[str, Any]]) -> dict[str, float]:
    """Medians over the rounds of the service over the bare model of the same round."""

    def middle(of: Any) -> float:
        return round(float(np.median([of(each) for each in rounds])), 3)

    return {
        "throughput": middle(lambda r: r["service"][-1]["photos_per_s"] / r["bare_batched"]["photos_per_s"]),
        "throughput_by_cpu": middle(lambda r: r["bare_batched"]["cpu_ms"] / r["service"][-1]["cpu_ms"]),
        "p95_1_user": middle(lambda r: r["service"][0]["p95_ms"] / r["bare_single"]["ms"]),
        "p95_2_users": middle(lambda r: r["service"][1]["p95_ms"] / r["bare_single"]["ms"]),
        "p95_2_users_over_p95": middle(lambda r: r["service"][1]["p95_ms"] / r["bare_single"]["p95_ms"]),
        "p95_saturated_over_bare_backlog": middle(
            lambda r: r["service"][-1]["p95_ms"] / (2 * r["bare_batched"]["p95_ms"])
        ),
    }


def told(found: dict[str, Any]) -> list[str]:
    """One round, in lines."""
    single, batched = found["bare_single"], found["bare_batched"]
    lines = [
        f"bare single {single['ms']:.1f} ms (p95 {single['p95_ms']:.1f}, n {single['n']})",
        f"bare batched {batched['photos_per_s']:.1f} photos/s, {batched['cpu_ms']:.1f} ms CPU (n {batched['n']})",
    ]
    for load in found["service"]:
        speed = f"{load['photos_per_s']:.1f} photos/s, p50 {load['p50_ms']:.0f} ms, p95 {load['p95_ms']:.0f} ms"
        cost = f"{load['cpu_ms']:.1f} ms CPU, {load['failures']} failures (n {load['n']})"
        lines.append(f"  {load['users']:3} users: {speed}, {cost}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="", help="a tagger's .onnx")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=15, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", type=int, default=10_000, help="requests; 0 for none")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = measure(args)
    for each in found["rounds"]:
        print("\n".join(told(each)))
    print("service over bare, median of rounds:", found["ratios"])
    if "soak" in found:
        print("soak:", found["soak"])
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
