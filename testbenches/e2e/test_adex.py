#!/usr/bin/python3
"""AdEx neurons of an experiment against an integration of their equations in numpy: spike times on the grid."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
DT_MS, STEPS = 0.05, 12_000

# Naud, Marcille, Clopath and Gerstner, Biol. Cybern. 99, 335 (2008), table 1; the last: Brette and Gerstner,
# J. Neurophysiol. 94, 3637 (2005).
KEYS = ("capacitance_pf", "leak_conductance_ns", "leak_potential_mv", "threshold_mv", "slope_mv", "a_ns",
        "tau_adaptation_seconds", "b_pa", "reset_mv", "spike_mv")
NEURONS = {  # and the current, pA
    "tonic": ((200, 10, -70, -50, 2, 2, 0.030, 0, -58, 0), 500),
    "adapting": ((200, 12, -70, -50, 2, 2, 0.300, 60, -58, 0), 500),
    "initial_burst": ((130, 18, -58, -50, 2, 4, 0.150, 120, -50, 0), 400),
    "regular_bursting": ((200, 10, -58, -50, 2, 2, 0.120, 100, -46, 0), 210),
    "regular": ((281, 30, -70.6, -50.4, 2, 4, 0.144, 80.5, -70.6, 20), 1000),
}


def integrate(parameters, current):
    """Exponential Euler: what is linear decays exactly, the rest stands still during a step."""
    c, g, rest, threshold, slope, a, tau, b, reset, peak = parameters
    v, w, spikes = numpy.float64(rest), numpy.float64(0), []
    kept_v, kept_w = numpy.exp(-DT_MS * g / c), numpy.exp(-DT_MS / (1000 * tau))
    for step in range(STEPS):
        settled_v = rest + slope * numpy.exp((v - threshold) / slope) + (current - w) / g
        settled_w = a * (v - rest)
        v = settled_v + (v - settled_v) * kept_v
        w = settled_w + (w - settled_w) * kept_w
        if v >= peak:
            spikes.append(step)
            v, w = numpy.float64(reset), w + b
    return spikes


def experiment():
    tables = ["[task]", 'name = "dataset"', 'file = "one_input.h5"',
              "[network]", f"time_step_seconds = {DT_MS / 1000}",
              "[update]", 'scheme = "vanilla"',
              "[run]", "epochs = 1", 'precision = "double"',
              "[population.in]", 'model = "input"', "size = 1",
              "[population.out]", 'model = "leaky_readout"', "size = 1",
              "[objective.answer]", 'population = "out"',
              "[projection.to_out]", 'from = "in"', 'to = "out"']
    for name, (parameters, current) in NEURONS.items():
        tables += [f"[population.{name}]", 'model = "adex"', "size = 1"]
        tables += [f"{key} = {float(value)}" for key, value in zip(KEYS, parameters, strict=True)]
        tables += [f"[projection.to_{name}]", 'from = "in"', f'to = "{name}"', f"init_mean = {float(current)}",
                   "init_std = 0.0"]
    return "\n".join(tables) + "\n"


class Adex(unittest.TestCase):
    def test_spike_times_are_those_of_the_equations(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            with h5py.File(folder / "one_input.h5", "w") as file:
                file["x"] = numpy.ones((1, STEPS, 1), dtype=numpy.uint8)  # a current that does not change
                file["target"] = numpy.zeros((1, STEPS, 1))
            (folder / "experiment.toml").write_text(experiment())
            done = subprocess.run([MEMPROP, "train", "experiment.toml", "--out", "out"], cwd=folder, timeout=120,
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            with h5py.File(folder / "out/run.h5") as file:
                step, neuron = file["trials/0/spikes"][:].T
        for number, (name, (parameters, current)) in enumerate(NEURONS.items()):
            with self.subTest(name):
                expected = integrate(parameters, current)
                self.assertGreater(len(expected), 5)
                self.assertEqual(step[neuron == number].tolist(), expected)


if __name__ == "__main__":
    unittest.main()
