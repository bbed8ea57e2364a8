"""Sweeps over commands other than train: how options, keys and files reach the program."""

import json
import unittest

from support import SweepCase

from memprop_report.report import write_report

# Answers with its arguments, and with 1 if told to fail.
STAND_IN = """\
#!/usr/bin/python3
import json, sys
words = sys.argv[1:]
if "--help" in words:
    print("Options: --mesh WxH --rate R --pattern NAME --seed S --json --trace FILE --verbose --events FILE --out DIR "
          "--fail{more}")
elif words == ["--version"]:
    print("memprop 1.2.3+stand-in")
elif "--fail" in words:
    sys.exit("told to fail")
else:
    print("progress goes here")
    print(json.dumps({{"words": " ".join(words), "latency_mean_cycles": 12.5, "energy_j": 1e-9, "list": [1, 2]}}))
"""


class OtherCommands(SweepCase):
    def setUp(self) -> None:
        super().setUp()
        self.build = self.directory / "build"
        (self.build / "testbenches").mkdir(parents=True)

    def install(self, name: str, more: str = "") -> None:
        path = self.build / name
        path.write_text(STAND_IN.format(more=more))
        path.chmod(0o755)

    def words(self) -> list[list[str]]:
        return sorted((r["result"]["words"].split() for r in self.records().values()), key=lambda w: w[::-1])

    def test_testbench_options(self) -> None:
        self.install("testbenches/tb_router")
        trace = self.write("trace.csv", "a")
        file = self.write(
            "s.toml",
            '[sweep]\ncommand = "tb_router"\nseeds = [5]\n[sweep.arguments]\nmesh = "8x8"\n'
            'trace = "trace.csv"\nverbose = true\n[sweep.values]\nrate = [0.01, 0.1]\npattern = ["uniform"]\n',
        )
        self.sweep(file)
        fixed = ["--json", "--seed", "5", "--mesh", "8x8", "--trace", str(trace), "--verbose"]
        self.assertEqual(self.words(), [fixed + ["--rate", rate, "--pattern", "uniform"] for rate in ("0.01", "0.1")])
        header, first, second = (self.directory / "out/sweep.csv").read_text().splitlines()
        self.assertEqual(header, "rate,pattern,seed,status,error,words,latency_mean_cycles,energy_j")
        self.assertTrue(first.startswith("0.01,uniform,5,ok,,") and first.endswith(",12.5,1e-09"))
        # The content of a file is part of a point's identity, and so is the program.
        self.sweep(file)
        self.assertEqual(len(self.records()), 2)
        trace.write_text("b")
        self.sweep(file)
        self.assertEqual(len(self.records()), 4)
        self.install("testbenches/tb_router", " --changed")
        self.sweep(file)
        self.assertEqual(len(self.records()), 6)

    def test_unknown_options_and_missing_programs_are_refused(self) -> None:
        file = self.write("s.toml", '[sweep]\ncommand = "tb_router"\n[sweep.values]\nrate = [1]\nspeed = [1]\n')
        self.assertIn("tb_router: no such program", self.sweep(file, status=2))
        self.install("testbenches/tb_router")
        self.assertIn("s.toml:5: speed: tb_router has no option --speed", self.sweep(file, status=2))
        file = self.write("s.toml", '[sweep]\ncommand = "tb_router"\n[sweep.values]\n"a.b" = [1]\n')
        self.assertIn("s.toml:4: a.b: tb_router has no --set", self.sweep(file, status=2))

    def test_keys_with_a_dot_go_to_set(self) -> None:
        self.install("testbenches/tb_tile", " --set")
        self.sweep(self.write("s.toml", '[sweep]\ncommand = "tb_tile"\n[sweep.values]\n"chip.name" = ["x"]\n'))
        self.assertEqual(self.words(), [["--json", "--seed", "1", "--set", 'chip.name="x"']])

    def test_run_takes_a_network_and_writes_into_scratch(self) -> None:
        self.install("memprop")
        network, events = self.write("net.nir", "n"), self.write("e.csv", "step,index\n")
        file = self.write(
            "s.toml",
            '[sweep]\ncommand = "run"\nbase = "net.nir"\n[sweep.arguments]\nevents = "e.csv"\n'
            "[sweep.values]\nrate = [1, 2]\n",
        )
        self.sweep(file)
        for words, rate in zip(self.words(), ("1", "2")):
            out = words.pop(3)
            self.assertFalse(out.startswith("{"))
            self.assertEqual(
                words, ["run", str(network), "--out", "--json", "--seed", "1", "--events", str(events), "--rate", rate]
            )
        network.write_text("other")
        self.sweep(file)
        self.assertEqual(len(self.records()), 4)

    def test_a_program_that_changes_under_the_sweep_ends_it(self) -> None:
        # Answers to --help, then replaces itself as a build would do.
        self.install("testbenches/tb_router")
        program = self.build / "testbenches/tb_router"
        program.write_text(program.read_text() + f"open({str(program)!r}, 'a').write('# changed')\n")
        said = self.sweep(
            self.write("s.toml", '[sweep]\ncommand = "tb_router"\n[sweep.values]\nrate = [1, 2, 3, 4]\n'), status=1
        )
        self.assertIn("the sweep began with", said)
        self.assertEqual(self.records(), {}, "points are not to blame")

    def test_failures_without_a_number(self) -> None:
        self.install("testbenches/tb_router")
        said = self.sweep(
            self.write("s.toml", '[sweep]\ncommand = "tb_router"\n[sweep.values]\nfail = [true, false]\n')
        )
        self.assertIn("1 points failed", said)
        errors = [json.dumps(r["error"]) for r in self.records().values() if r["status"] == "failed"]
        self.assertEqual(errors, ['"exit status 1: told to fail"'])


class RealTestbench(SweepCase):
    def test_router_latency_rises_with_the_load(self) -> None:
        file = self.write(
            "s.toml",
            '[sweep]\ncommand = "tb_router"\nseeds = [1, 2]\n[sweep.arguments]\nmesh = "4x4"\ncycles = 2000\n'
            'warmup = 200\npattern = "uniform"\n[sweep.values]\nrate = [0.01, 0.2]\n',
        )
        self.sweep(file)
        latency: dict[float, list[float]] = {}
        for record in self.records().values():
            latency.setdefault(record["values"]["rate"], []).append(record["result"]["latency_mean_cycles"])
        self.assertEqual(sorted(map(len, latency.values())), [2, 2])
        self.assertLess(max(latency[0.01]), min(latency[0.2]))
        self.assertIn('"metric":"latency_mean_cycles"', write_report(self.directory / "out").read_text())


if __name__ == "__main__":
    unittest.main()
