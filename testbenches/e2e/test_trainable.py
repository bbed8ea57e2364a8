#!/usr/bin/python3
"""Every NIR graph can be a start for training: memprop inspect --trainable, then memprop train --init.

    test_trainable.py MEMPROP
"""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy

MEMPROP = sys.argv.pop(1)
NETWORKS = Path(__file__).parents[1] / "reference/nir/valid"


def memprop(*arguments, code=0):
    done = subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


def write(path, nodes, edges):
    with h5py.File(path, "w") as tree:
        tree["version"] = "1.0.7"
        graph = tree.create_group("node")
        graph["type"] = "NIRGraph"
        graph.create_dataset("edges", data=edges, dtype=h5py.string_dtype())
        for name, parameters in nodes.items():
            for key, value in parameters.items():
                tree[f"node/nodes/{name}/{key}"] = value
    return path


class Trainable(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.scratch = Path(directory.name)

    def check(self, network, *settings):
        experiment, out = self.scratch / f"{network.stem}.toml", self.scratch / network.stem
        experiment.write_text(memprop("inspect", network, "--trainable").stdout)
        memprop("train", experiment, "--init", network, "--out", out, "--set", "run.epochs=1", "--set", "task.steps=60",
                "--set", "task.samples=1", *settings)
        still = self.scratch / f"{network.stem}_still"
        memprop("train", experiment, "--init", network, "--out", still, "--set", "run.epochs=1", "--set",
                "task.steps=60", "--set", "task.samples=1", "--set", "learning.lr=0", "--set", "learning.lr_out=0")
        changed = 0
        with h5py.File(out / "checkpoint.h5") as after, h5py.File(still / "checkpoint.h5") as before:
            for name, group in after["state"].items():
                if isinstance(group, h5py.Group) and "weights" in group:
                    changed += numpy.count_nonzero(group["weights"][()] != before[f"state/{name}/weights"][()])
        self.assertGreater(changed, 0)

    def test_reference_networks_learn(self):
        for network in sorted(NETWORKS.glob("*.nir")):
            if network.with_suffix(".input.csv").exists():
                with self.subTest(network.stem):
                    self.check(network)

    def test_a_graph_without_weights_is_refused(self):
        ones = numpy.ones(3)
        network = write(self.scratch / "bare.nir",
                        {"input": {"type": "Input", "shape": [3]}, "output": {"type": "Output", "shape": [3]},
                         "n": {"type": "LIF", "tau": 0.02 * ones, "r": ones, "v_leak": 0 * ones, "v_threshold": ones}},
                        [("input", "n"), ("n", "output")])
        done = memprop("inspect", network, "--trainable", code=2)
        self.assertIn("has no Linear or Affine node", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
