#!/usr/bin/python3
"""Runs experiments with several seeds and prints a Markdown table: final loss (the mean of the last
ten epochs), pulses, energy.

    scripts/compare_schemes.py EXPERIMENT.toml... [--seeds 4-13] [--jobs N]

Without files, the examples of the README's table.
"""

import argparse
import concurrent.futures
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from tune import late_loss

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEMPROP = ROOT / "build/release/memprop"
EXAMPLES = [ROOT / f"examples/pattern_generation_{name}.toml" for name in (
    "vanilla", "mixed_precision_ideal6", "mixed_precision", "batch_accumulate", "multi_device", "multi_device_8",
    "multi_device_12", "stochastic", "sign")]


def run(job):
    """The JSON of one training run, or None if it failed."""
    experiment, seed = job
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([MEMPROP, "train", experiment, "--json", "--seed", str(seed), "--out",
                               f"{directory}/run"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{experiment.name}, seed {seed}: {done.stderr.strip()}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def row(experiment, results):
    losses = sorted(map(late_loss, results))
    first = results[0]
    pulses = statistics.mean(r["pulses_per_synapse"] for r in results)
    energy = statistics.mean(r["energy_j"]["total"] for r in results)
    programming = statistics.mean(r["energy_j"]["set"] + r["energy_j"]["reset"] for r in results)
    on_devices = first["device"] is not None
    cells = [experiment.stem.removeprefix("pattern_generation_"), first["device"] or "none",
             f"{statistics.median(losses):.4f}", f"{losses[0]:.4f} – {losses[-1]:.4f}",
             f"{pulses:.1f}" if on_devices else "–", f"{programming * 1e6:.2f}" if on_devices else "–",
             f"{energy * 1e6:.1f}" if on_devices else "–"]
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="*", type=pathlib.Path, metavar="EXPERIMENT.toml", default=EXAMPLES)
    parser.add_argument("--seeds", default="4-13", metavar="A-B", help="default 4-13")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once; default 2")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    print("| experiment | device | median final loss | range | SET pulses per synapse | programming, µJ | total, µJ |")
    print("|---|---|---|---|---|---|---|")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for experiment in options.experiments:
            results = [r for r in pool.map(run, [(experiment, seed) for seed in range(first, last + 1)]) if r]
            if not results:
                sys.exit(f"{experiment}: every run failed")
            print(row(experiment, results), flush=True)


if __name__ == "__main__":
    main()
