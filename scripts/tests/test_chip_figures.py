"""Figures of the chip's waveforms and of its counters."""

import subprocess
import unittest

from support import SCRIPTS, SweepCase

import chip_figures
import matplotlib.pyplot as plt
import numpy as np

WAVES = """\
$timescale 1 ps $end
$scope module host $end
$var wire 1 ! busy $end
$var wire 32 " steps_done [31:0] $end
$upscope $end
$scope module core_0 $end
$var wire 1 # engine_learning $end
$scope module unit_0_lif $end
$var wire 1 $ updating $end
$upscope $end
$scope module block_0_w $end
$var wire 1 % reading $end
$upscope $end
$scope module tile_0_w $end
$var wire 1 & driving $end
$upscope $end
$upscope $end
$scope module core_1 $end
$scope module block_0_w $end
$var wire 1 ' reading $end
$upscope $end
$upscope $end
$enddefinitions $end
#1000000
$dumpvars
0!
b0 "
0#
1$
0%
0&
0'
$end
#2000000
1!
0$
1&
#4000000
0&
1%
1'
#5000000
0!
b1 "
#7000000
1$
#8000000
"""
COUNTERS = """\
counter,value,unit,description
mesh.width,3,cores,"cores of a row"
mesh.height,2,cores,"rows of cores"
core_0.spikes,5,spikes,"spikes"
core_4.spikes,7,spikes,"spikes"
core_4.events,0,events,"events"
"""


class ChipFigures(SweepCase):
    def test_waveforms_become_spans_of_the_parts_that_did_something(self) -> None:
        signals, end = chip_figures.read_waveforms(self.write("w.vcd", WAVES))
        self.assertEqual(end, 8.0)
        rows, cores = chip_figures.timeline_rows(signals, end)
        self.assertEqual(cores, 2)
        found = {label: [spans for _, spans in parts] for label, parts in rows.items()}
        self.assertEqual(found, {
            "host": [[(2.0, 3.0)]],
            "core_0.unit_0_lif": [[(1.0, 1.0), (7.0, 1.0)]],
            "core_0.tile_0_w": [[(2.0, 2.0)]],  # in place of its block
            "core_1.block_0_w": [[(4.0, 4.0)]],
        })
        figure = chip_figures.timeline(signals, end)
        self.assertEqual(figure.axes[0].get_xlim(), (0.0, 7.0))
        plt.close(figure)

    def test_counters_lie_on_the_mesh(self) -> None:
        figure = chip_figures.heat_map(chip_figures.read_counters(self.write("chip.csv", COUNTERS)))
        values = figure.axes[0].images[0].get_array()
        np.testing.assert_array_equal(np.ma.filled(values, -1), [[5, -1, -1], [-1, 7, -1]])
        self.assertEqual(len([axes for axes in figure.axes if axes.get_title()]), 1)  # events: all 0
        plt.close(figure)

    def plot(self, file) -> subprocess.CompletedProcess:
        return subprocess.run([SCRIPTS / "plot.py", file], capture_output=True, text=True, check=False)

    def test_plot_draws_them_and_refuses_other_files(self) -> None:
        for name, text in (("w.vcd", WAVES), ("chip.csv", COUNTERS)):
            done = self.plot(self.write(name, text))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue((self.directory / name).with_suffix(".png").is_file())
        for name, text in (("other.csv", "a,b\n1,2\n"), ("empty.vcd", ""), ("half.vcd", WAVES[:300]),
                           ("silent.csv", "\n".join(COUNTERS.splitlines()[:3]))):
            done = self.plot(self.write(name, text))
            self.assertEqual(done.returncode, 2, name)
            self.assertIn(name, done.stderr)
            self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
