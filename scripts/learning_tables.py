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

import memprop_terminal

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
        kept.write_text(done.stdout.rstrip("\n").rsplit("\n", 1)[-1])
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
    ("write noise x 10", {"crossbar.write_noise_scale": 10.0}),
    ("read noise x 10", {"crossbar.read_noise_scale": 10.0}),
    ("drift x 10", {"crossbar.drift_scale": 10.0}),
]


def slow_lif(runner):
    print("| weights | median test accuracy, % | range, % |\n|---|---|---|")
    print(f"| numbers | {spread(runner.accuracies('cue_accumulation_slow_lif.toml', {}))} |", flush=True)
    for label, settings in SLOW_LIF:
        print(f"| {label} | {spread(runner.accuracies('cue_accumulation_slow_lif_pcm.toml', settings))} |", flush=True)


# Settings from scripts/tuning_digits.toml.
PCM = {"run.epochs": 10}
ECRAM = {"run.epochs": 10, "crossbar.device": "ecram_li", "update.max_pulses": 1000, "learning.lr": 1e-3,
         "learning.lr_out": 2e-3, "crossbar.weight_scale_per_us": 0.1, "crossbar.weight_scale_out_per_us": 0.2}


def on(base, scheme, lr=None, lr_out=None, scale=None, scale_out=None, **update):
    settings = base | {"update.scheme": scheme}
    for key, value in (("learning.lr", lr), ("learning.lr_out", lr_out), ("crossbar.weight_scale_per_us", scale),
                       ("crossbar.weight_scale_out_per_us", scale_out)):
        if value is not None:
            settings[key] = value
    return settings | {f"update.{key.replace('__', '.')}": value for key, value in update.items()}


DIGITS = [
    ("numbers, 60 epochs", {}),
    ("numbers, 10 epochs", {"run.epochs": 10}),
    ("phase-change memory, mixed_precision", on(PCM, "mixed_precision", 1.17e-3, 0.016, 0.0515, 0.175)),
    ("phase-change memory, short_term", on(PCM, "short_term", 1.1e-3, 6.61e-3, 0.065, 0.254,
                                           transfer__rows=1000, transfer__fast_gain=3.23)),
    ("phase-change memory, batch_accumulate", on(PCM, "batch_accumulate", 5e-4, 8.89e-3, 0.0444, 0.0764,
                                                 accumulate_samples=5)),
    ("phase-change memory, multi_device, N = 4", on(PCM, "multi_device", 2.23e-3, 5e-3, 0.0862, 0.285,
                                                    devices_per_polarity=4)),
    ("phase-change memory, stochastic", on(PCM, "stochastic", 8.29e-4, 2.34e-3, 0.0585, 0.106)),
    ("phase-change memory, sign", on(PCM, "sign", 1.34e-3, 0.013, 0.0566, 0.242, sign_threshold=0.0479)),
    ("lithium ECRAM, mixed_precision", on(ECRAM, "mixed_precision")),
    ("lithium ECRAM, tiki_taka", on(ECRAM, "tiki_taka", 1.21e-3, 2.43e-3, transfer__rows=1000,
                                    transfer__fast_gain=122.0, transfer__rate=9.44e-4)),
    ("lithium ECRAM, buffered_transfer", on(ECRAM, "buffered_transfer", 8.23e-4, 5.11e-3, transfer__rows=1000,
                                            transfer__fast_gain=281.0, transfer__rate=3.2e-4)),
    ("lithium ECRAM, chopped_transfer", on(ECRAM, "chopped_transfer", 6.44e-4, 2.53e-3, transfer__rows=1000,
                                           transfer__fast_gain=566.0, transfer__rate=7.81e-4,
                                           transfer__chop_probability=0.02)),
    ("lithium ECRAM, dynamic_transfer", on(ECRAM, "dynamic_transfer", 1.69e-3, 5.95e-3, transfer__rows=1000,
                                           transfer__fast_gain=57.1, transfer__rate=9.47e-4,
                                           transfer__chop_probability=0.05)),
]


def digits(runner):
    data = runner.options.out / "digits.h5"
    if not data.exists():
        subprocess.run([sys.executable, ROOT / "scripts/convert_digits.py", data], check=True, stdout=sys.stderr)
    fixed = {"task.file": str(data), "run.validate_every": 0}
    print("| weights | median test accuracy, % | range, % | loss, points |\n|---|---|---|---|")
    reference = None
    for label, settings in DIGITS:
        found = runner.accuracies("digits.toml", fixed | settings)
        median = statistics.median(found)
        reference = median if reference is None else reference
        print(f"| {label} | {spread(found)} | {percent(reference - median)} |", flush=True)


TABLES = {"cue_accumulation": cue_accumulation, "slow_lif": slow_lif, "digits": digits}


def seeds_of(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"default all: {', '.join(TABLES)}")
    parser.add_argument("--seeds", type=seeds_of, metavar="A-B", help="default those of docs/learning.md")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once; default 2")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "results/learning", help="default results/learning")
    parser.add_argument("--memprop", type=pathlib.Path, default=MEMPROP,
                        help="the program; default that of the release build")
    options = parser.parse_args()
    for name in options.tables:
        if name not in TABLES:
            parser.error(f"unknown table {name}; there are {', '.join(TABLES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    runner = Runner(options)
    for name in options.tables or TABLES:
        TABLES[name](runner)


if __name__ == "__main__":
    memprop_terminal.run(main)
