#!/usr/bin/python3
"""Searches the hyper-parameters of the example experiments, with the same budget for every scheme.

    scripts/tune.py [VARIANT...] [--plan PLAN.toml] [--out DIR] [--jobs N]

Ranges, points and seeds stand in the plan, by default scripts/tuning.toml. A point's score is the mean over
the seeds of the plan's `score`, a key of the result, or else of the mean loss of the last ten epochs (lower is
better); a run that fails counts as the plan's `failed` (1). The plan's `experiment` is what the settings are changes
of; its `set` holds for every variant. The best few points are run with more seeds, and the best of these is
printed as TOML. Every finished point is a line of DIR/VARIANT.csv, so that a search that was stopped goes
on where it was.
"""

import argparse
import concurrent.futures
import csv
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import tomllib

import memprop_terminal

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEMPROP = ROOT / "build/release/memprop"
NEIGHBOURHOOD = 0.25  # part of the logarithmic range that a local step spans


def value_at(result, key):
    for part in key.split("."):
        result = result[part]
    return result


def late_loss(result):
    """Mean loss of the last ten epochs: of a run that still fluctuates it says more than the last one's."""
    last = result["loss_history"][-10:]
    return sum(last) / len(last)


def run(plan, settings, seed):
    """Score of one training run."""
    with tempfile.TemporaryDirectory() as directory:
        command = [plan["memprop"], "train", plan["experiment"], "--json", "--seed", str(seed),
                   "--out", f"{directory}/run"]
        for key, value in (plan.get("set", {}) | settings).items():
            command += ["--set", f"{key}={json.dumps(value)}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        sys.exit(done.stderr)
    if done.returncode != 0:
        return plan.get("failed", 1.0)
    result = json.loads(done.stdout.rstrip("\n").rsplit("\n", 1)[-1])
    return value_at(result, plan["score"]) if "score" in plan else late_loss(result)


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


def mean_score(plan, settings, seeds, pool):
    return sum(pool.map(run, [plan] * len(seeds), [settings] * len(seeds), seeds)) / len(seeds)


def search(name, plan, out, pool):
    variant = plan["variants"][name]
    space = plan.get("ranges", {}) | variant.get("ranges", {})
    choices = variant.get("choices", {})
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
        point["score"] = mean_score(plan, variant["set"] | point, plan["seeds"], pool)
        done.append(point)
        with log.open("a") as file:
            csv.DictWriter(file, columns, quoting=csv.QUOTE_MINIMAL).writerow(
                {k: json.dumps(point[k]) for k in columns})
        print(f"{name} {index + 1}/{plan['points']} score {point['score']:.5f} "
              f"best {min(p['score'] for p in done):.5f}", file=sys.stderr)
    finalists = sorted(done, key=lambda p: p["score"])[:plan["finalists"]]
    first, more = len(plan["seeds"]), len(plan["final_seeds"])
    for point in finalists:
        settings = variant["set"] | {key: value for key, value in point.items() if key != "score"}
        score = mean_score(plan, settings, plan["final_seeds"], pool) if more else 0.0
        point["final"] = (first * point["score"] + more * score) / (first + more)
    best = min(finalists, key=lambda p: p["final"])
    print(f"# {name}: mean score {best['final']:.5f} over {first + more} seeds")
    for key, value in (variant["set"] | best).items():
        if key not in ("score", "final"):
            print(f"{key} = {json.dumps(value)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help="default all of the plan")
    parser.add_argument("--plan", type=pathlib.Path, default=ROOT / "scripts/tuning.toml",
                        help="default scripts/tuning.toml")
    parser.add_argument("--memprop", type=pathlib.Path, default=MEMPROP,
                        help="the program; default that of the release build")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "results/tuning", help="default results/tuning")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once; default 2")
    options = parser.parse_args()
    with options.plan.open("rb") as file:
        plan = tomllib.load(file)
    plan["memprop"] = options.memprop
    plan["experiment"] = options.plan.parent / plan["experiment"] if "experiment" in plan else os.devnull
    for name in options.variants:
        if name not in plan["variants"]:
            parser.error(f"unknown variant {name}; there are {', '.join(plan['variants'])}")
    options.out.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name in options.variants or plan["variants"]:
            search(name, plan, options.out, pool)


if __name__ == "__main__":
    memprop_terminal.run(main)
