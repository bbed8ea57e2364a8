"""Sweep directories made up for the tests of the report: many points at once, with known numbers."""

import json
import math
from pathlib import Path
from typing import Any

SCHEMES = ("mixed_precision", "sign", "stochastic")


def result(scheme: str, noise: float, seed: int, epochs: int) -> dict[str, Any]:
    """A smooth made-up result: loss falls with energy, noise hurts some schemes more."""
    level = 0.01 * (1 + SCHEMES.index(scheme)) * (1 + noise) * (1 + 0.1 * seed)
    history = [level + 0.2 * math.exp(-epoch / (5 + 10 * noise)) for epoch in range(epochs)]
    energy = 1e-5 * (4 - SCHEMES.index(scheme)) * (1 + 0.2 * noise)
    return {
        "task": "pattern_generation",
        "seed": seed,
        "epochs": epochs,
        "loss_history": history,
        "final_loss": history[-1],
        "metrics": {"rate_hz": 10.0 + seed, "accuracy": 1 / (1 + 20 * level)},
        "wall_s": 0.5,
        "cycles": None,
        "energy_j": {"total": energy, "set": energy / 2},
        "pulses": {"set": 1000 * seed, "reset": 5},
        "pulses_per_device_max": 50 + SCHEMES.index(scheme) * 20 - seed,
        "device": "pcm",
    }


def write_store(directory: Path, noises: int, seeds: int, epochs: int = 250, failed: int = 0, schemes: int = 3) -> None:
    """A finished sweep of `schemes` x noises x seeds; the last `failed` points have an error."""
    (directory / "points").mkdir(parents=True)
    points = [
        {
            "id": f"{i:06}{n:06}{s:08}",
            "values": {"update.scheme": scheme, "crossbar.read_noise_scale": 2 * n / max(noises - 1, 1)},
            "seed": s,
        }
        for i, scheme in enumerate(SCHEMES[:schemes])
        for n in range(noises)
        for s in range(1, seeds + 1)
    ]
    for number, point in enumerate(points):
        bad = number >= len(points) - failed
        answer = (
            None
            if bad
            else result(
                point["values"]["update.scheme"], point["values"]["crossbar.read_noise_scale"], point["seed"], epochs
            )
        )
        record = point | {
            "version": "0.1.0+test",
            "status": "failed" if bad else "ok",
            "attempts": 3 if bad else 1,
            "seconds": 0.5,
            "error": "exit status 1: </script><b>diverged" if bad else None,
            "host": "h",
            "result": answer,
        }
        (directory / "points" / f"{point['id']}.json").write_text(json.dumps(record))
    plan = {
        "name": "synthetic",
        "command": "train",
        "version": "0.1.0+test",
        "keys": ["update.scheme", "crossbar.read_noise_scale"],
        "log": {},
        "points": points,
    }
    (directory / "sweep.json").write_text(json.dumps(plan))
