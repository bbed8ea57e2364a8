#!/usr/bin/python3
"""Repeats published e-prop tests with `memprop train` and compares the losses with the published ones.

usage: published_cases.py MEMPROP EXAMPLES_DIRECTORY

The cases are the regression tests of the simulator NEST (testsuite/pytests/test_eprop_plasticity.py and
test_eprop_bsshslm_2020_plasticity.py). Weights, inputs and targets are drawn as published, from numpy's
legacy generator with seed 1; the losses were published with 11 to 14 digits.
"""
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

LOSSES = {
    "online_iaf_adam": [0.14000491891386, 0.28735818029752, 0.22263713699860, 0.23015072431384, 0.17565248170694],
    "online_iaf_adapt_gd": [0.02242584487453, 0.01916753791522, 0.00571493935652, 0.00037875376195,
                            0.00037823157578],
    "online_iaf_psc_delta_gd": [0.27039631749159, 0.51390204375229, 0.53473859833866, 0.53608474802202,
                                0.49323580244201],
    "evidence 1": [0.741152550006, 0.740388187700, 0.665785233177, 0.663644193322, 0.729428962844],
    "evidence 2": [0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268],
}


def normal_weights(rng, shape, fan_in):
    return np.array(rng.randn(*shape).T / np.sqrt(fan_in), dtype=np.float32)


def regression(name):
    """100 inputs, 100 neurons, 1 readout, 100 steps: the same trial five times."""
    rng = np.random.RandomState(1)
    n, steps, scale = 100, 100, 1.0 - 0.97
    w_in, w_rec = normal_weights(rng, (n, n), n), normal_weights(rng, (n, n), n)
    np.fill_diagonal(w_rec, 0)
    w_out = normal_weights(rng, (n, 1), n) * scale
    feedback = np.array(rng.randn(n, 1) / np.sqrt(n), dtype=np.float32)
    if "psc_delta" in name:
        feedback = feedback / scale
    else:
        w_in, w_rec, feedback = w_in * scale, w_rec * scale, feedback * scale
    x = rng.rand(steps, n) < 0.05
    periods = (1000, 500, 333, 200)
    amplitudes, phases = rng.uniform(0.5, 2.0, 4), rng.uniform(0.0, 2 * np.pi, 4)
    target = sum(a * np.sin(np.linspace(p, p + 2 * np.pi * (steps // period), steps))
                 for a, p, period in zip(amplitudes, phases, periods))
    target = target - target[0]
    target /= max(np.abs(target).max(), 1e-6)  # all periods exceed the trial: the published target is 0
    return {"x": x[None, None], "target": target[None, None, :, None], "w_in": w_in, "w_rec": w_rec,
            "w_out": w_out, "b_fb": feedback}


def by_arrival(case):
    """The same case with x a step later, so that no delay to the readouts is needed."""
    x = np.repeat(np.roll(case["x"], 1, axis=2), 5, axis=0)
    x[0, :, 0] = 0
    return {**case, "x": x}


def evidence(batch):
    """7 cues of 100 steps, 50 steps apart, 1050 steps of waiting and 150 of recall."""
    rng = np.random.RandomState(1)
    n_in, n, cues, recall = 40, 100, 7, 150
    steps = cues * 150 + 1050 + recall
    w_in, w_rec = normal_weights(rng, (n_in, n), n_in), normal_weights(rng, (n, n), n)
    np.fill_diagonal(w_rec, 0)
    limit = np.sqrt(3.0 / ((n + 2) / 2.0))
    w_out = np.array(rng.uniform(-limit, limit, (n, 2)).T, dtype=np.float32)
    feedback = np.array(rng.randn(n, 2), dtype=np.float32)
    x, labels = [], []
    choices = np.array([0.3, 1 - 0.3], dtype=np.float32)
    for _ in range(5):
        side = rng.choice([0, 1], batch)
        probability = np.zeros((batch, 2), dtype=np.float32)
        probability[:, 0], probability[:, 1] = choices[side], choices[1 - side]
        shown = np.array([rng.choice([0, 1], cues, p=probability[b]) for b in range(batch)])
        rate = np.zeros((batch, steps, n_in))
        for b in range(batch):
            for c in range(cues):
                first = 50 + 150 * c
                rate[b, first:first + 100, 10 * shown[b, c]:10 * shown[b, c] + 10] = 0.04
        rate[:, -recall:, 20:30] = 0.04
        rate[:, :, 30:] = 0.01
        spikes = rate > rng.rand(rate.size).reshape(rate.shape)
        spikes[:, 0] = 0
        x.append(spikes)
        labels.append(shown.sum(axis=1) > cues // 2)
    beta = np.zeros(n)
    beta[50:] = 1.7 * (1 - np.exp(-1 / 2000)) / (1 - np.exp(-1 / 20))
    return {"x": np.array(x), "label": np.array(labels), "window": np.array([steps - recall, steps]),
            "w_in": w_in, "w_rec": w_rec, "w_out": w_out, "b_fb": feedback, "beta": beta}


def train(memprop, experiment, case, scratch, overrides=()):
    data, out = os.path.join(scratch, "case.h5"), os.path.join(scratch, "out")
    with h5py.File(data, "w") as file:
        for key, value in case.items():
            file[key] = value.astype(np.uint8) if value.dtype == bool else value
    command = [memprop, "train", experiment, "--set", f"task.file={data}", "--out", out, "--json"]
    for override in overrides:
        command += ["--set", override]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return np.array(json.loads(result.stdout.splitlines()[-1])["loss_history"])


def main():
    memprop, examples = sys.argv[1:]
    late = ("learning.gradient=online", "learning.early_spikes_lose_last_error=true")
    runs = []
    for name in ("online_iaf_adam", "online_iaf_adapt_gd", "online_iaf_psc_delta_gd"):
        runs += [(name, name, regression(name), ()), (name, name, by_arrival(regression(name)), ())]
    for batch in (1, 2):
        runs += [(f"evidence {batch}", "evidence_lif_alif_adam", evidence(batch), o) for o in ((), late)]
    failures = 0
    for losses, name, case, overrides in runs:
        with tempfile.TemporaryDirectory() as scratch:
            loss = train(memprop, os.path.join(examples, name + ".toml"), case, scratch, overrides)
        error = np.abs(loss / np.array(LOSSES[losses]) - 1).max()
        print(f"{losses} {' '.join(overrides)}: relative error of the losses {error:.1e}")
        failures += not error < 1e-9
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
