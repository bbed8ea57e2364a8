#!/usr/bin/python3
"""Trains the pattern task with every scheme on several devices and prints a Markdown table: final loss (the mean of the
last ten epochs), pulses, energy.

    scripts/compare_devices.py [DEVICE...] [--schemes A,B] [--tune] [--jobs N]

Devices, schemes, ranges and budget stand in scripts/device_comparison.toml, the hyper-parameters found in
scripts/device_comparison_tuned.toml. --tune searches first and writes the latter; every finished point is a
line of DIR/DEVICE.SCHEME.csv, so that a search that was stopped goes on where it was.
"""

import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import tomllib

import memprop_terminal

from tune import draw, late_loss

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLAN = ROOT / "scripts/device_comparison.toml"
TUNED = ROOT / "scripts/device_comparison_tuned.toml"
FAILED_LOSS = 1.0
HEADER = """| device | read noise, drift | scheme | median final loss | range | pulses per synapse | programming, µJ | \
total, µJ |
|---|---|---|---|---|---|---|---|"""


def run(memprop, settings, seed):
    """The JSON of one training run, or None if it failed."""
    with tempfile.TemporaryDirectory() as directory:
        command = [memprop, "train", os.devnull, "--json", "--seed", str(seed), "--out", f"{directory}/run"]
        for key, value in settings.items():
            command += ["--set", f"{key}={json.dumps(value)}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode == 2:
        sys.exit(done.stderr)
    return json.loads(done.stdout.rstrip("\n").rsplit("\n", 1)[-1]) if done.returncode == 0 else None


def fixed_settings(plan, device, scheme):
    return (plan["common"] | plan["devices"][device]["set"] | {"update.scheme": scheme}
            | plan["schemes"][scheme].get("set", {}))


def noise_and_drift(memprop, settings):
    """Which of the two the device has: a scale of what it lacks is a key without effect."""
    scales = {"crossbar.read_noise_scale": 2.0, "crossbar.drift_scale": 2.0}
    point = json.dumps([f"{key}={json.dumps(value)}" for key, value in (settings | scales).items()])
    done = subprocess.run([memprop, "config", os.devnull, "--points", "-"], input=point + "\n", capture_output=True,
                          text=True, check=True, cwd=ROOT)
    answer = json.loads(done.stdout)
    if "config" not in answer:
        sys.exit(answer["error"])
    lacks = {entry["key"] for entry in answer["keys_without_effect"]}
    has = [name for name, key in zip(("read noise", "drift"), scales) if key not in lacks]
    return {0: "neither", 2: "both"}.get(len(has)) or f"{has[0]} only"


def search(plan, device, scheme, log, evaluate):
    """The best point; `log` keeps every one."""
    space = plan["ranges"] | plan["devices"][device]["ranges"] | plan["schemes"][scheme].get("ranges", {})
    choices = plan["schemes"][scheme].get("choices", {})
    columns = ["score", *space, *choices]
    done = []
    if log.exists():
        with log.open() as file:
            done = [{k: json.loads(v) for k, v in row.items()} for row in csv.DictReader(file)]
    else:
        log.write_text(",".join(columns) + "\n")
    for index in range(len(done), plan["points"]):
        best = min(done, key=lambda p: p["score"]) if index >= plan["points"] // 2 else None
        point = draw(space, choices, best, random.Random(f"{device} {scheme} {index}"))
        results = evaluate(fixed_settings(plan, device, scheme) | point, plan["seeds"])
        point["score"] = statistics.mean(late_loss(r) if r else FAILED_LOSS for r in results)
        done.append(point)
        with log.open("a") as file:
            csv.DictWriter(file, columns).writerow({k: json.dumps(point[k]) for k in columns})
    best = min(done, key=lambda p: p["score"])
    print(f"{device}.{scheme}: {best['score']:.5f}", file=sys.stderr, flush=True)
    return {key: value for key, value in best.items() if key != "score"}


def tune(plan, chosen, out, evaluate):
    out.mkdir(parents=True, exist_ok=True)
    lines = ["# Written by scripts/compare_devices.py --tune."]
    tuned = tomllib.loads(TUNED.read_text()) if TUNED.exists() else {}
    for device, scheme in chosen:
        tuned.setdefault(device, {})[scheme] = search(plan, device, scheme, out / f"{device}.{scheme}.csv", evaluate)
    for device, schemes in tuned.items():
        for scheme, point in schemes.items():
            lines += ["", f"[{device}.{scheme}]"] + [f'"{k}" = {json.dumps(v)}' for k, v in point.items()]
    TUNED.write_text("\n".join(lines) + "\n")


def microjoules(results, parts, form):
    """Mean over the results of the sum of parts; a dash if the device has no figures for them."""
    values = [[r["energy_j"][part] for part in parts] for r in results]
    if any(value is None for row in values for value in row):
        return "–"
    return format(1e6 * statistics.mean(map(sum, values)), form)


def table_row(title, noises, scheme, results):
    losses = sorted(map(late_loss, results))
    energy = microjoules(results, ("total",), ".1f")
    programming = microjoules(results, ("set", "reset"), ".2g")
    # Bidirectional devices take down pulses, which count as RESET pulses.
    pulses = statistics.mean(r["pulses_per_synapse"] * (1 + r["pulses"]["reset"] / max(1, r["pulses"]["set"]))
                             for r in results)
    return (f"| {title} | {noises} | {scheme} | {statistics.median(losses):.4f} | {losses[0]:.4f} – {losses[-1]:.4f} | "
            f"{pulses:.1f} | {programming} | {energy} |")


def main():
    plan = tomllib.loads(PLAN.read_text())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("devices", nargs="*", metavar="DEVICE", help=f"default all: {', '.join(plan['devices'])}")
    parser.add_argument("--schemes", default=",".join(plan["schemes"]), metavar="A,B", help="default all")
    parser.add_argument("--tune", action="store_true", help="search the hyper-parameters first")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "results/devices", metavar="DIR",
                        help="points of the search; default results/devices")
    parser.add_argument("--memprop", type=pathlib.Path, default=ROOT / "build/release/memprop", help="the program")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once; default 2")
    options = parser.parse_args()
    schemes = options.schemes.split(",")
    for name, known in [(d, plan["devices"]) for d in options.devices] + [(s, plan["schemes"]) for s in schemes]:
        if name not in known:
            parser.error(f"unknown name {name}; there are {', '.join(known)}")
    chosen = [(d, s) for d in options.devices or plan["devices"] for s in schemes]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        def evaluate(settings, seeds):
            return list(pool.map(lambda seed: run(options.memprop, settings, seed), seeds))

        if options.tune:
            tune(plan, chosen, options.out, evaluate)
        tuned = tomllib.loads(TUNED.read_text())
        first, last = plan["report_seeds"]
        print(HEADER)
        for device, scheme in chosen:
            results = [r for r in evaluate(fixed_settings(plan, device, scheme) | tuned[device][scheme],
                                           range(first, last + 1)) if r]
            if not results:
                sys.exit(f"{device}, {scheme}: every run failed")
            noises = noise_and_drift(options.memprop, fixed_settings(plan, device, scheme))
            print(table_row(plan["devices"][device]["title"], noises, scheme, results), flush=True)


if __name__ == "__main__":
    memprop_terminal.run(main)
