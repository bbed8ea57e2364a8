#!/usr/bin/python3
"""Searches the hyper-parameters of the example experiments, with the same budget for every scheme.

    scripts/tune.py [VARIANT...] [--out DIR] [--jobs N]

Ranges, points and seeds stand in scripts/tuning.toml. A point's score is the mean final loss over the
seeds; a run that fails counts as 1. Every finished point is a line of DIR/VARIANT.csv, so that a search
that was stopped goes on where it was; the best point is printed as TOML.
"""

import argparse
import concurrent.futures
import csv
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEMPROP = ROOT / "build/release/memprop"
EXPERIMENT = ROOT / "examples/pattern_generation_mixed_precision.toml"
FAILED_LOSS = 1.0
NEIGHBOURHOOD = 0.25  # part of the logarithmic range that a local step spans


def run(settings, seed):
    """Final loss of one training run."""
    with tempfile.TemporaryDirectory() as directory:
        command = [MEMPROP, "train", EXPERIMENT, "--json", "--seed", str(seed), "--out", f"{directory}/run"]
        for key, value in settings.items():
            command += ["--set", f"{key}={json.dumps(value)}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        sys.exit(done.stderr)
    if done.returncode != 0:
        return FAILED_LOSS
    return json.loads(done.stdout.splitlines()[-1])["final_loss"]


def draw(space, choices, best, rng):
    """A point of the whole space, or near `best`."""
    point = {}
    for key, (low, high) in space.items():
        width = math.log(high / low)
        if best is None:
            value = low * math.exp(width * rng.random())
        else:
            value = best[key] * math.exp(NEIGHBOURHOOD * width * (rng.random() - 0.5))
        point[key] = float(f"{min(max(value, low), high):.3g}")
    for key, values in choices.items():
        keep = best is not None and rng.random() < 0.8
        point[key] = best[key] if keep else rng.choice(values)
    return point


def search(name, plan, out, pool):
    variant = plan["variants"][name]
    space = plan["ranges"] | variant.get("ranges", {})
    choices = plan["choices"] | variant.get("choices", {})
    columns = ["score", *space, *choices]
    log = out / f"{name}.csv"
    done = []
    if log.exists():
        with log.open() as file:
            done = [{k: json.loads(v) for k, v in row.items()} for row in csv.DictReader(file)]
    else:
        log.write_text(",".join(columns) + "\n")
    for index in range(len(done), plan["points"]):
        best = min(done, key=lambda p: p["score"]) if index >= plan["points"] // 2 else None
        point = draw(space, choices, best, random.Random(f"{name} {index}"))
        settings = variant["set"] | point
        losses = list(pool.map(run, [settings] * len(plan["seeds"]), plan["seeds"]))
        point["score"] = sum(losses) / len(losses)
        done.append(point)
        with log.open("a") as file:
            csv.DictWriter(file, columns, quoting=csv.QUOTE_MINIMAL).writerow(
                {k: json.dumps(point[k]) for k in columns})
        print(f"{name} {index + 1}/{plan['points']} score {point['score']:.5f} "
              f"best {min(p['score'] for p in done):.5f}", file=sys.stderr)
    best = min(done, key=lambda p: p["score"])
    print(f"# {name}: mean final loss {best['score']:.5f}")
    for key, value in (variant["set"] | best).items():
        if key != "score":
            print(f"{key} = {json.dumps(value)}")


def main():
    with open(ROOT / "scripts/tuning.toml", "rb") as file:
        plan = tomllib.load(file)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help=f"default all: {', '.join(plan['variants'])}")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "results/tuning", help="default results/tuning")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once; default 2")
    options = parser.parse_args()
    for name in options.variants:
        if name not in plan["variants"]:
            parser.error(f"unknown variant {name}; there are {', '.join(plan['variants'])}")
    options.out.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name in options.variants or plan["variants"]:
            search(name, plan, options.out, pool)


if __name__ == "__main__":
    main()
