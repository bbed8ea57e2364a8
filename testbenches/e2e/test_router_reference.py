#!/usr/bin/python3
"""tb_router against figures of BookSim2 on the same traces (testbenches/reference/noc_booksim)."""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy

TB_ROUTER = pathlib.Path(sys.argv.pop(1))
REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "reference" / "noc_booksim" / "reference.csv"
HOTSPOT_SHARE = 0.2
SATURATED_LATENCY = 40  # cycles; from there on queues grow and latency says more about the trace than the router


def destinations(pattern, side, sources, rng):
    """Where the flits of `sources` go; patterns of Dally and Towles, on node numbers y * side + x."""
    nodes = side * side
    x, y = sources % side, sources // side
    if pattern == "transpose":
        return x * side + y
    if pattern == "bit_complement":
        return nodes - 1 - sources
    if pattern == "tornado":
        step = (side + 1) // 2 - 1
        return (y + step) % side * side + (x + step) % side
    other = rng.integers(0, nodes - 1, size=len(sources))
    other += other >= sources  # all but oneself
    if pattern == "hotspot":
        spot = side // 2 * side + side // 2
        other = numpy.where((rng.random(len(sources)) < HOTSPOT_SHARE) & (sources != spot), spot, other)
    return other


def write_trace(file, pattern, side, rate, cycles, seed):
    rng = numpy.random.default_rng(seed)
    created, sources = numpy.nonzero(rng.random((cycles, side * side)) < rate)
    targets = destinations(pattern, side, sources, rng)
    moves = targets != sources
    numpy.savetxt(file, numpy.column_stack([created, sources, targets])[moves], fmt="%d", delimiter=",",
                  header="cycle,source,destination", comments="")


class Reference(unittest.TestCase):
    def test_latency_below_saturation_and_throughput_beyond(self):
        with open(REFERENCE, newline="", encoding="utf-8") as file:
            points = list(csv.DictReader(file))
        self.assertEqual(len(points), 28)
        for point in points:
            with self.subTest(pattern=point["pattern"], rate=point["rate"]), tempfile.TemporaryDirectory() as scratch:
                trace = pathlib.Path(scratch) / "trace.csv"
                write_trace(trace, point["pattern"], int(point["side"]), float(point["rate"]),
                            int(point["trace_cycles"]), int(point["seed"]))
                done = subprocess.run(
                    [TB_ROUTER, "--mesh", f"{point['side']}x{point['side']}", "--router-cycles", "2", "--fifo-depth",
                     point["fifo_depth"], "--traffic", trace, "--warmup", "2000", "--cycles", "10000", "--json"],
                    capture_output=True, text=True, check=True)
                ours = json.loads(done.stdout)
                latency, accepted = float(point["latency_mean"]), float(point["accepted"])
                if latency < SATURATED_LATENCY:
                    part = 0.005 if latency < 25 else 0.01
                    self.assertAlmostEqual(ours["latency_mean_cycles"], latency, delta=part * latency)
                    self.assertAlmostEqual(ours["latency_p95_cycles"], float(point["latency_p95"]), delta=1)
                self.assertAlmostEqual(ours["accepted_flits_per_node_per_cycle"], accepted, delta=0.015 * accepted)


if __name__ == "__main__":
    unittest.main()
