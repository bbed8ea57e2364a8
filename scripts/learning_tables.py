#!/usr/bin/python3
"""Measures the learning tasks of docs/learning.md and prints their tables as Markdown.

    scripts/learning_tables.py [cue_accumulation] [slow_lif] [digits] [--seeds A-B] [--jobs N] [--out DIR]

cue_accumulation  error on 256 unseen trials (the mean over 8 batches) during 500 iterations, with and without
                  adaptive neurons
slow_lif          test accuracy after 10 epochs, weights as numbers and on phase-change memory, and what each
                  noise costs
digits            test accuracy of sequential 8 x 8 digits, weights as numbers and on devices with each update
                  scheme (needs python3-sklearn)

Finished runs are kept in DIR (default results/learning) and not repeated; another program or experiment needs
another DIR.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEMPROP = ROOT / "build/release/memprop"
GOAL_ERROR = 0.08


def run(job):
    """The JSON of one training run."""
    memprop, experiment, settings, seed, out = job
    text = json.dumps([experiment.read_text(), settings, seed])
    kept = out / f"{experiment.stem}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as directory:
            command = [memprop, "train", experiment, "--json", "--seed", str(seed), "--out", f"{directory}/run"]
            for key, value in settings.items():
                command += ["--set", f"{key}={json.dumps(value)}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{experiment.name}, {settings}, seed {seed}: {done.stderr.strip()}")
        kept.write_text(done.stdout.splitlines()[-1])
    return json.loads(kept.read_text())


class Runner:
    def __init__(self, options):
        self.options = options
        self.pool = concurrent.futures.ThreadPoolExecutor(options.jobs)

    def results(self, experiment, settings, seeds):
        jobs = [(self.options.memprop, ROOT / "examples" / experiment, settings, seed, self.options.out)
                for seed in self.options.seeds or seeds]
        return list(self.pool.map(run, jobs))

    def accuracies(self, experiment, settings, seeds=range(1, 6)):
        return [r["metrics"]["test_accuracy"] for r in self.results(experiment, settings, seeds)]


def percent(value):
    return f"{100 * value:.1f}"


def spread(values):
    return f"{percent(statistics.median(values))} | {percent(min(values))} – {percent(max(values))}"


def cue_accumulation(runner):
    print("| recurrent neurons | seed | lowest validation error, % | first below 8 % at iteration |\n|---|---|---|---|")
    for label, settings in (("50 LIF and 50 ALIF", {}), ("100 LIF", {"network.neuron": "lif"})):
        seeds = runner.options.seeds or range(1, 4)
        for seed, result in zip(seeds, runner.results("cue_accumulation.toml", settings, seeds)):
            metrics = result["metrics"]
            errors = [1 - a for a in metrics["validation_accuracy_history"]]
            below = [int(e) for e, error in zip(metrics["validation_epochs"], errors) if error < GOAL_ERROR]
            print(f"| {label} | {seed} | {percent(min(errors))} | {below[0] if below else '–'} |", flush=True)


SLOW_LIF = [
    ("phase-change memory, as published", {}),
    ("no write noise", {"crossbar.write_noise_scale": 0.0}),
    ("no read noise", {"crossbar.read_noise_scale": 0.0}),
    ("no drift", {"crossbar.drift_scale": 0.0}),
    ("none of the three", {"crossbar.write_noise_scale": 0.0, "crossbar.read_noise_scale": 0.0,
                           "crossbar.drift_scale": 0.0}),
    ("write noise x 3", {"crossbar.write_noise_scale": 3.0}),
    ("read noise x 3", {"crossbar.read_noise_scale": 3.0}),
    ("drift x 3", {"crossbar.drift_scale": 3.0}),
]


def slow_lif(runner):
    print("| weights | median test accuracy, % | range, % |\n|---|---|---|")
    print(f"| numbers | {spread(runner.accuracies('cue_accumulation_slow_lif.toml', {}))} |", flush=True)
    for label, settings in SLOW_LIF:
        print(f"| {label} | {spread(runner.accuracies('cue_accumulation_slow_lif_pcm.toml', settings))} |", flush=True)


TABLES = {"cue_accumulation": cue_accumulation, "slow_lif": slow_lif}


def seeds_of(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"default all: {', '.join(TABLES)}")
    parser.add_argument("--seeds", type=seeds_of, metavar="A-B", help="default those of docs/learning.md")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once; default 2")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "results/learning", help="default results/learning")
    parser.add_argument("--memprop", type=pathlib.Path, default=MEMPROP, help="the program; default that of the release build")
    options = parser.parse_args()
    for name in options.tables:
        if name not in TABLES:
            parser.error(f"unknown table {name}; there are {', '.join(TABLES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    runner = Runner(options)
    for name in options.tables or TABLES:
        TABLES[name](runner)


if __name__ == "__main__":
    main()
