#!/usr/bin/python3
"""One resolver: a point of a sweep, `memprop train --set`, `memprop config`, a resolved file and Python all make the
same experiment of the same file and overrides, whatever device the file names."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

MEMPROP = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(MEMPROP.parent / "python"))

import memprop  # noqa: E402

BASE = """\
[network]
inputs = 8
recurrent = 8
[task]
steps = 60
input_rate_hz = 150.0
[update]
scheme = "stochastic"
[run]
epochs = 2
checkpoint_every = 0
[crossbar]
device = "{device}"
"""


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done


def devices():
    """Every device that a scheme trains without a file."""
    lines = run(MEMPROP, "train", "--list").stdout.split("Devices (crossbar.device):\n")[1].splitlines()
    names = [line.split()[0] for line in lines[: next(i for i, line in enumerate(lines) if line[0] != " ")]]
    return [name for name in names if name not in ("table", "pcm_inference")]


def figures(result):
    return {key: result[key] for key in ("loss_history", "final_loss", "pulses", "energy_j", "energy_source", "device",
                                         "keys_without_effect")}


class Resolver(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="memprop-resolver-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)

    def trained(self, base, device, name):
        done = run(MEMPROP, "train", base, "--set", f"crossbar.device={device}", "--json",
                   "--out", self.directory / name)
        return json.loads(done.stdout.splitlines()[-1])

    def test_devices(self):
        names = devices()
        self.assertGreater(len(names), 15)
        base = self.directory / "base.toml"
        for of_base in ("ecram_li", "pcm_nandakumar2018"):
            base.write_text(BASE.format(device=of_base))
            (self.directory / "sweep.toml").write_text(
                f'[sweep]\nbase = "base.toml"\n[sweep.values]\n"crossbar.device" = {json.dumps(names)}\n')
            out = self.directory / f"sweep-{of_base}"
            run(sys.executable, ROOT / "scripts/sweep.py", self.directory / "sweep.toml", "--out", out, "--build",
                MEMPROP.parent, "--no-plots")
            points = [json.loads(file.read_text()) for file in (out / "points").iterdir()]
            swept = {point["values"]["crossbar.device"]: point["result"] for point in points}
            self.assertEqual(sorted(swept), sorted(names))
            for device in names:
                with self.subTest(base=of_base, device=device):
                    expected = figures(self.trained(base, device, f"{of_base}-{device}"))
                    self.assertEqual(figures(swept[device]), expected)
                    self.assertEqual(figures(memprop.train(str(base), {"crossbar.device": device}, 1)), expected)
                    resolved = self.directory / f"{of_base}-{device}/config.toml"
                    config = run(MEMPROP, "config", base, "--set", f"crossbar.device={device}").stdout
                    self.assertEqual(resolved.read_text(), config)
                    run(MEMPROP, "train", "--resume", resolved.parent, "--set", "run.epochs=3", "--json")
            losses = {tuple(result["loss_history"]) for result in swept.values()}
            # No device stands in for another; step laws that differ at their bounds only begin alike.
            self.assertGreaterEqual(len(losses), len(names) - 3)

    def test_config_without_a_file(self):
        shown = run(MEMPROP, "config", "--set", "crossbar.device=ecram_li").stdout
        empty = self.directory / "empty.toml"
        empty.write_text("")
        self.assertEqual(shown, run(MEMPROP, "config", empty, "--set", "crossbar.device=ecram_li").stdout)
        self.assertIn("\ng_max_us = 20.0", shown)

    def points(self, *variants):
        base = self.directory / "base.toml"
        base.write_text(BASE.format(device="ecram_li"))
        lines = "".join(json.dumps(variant) + "\n" for variant in variants)
        said = run(MEMPROP, "config", base, "--points", "-", input=lines).stdout
        return [json.loads(line) for line in said.splitlines()]

    def test_points_name_the_override_to_blame(self):
        fine, device, key, text, together = self.points(
            ["crossbar.device=ideal", "crossbar.bits=4"], ["crossbar.bits=4", "crossbar.device=none"],
            ["crossbar.device=ideal", "crossbar.bits=4", "crossbar.bits=40"], ["crossbar.bits=4\ncrossbar.g_max_us=3"],
            ["crossbar.device=pcm_nandakumar2018", "crossbar.subtraction=offset_column"])
        self.assertEqual(fine["config"]["crossbar.bits"], "4")
        self.assertEqual(fine["config"]["crossbar.g_max_us"], "12.0")
        self.assertEqual(fine["files"], [])
        self.assertEqual((device["override"], key["override"], text["override"]), (1, 2, 0))
        self.assertIn("none", device["error"])
        self.assertIn("[1, 16]", key["error"])
        self.assertIsNone(together["override"])
        self.assertTrue(together["error"].startswith("crossbar.subtraction"), together["error"])

    def test_points_tell_files_and_keys_without_effect(self):
        (self.directory / "t.csv").write_text(
            "conductance_us,pulse,mean_step_us,std_step_us\n0,up,0.5,0\n10,up,0.1,0\n0,down,0.1,0\n10,down,0.5,0\n")
        table, unused = self.points(
            ["crossbar.device=table", f"crossbar.table_file={self.directory}/t.csv", "crossbar.drift_scale=3"],
            ["crossbar.drift_scale=0", "crossbar.read_noise_scale=1", "crossbar.adc.offset_lsb=2"])
        self.assertEqual(table["files"], ["crossbar.table_file"])
        self.assertEqual([k["key"] for k in table["keys_without_effect"]], ["crossbar.drift_scale"])
        self.assertEqual(unused["keys_without_effect"], [
            {"key": "crossbar.adc.offset_lsb", "value": "2.0",
             "reason": "crossbar.adc_bits = 0: converters are ideal"}])

    def test_deep_keys(self):
        deep = "a" + ".a" * 100000
        file = self.directory / "deep.toml"
        for text, line in ((f"{deep}=1", 1), (f"\n[{deep}]", 2), (f"x = {{ {deep} = 1 }}", 1),
                           (f'[[{deep}]]\n"b" = 1', 1)):
            file.write_text(text)
            for words in (["config", file], ["train", file], ["characterize", "ideal", "--set", f"{deep}=1"],
                          ["run", "none.nir", "--engine", "cycle", "--chip", file], ["config", "--set", f"{deep}=1"]):
                if sum(len(str(word)) for word in words) > 130000:
                    continue  # more than an argument may have
                done = subprocess.run([MEMPROP, *words], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 2, done.stderr[:200])
                if file in words and words[0] != "run":
                    self.assertIn(f"deep.toml:{line}: a key has more than 8 parts", done.stderr)
        shallow = "a" + ".a" * 50000  # an argument may have 128 KiB
        done = subprocess.run([MEMPROP, "config", "--set", f"{shallow}=1"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("a key has more than 8 parts", done.stderr)
        answer, = self.points([f"{deep}=1"])
        self.assertEqual(answer["override"], 0)
        file.write_text('# a.b.c.d.e.f.g.h.i.j\n[task]\nfile = "a.b.c.d.e.f.g.h.i.j"\nname = """\n........."""\n')
        done = subprocess.run([MEMPROP, "config", file], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)  # these are no keys

    def test_text_of_a_key(self):
        base = self.directory / "base.toml"
        base.write_text(BASE.format(device="ideal"))
        for number, text in enumerate(("a\x7fb", 'a"\\\n\tb', "µ ´ \u2028", "a = 1\nb")):
            words = ["--set", f"crossbar.energy.source={text}"]
            out = self.directory / str(number)
            done = run(MEMPROP, "train", base, *words, "--json", "--out", out)
            result = json.loads(done.stdout.strip().split("\n")[-1])
            self.assertEqual(result["energy_source"], text)
            run(MEMPROP, "train", "--resume", out, "--set", "run.epochs=3", "--json")
            again = memprop.train(str(base), {"crossbar.energy.source": text}, 1)
            self.assertEqual(again["energy_source"], text)
        done = subprocess.run([MEMPROP, "train", base, "--set", b"crossbar.energy.source=a\xffb", "--out",
                               self.directory / "bad"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"must be UTF-8", done.stderr)
        self.assertFalse((self.directory / "bad").exists())


if __name__ == "__main__":
    unittest.main()
