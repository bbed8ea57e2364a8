#!/usr/bin/python3
"""Files about the chip that memprop writes: waveforms of runs, the register map, images for loaders."""

import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

MEMPROP = pathlib.Path(sys.argv.pop(1))
ROOT = pathlib.Path(__file__).resolve().parents[2]
NETWORK = ROOT / "testbenches/reference/nir/valid/v03_rlif_li_20_100_3.nir"
EVENTS = NETWORK.with_suffix(".input.csv")
TRAINING = ROOT / "examples/firmware/training.toml"
HEAD_WORDS = 17


def memprop(*arguments, code=0):
    done = subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


def names_of(waves):
    """Names of a value change dump with their scopes."""
    scopes, names = [], []
    for line in waves.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[0] == "$scope":
            scopes.append(words[2])
        elif words[0] == "$upscope":
            scopes.pop()
        elif words[0] == "$var":
            names.append(".".join([*scopes, words[4]]))
        elif words[0] == "$enddefinitions":
            break
    return names


class ChipFiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_network(self, out, *options, code=0):
        return memprop("run", NETWORK, "--events", EVENTS, "--steps", 20, "--arithmetic", "single", "--out",
                       self.folder / out, *options, code=code)

    def test_waveforms_of_a_run_name_populations_and_projections_and_change_nothing(self):
        waves = self.folder / "run.vcd"
        self.run_network("plain", "--engine", "cycle")
        self.run_network("traced", "--engine", "cycle", "--trace", waves, "--trace-steps", "3:5")
        for file in ("output.csv", "chip.csv"):
            self.assertEqual((self.folder / "plain" / file).read_bytes(), (self.folder / "traced" / file).read_bytes())
        self.assertLessEqual({"core_0.unit_0_lif.updating", "core_0.block_0_w_in.reading", "mesh.flits_inside",
                              "mesh.router_x1_y0.local_level", "host.step"}, set(names_of(waves)))
        text = waves.read_text(encoding="utf-8")
        done = re.search(r"\$var wire 32 (\S+) steps_done ", text).group(1)
        values = [int(bits, 2) for bits in re.findall(rf"^b([01]+) {re.escape(done)}$", text, re.MULTILINE)]
        self.assertEqual(values, [3, 4, 5, 6])
        late = self.run_network("late", "--engine", "cycle", "--trace", self.folder / "late.vcd", "--trace-steps", 20)
        self.assertIn("the run has ended before step 20", late.stderr)
        self.assertFalse((self.folder / "late.vcd").exists())

    def test_waveforms_of_tiles_in_training(self):
        waves = self.folder / "train.vcd"
        memprop("train", TRAINING, "--engine", "cycle", "--set", "run.epochs=1", "--out", self.folder / "out",
                "--trace", waves, "--trace-steps", "0:1")
        self.assertLessEqual({"core_0.tile_0_w_in.driving", "core_3.unit_1_readouts.reading",
                              "core_0.engine_learning"}, set(names_of(waves)))

    def test_waveforms_that_cannot_be_are_refused(self):
        for options, message in ((("--trace", "a.vcd"), "--trace needs --engine cycle"),
                                 (("--engine", "cycle", "--trace-steps", "1:2"), "--trace-steps needs --trace"),
                                 (("--engine", "cycle", "--trace", "a.txt"), "must be a name that ends in .vcd"),
                                 (("--engine", "cycle", "--trace", "a.vcd", "--trace-steps", "4:2"), "FIRST:LAST")):
            self.assertIn(message, self.run_network("never", *options, code=2).stderr)
        done = memprop("train", TRAINING, "--out", self.folder / "never", "--trace", self.folder / "a.vcd", code=2)
        self.assertIn("--trace needs --engine cycle", done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_the_map_as_text_and_as_a_header_that_compiles(self):
        markdown = memprop("config", "--chip-map", "markdown").stdout
        self.assertIn("| 0x008 | `command` | W |", markdown)
        header = self.folder / "chip.h"
        header.write_text(memprop("config", "--chip-map", "c-header").stdout, encoding="utf-8")
        program = self.folder / "use.c"
        program.write_text('#include <stdint.h>\n#include "chip.h"\nint main(void) {\n'
                           "    return MEMPROP_HOST_COMMAND == 8u && MEMPROP_HOST_COMMAND_TICK == 2u &&\n"
                           "           MEMPROP_CORE_UNITS(3) == 0x10030000u ? 0 : 1;\n}\n", encoding="utf-8")
        subprocess.run(["cc", "-std=c99", "-Wall", "-Werror", program, "-o", self.folder / "use"], check=True)
        subprocess.run([self.folder / "use"], check=True)
        self.assertIn("markdown or c-header", memprop("config", "--chip-map", "pdf", code=2).stderr)

    def image(self, source, *options):
        file = self.folder / "image"
        memprop("image", source, "--out", file, *options)
        data = file.read_bytes()
        words = struct.unpack(f"<{len(data) // 4}I", data)
        self.assertEqual(words[:3], (0x4349504D, 1, len(words)))
        self.assertEqual(words[-1], zlib.crc32(data[:-4]))
        return words

    def test_images_have_the_form_that_is_documented(self):
        words = self.image(NETWORK, "--arithmetic", "single", "--set", "chip.mesh_width=2")
        self.assertEqual(words[3:5], (2, 1))
        sources, outputs, arrays, bursts = words[13:HEAD_WORDS]
        self.assertEqual((sources, outputs, arrays), (1, 2, 0))
        at, names = HEAD_WORDS, []
        for _ in range(sources + outputs):
            length = words[at + 3]
            count = -(-length // 4)
            names.append(struct.pack(f"<{count}I", *words[at + 4:at + 4 + count])[:length].decode())
            at += 4 + count
        self.assertEqual(names, ["in", "lif", "readout"])
        for _ in range(bursts):
            self.assertEqual(words[at] % 4, 0)
            at += 2 + words[at + 1]
        self.assertEqual(at, len(words) - 1)
        self.assertEqual(self.image(TRAINING)[15], 3)  # arrays of weights that learn

    def test_images_that_cannot_be_are_refused(self):
        for options, message in (((NETWORK, "--crossbar", TRAINING), "devices are not made by words"),
                                 ((NETWORK, "--engine", "functional"), "must be cycle"),
                                 ((TRAINING, "--dt", "1e-3"), "--dt does not go with an experiment"),
                                 ((TRAINING, "--set", "learning.gradient=factorised"), "learning.gradient"),
                                 ((NETWORK, "--set", "chip.neurons_per_core=5"), "chip.neurons_per_core = 5")):
            done = memprop("image", *options, "--out", self.folder / "image", code=2)
            self.assertIn(message, done.stderr)
        self.assertFalse((self.folder / "image").exists())


if __name__ == "__main__":
    unittest.main()
