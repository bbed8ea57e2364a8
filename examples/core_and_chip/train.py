#!/usr/bin/python3
"""Trains evidence accumulation on the digital core and on phase-change memory of the chip, and compares them.

    examples/core_and_chip/train.py [--seeds A-B] [--epochs N] [--out DIR] [--json]

Both learn the same trials, drawn from the seed, and are shown the same held-out trials after every epoch; nothing
is chosen by these. The digital core (`memprop core`, registers in core.toml) is exact to the RTL of ReckOn, the
chip (`memprop train`, experiment in chip.toml) a cycle-level model. Cycles and operations are counted by the
models; energy is counts times published costs.

DIR receives result.json, a figure (core_and_chip.png) and the runs of every seed: trials, weights, results.
"""

import argparse
import concurrent.futures
import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from debian_packages import need  # noqa: E402

need("h5py", "matplotlib", "numpy")

import numpy  # noqa: E402  (what is missing has to be told first)

import cue_trials  # noqa: E402
import figure  # noqa: E402
import memprop_terminal  # noqa: E402

HARDWARE = {"core": "digital core", "chip": "PCM chip"}
PASSES = {"training": "training", "held_out": "held out"}


def memprop(options, *arguments):
    """The JSON of a run of the program."""
    command = [options.memprop, *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"train.py: {options.memprop} {arguments[0]} failed: {done.stderr.strip()}")
    return json.loads(done.stdout.rstrip("\n").rsplit("\n", 1)[-1])


def write_core(directory, settings, rng):
    """A start for `memprop core`: registers, thresholds and leaks, and weights drawn from `rng`."""
    network = settings["network"]
    neurons, outputs = network["neurons"], network["outputs"]
    sizes = {"NUM_INP": cue_trials.INPUTS - 1, "NUM_REC": neurons - 1, "NUM_OUT": outputs - 1}
    (directory / "weights").mkdir(parents=True)
    registers = settings["registers"] | sizes
    (directory / "registers.csv").write_text("register,value\n" +
                                             "".join(f"{name},{value}\n" for name, value in registers.items()))
    neuron = f"0,{network['threshold']},{network['alpha']},0,0,0"
    (directory / "neurons.csv").write_text("neuron,u,threshold,alpha,trace_in,trace_rec,trace_out\n" +
                                           "".join(f"{j},{neuron}\n" for j in range(neurons)))
    for name, shape in (("in", (cue_trials.INPUTS, neurons)), ("rec", (neurons, neurons)), ("out", (neurons, outputs))):
        weights = numpy.clip(rng.normal(0.0, network[f"std_{name}"], shape), -127, 127).round().astype(int)
        if name == "rec":
            numpy.fill_diagonal(weights, 0)
        numpy.savetxt(directory / "weights" / f"w_{name}.csv", weights, "%d", ",")


def spent(cycles, operations, energy_j, trials):
    """Costs of a pass, per trial."""
    return {"cycles": float(cycles) / trials, "synaptic_operations": float(operations) / trials,
            "energy_j": {name: float(joule) / trials for name, joule in energy_j.items()}}


def train_core(options, settings, directory):
    found = memprop(options, "core", directory / "start", "--events", directory / "training.dat", "--test",
                    directory / "held_out.dat", "--epochs", options.epochs, "--supervise-from",
                    cue_trials.RECALL_STEP + 1, "--out", directory / "core")
    cost, passes = settings["energy"], {"events": [], "test": []}
    for p in found["passes"]:
        energy = {"synaptic_operations": 1e-12 * cost["synaptic_operation_pj"] * p["synaptic_operations"],
                  "weight_updates": 1e-12 * cost["weight_update_pj"] * p["weight_updates"]}
        trials = options.training if p["split"] == "events" else options.held_out
        passes[p["split"]].append(spent(p["cycles"], p["synaptic_operations"], energy, trials))
    return {"accuracy": {"training": found["accuracy"]["events"], "held_out": found["accuracy"]["test"]},
            "training": passes["events"], "held_out": passes["test"]}


def train_chip(options, seed, directory):
    found = memprop(options, "train", HERE / "chip.toml", "--seed", seed, "--out", directory / "chip", "--set",
                    f"task.file={directory / 'trials.h5'}", "--set", f"run.epochs={options.epochs}")
    passes = {"training": [], "validation": [], "final": []}
    with open(directory / "chip/chip_passes.csv", newline="", encoding="utf-8") as file:
        for p in csv.DictReader(file):
            energy = {name.removesuffix("_j"): value for name, value in p.items() if name.endswith("_j")}
            trials = options.training if p["pass"] == "training" else options.held_out
            passes[p["pass"]].append(spent(p["cycles"], p["synaptic_operations"], energy, trials))
    accuracy = {name: found["metrics"][f"{split}_accuracy_history"]
                for name, split in (("training", "train"), ("held_out", "validation"))}
    return {"accuracy": accuracy, "training": passes["training"], "held_out": passes["validation"]}


def prepare(options, settings, seed):
    """The trials of a seed in both formats and the core's first weights, in a directory of their own."""
    directory = options.out / f"seed-{seed}"
    directory.mkdir(parents=True)
    training = cue_trials.draw_trials(numpy.random.default_rng([seed, 0]), options.training)
    held_out = cue_trials.draw_trials(numpy.random.default_rng([seed, 1]), options.held_out)
    cue_trials.write_dat(directory / "training.dat", *training)
    cue_trials.write_dat(directory / "held_out.dat", *held_out)
    cue_trials.write_hdf5(directory / "trials.h5", training, held_out)
    write_core(directory / "start", settings, numpy.random.default_rng([seed, 2]))
    return directory


def run(options, settings, seed, name):
    """One training run."""
    directory = options.out / f"seed-{seed}"
    result = train_core(options, settings, directory) if name == "core" else train_chip(options, seed, directory)
    return {"hardware": name, "seed": seed} | result


def mean_cost(run_of, which):
    """Costs per trial of a pass, the mean over the epochs of a run."""
    passes = run_of[which]
    energy = {name: statistics.mean(p["energy_j"][name] for p in passes) for name in passes[0]["energy_j"]}
    return {"cycles": statistics.mean(p["cycles"] for p in passes),
            "synaptic_operations": statistics.mean(p["synaptic_operations"] for p in passes), "energy_j": energy}


def summarize(runs):
    """Per hardware: accuracy after the last epoch (median, lowest, highest), and medians of the costs per trial."""
    summary = {}
    for name in HARDWARE:
        mine = [r for r in runs if r["hardware"] == name]
        last = [r["accuracy"]["held_out"][-1] for r in mine]
        summary[name] = {"held_out_accuracy": [statistics.median(last), min(last), max(last)]}
        for which in PASSES:
            costs = [mean_cost(r, which) for r in mine]
            energy = {part: statistics.median(c["energy_j"][part] for c in costs) for part in costs[0]["energy_j"]}
            energy["total"] = statistics.median(sum(c["energy_j"].values()) for c in costs)
            summary[name][which] = {"cycles": statistics.median(c["cycles"] for c in costs),
                                    "synaptic_operations": statistics.median(c["synaptic_operations"] for c in costs),
                                    "energy_j": energy}
    return summary


def table(summary):
    lines = ["| | held-out accuracy, % | a trial of | cycles | synaptic operations | energy, µJ | pJ per operation |",
             "|---|---|---|---|---|---|---|"]
    for name, label in HARDWARE.items():
        median, lowest, highest = (100 * a for a in summary[name]["held_out_accuracy"])
        for which, pass_label in PASSES.items():
            cost = summary[name][which]
            total = cost["energy_j"]["total"]
            operations = cost["synaptic_operations"]
            lines.append(f"| {label} | {median:.0f} ({lowest:.0f} – {highest:.0f}) | {pass_label} | "
                         f"{cost['cycles']:,.0f} | {operations:,.0f} | {1e6 * total:.3g} | "
                         f"{1e12 * total / operations:.3g} |")
    return "\n".join(lines)


def seeds_of(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def at_least(least):
    def number(text):
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text}: must be at least {least}")
        return int(text)
    return number


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=seeds_of, default=range(1, 6), metavar="A-B", help="default 1-5")
    parser.add_argument("--epochs", type=at_least(1), default=10, metavar="N", help="default 10")
    parser.add_argument("--training", type=at_least(1), default=100, metavar="N", help="training trials; default 100")
    parser.add_argument("--held-out", type=at_least(1), default=100, metavar="N", help="held-out trials; default 100")
    parser.add_argument("--jobs", type=at_least(1), default=2, metavar="N", help="runs at once; default 2")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "results/core_and_chip", metavar="DIR",
                        help="a new directory; default results/core_and_chip")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object, not as a table")
    parser.add_argument("--memprop", type=pathlib.Path, default=ROOT / "build/release/memprop", metavar="FILE",
                        help="the program; default that of the release build")
    options = parser.parse_args()
    if options.out.exists():
        parser.error(f"--out {options.out}: exists already; results are never overwritten")
    if not options.memprop.is_file():
        parser.error(f"--memprop {options.memprop}: not found; build it with scripts/demo")
    if len(options.seeds) == 0:
        parser.error("--seeds: the last seed is before the first")
    options.out = options.out.resolve()
    return options


def main():
    options = parse_arguments()
    settings = tomllib.loads((HERE / "core.toml").read_text(encoding="utf-8"))
    for seed in options.seeds:
        prepare(options, settings, seed)
    runs = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(run, options, settings, seed, name) for seed in options.seeds for name in HARDWARE]
        for done, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            found = job.result()
            runs.append(found)
            right = 100 * found["accuracy"]["held_out"][-1]
            print(f"[{done}/{len(jobs)}] seed {found['seed']}, {HARDWARE[found['hardware']]}: {right:.0f} % of the "
                  f"held-out trials", file=sys.stderr, flush=True)
    runs.sort(key=lambda r: (r["hardware"], r["seed"]))
    result = {"epochs": options.epochs, "training_trials": options.training, "held_out_trials": options.held_out,
              "summary": summarize(runs), "runs": runs}
    (options.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    figure.draw(result, options.out / "core_and_chip.png")
    print(json.dumps(result) if options.json else table(result["summary"]))


if __name__ == "__main__":
    memprop_terminal.run(main)
