"""Sweep files: what they mean, and what is refused with which line."""

import os
import unittest

from support import BASE, SweepCase

from memprop_sweep.errors import SweepError
from memprop_sweep.points import make_plan
from memprop_sweep.programs import Programs
from memprop_sweep.sampling import combinations
from memprop_sweep.spec import read_spec
from memprop_sweep.toml_lines import TomlLines

HEAD = '[sweep]\nbase = "base.toml"\n'


class SpecCase(SweepCase):
    def setUp(self) -> None:
        super().setUp()
        self.write("base.toml", BASE.format(epochs=2))

    def combinations(self, text: str) -> list[dict]:
        return combinations(read_spec(self.write("s.toml", HEAD + text)))

    def refusal(self, text: str) -> str:
        file = self.write("s.toml", text)
        with self.assertRaises(SweepError) as caught:
            make_plan(read_spec(file), Programs(self.build), 2)
        return str(caught.exception).replace(f"{self.directory}/", "")


class Combinations(SpecCase):
    def test_grid_with_condition(self) -> None:
        found = self.combinations(
            """[sweep.values]
"update.scheme" = ["sign", "mixed_precision"]
"crossbar.read_noise_scale" = { min = 0.5, max = 2.0, steps = 3, log = true }
[[sweep.when]]
key = "update.scheme"
equals = "mixed_precision"
values = { "update.accumulator_bits" = [0, 8] }
"""
        )
        self.assertEqual(len(found), 3 + 3 * 2)
        self.assertEqual([c["crossbar.read_noise_scale"] for c in found[:3]], [0.5, 1.0, 2.0])
        for combination in found:
            self.assertEqual("update.accumulator_bits" in combination, combination["update.scheme"] != "sign")

    def test_nested_tables_name_the_same_keys(self) -> None:
        dotted = self.combinations('[sweep.values]\n"crossbar.read_noise_scale" = [0, 1]\n')
        self.assertEqual(dotted, self.combinations("[sweep.values]\ncrossbar.read_noise_scale = [0, 1]\n"))
        self.assertEqual(dotted, self.combinations("[sweep.values.crossbar]\nread_noise_scale = [0, 1]\n"))

    def test_latin_hypercube_has_one_sample_in_each_part_of_each_range(self) -> None:
        found = self.combinations(
            """method = "latin_hypercube"
samples = 20
[sweep.values]
"crossbar.read_noise_scale" = { min = 0.0, max = 1.0 }
"learning.lr" = { min = 1e-4, max = 1.0, log = true }
"update.max_pulses" = { min = 1, max = 20 }
"""
        )
        self.assertEqual(sorted(int(20 * c["crossbar.read_noise_scale"]) for c in found), list(range(20)))
        self.assertEqual(sorted(c["update.max_pulses"] for c in found), list(range(1, 21)))
        self.assertEqual(sum(c["learning.lr"] < 1e-2 for c in found), 10)
        self.assertNotEqual([c["update.max_pulses"] for c in found], list(range(1, 21)))

    def test_random_samples_depend_on_seed_and_key_alone(self) -> None:
        text = """method = "random"
samples = {}
sampling_seed = {}
[sweep.values]
"crossbar.read_noise_scale" = {{ min = 0.0, max = 1.0 }}
"""
        few, more = self.combinations(text.format(5, 1)), self.combinations(text.format(9, 1))
        self.assertEqual(few, more[:5])
        self.assertNotEqual(few, self.combinations(text.format(5, 2)))
        wider = self.combinations(text.format(5, 1) + '"crossbar.clamp_reads" = [true, false]\n')
        self.assertEqual(few, [{"crossbar.read_noise_scale": c["crossbar.read_noise_scale"]} for c in wider])
        self.assertTrue(all(0.0 <= c["crossbar.read_noise_scale"] <= 1.0 for c in more))


class Identity(SpecCase):
    def plan(self, text: str):
        return make_plan(read_spec(self.write("s.toml", HEAD + text)), Programs(self.build), 2)

    def test_equal_configurations_are_one_point(self) -> None:
        whole = self.plan('[sweep.values]\n"crossbar.read_noise_scale" = [1, 2]\n')
        broken = self.plan('[sweep.values]\n"crossbar.read_noise_scale" = [2.0, 3.0]\n')
        self.assertEqual(whole.points[1].id, broken.points[0].id)
        default = self.plan('[sweep.values]\n"crossbar.write_noise_scale" = [1.0]\n')
        self.assertEqual(whole.points[0].id, default.points[0].id)  # both resolve to the defaults

    def test_seed_configuration_and_base_make_the_identity(self) -> None:
        text = 'seeds = [1, 2]\n[sweep.values]\n"crossbar.read_noise_scale" = [1, 2]\n'
        first = [point.id for point in self.plan(text).points]
        self.assertEqual(len(set(first)), 4)
        self.write("base.toml", BASE.format(epochs=3))
        self.assertFalse(set(first) & {point.id for point in self.plan(text).points})


TABLE = "conductance_us,pulse,mean_step_us,std_step_us\n0,up,{step},0\n10,up,0.1,0\n0,down,0.1,0\n10,down,0.5,0\n"
FAULTS = "array,row,column,device,fault\n0,{row},0,0,max\n"


class Files(Identity):
    """Keys that name files: what these hold is part of a point."""

    def check(self, text: str, name: str, before: str, after: str) -> None:
        file = self.write(name, before)
        first = {point.id for point in self.plan(text).points}
        self.write(name, after)
        self.assertFalse(first & {point.id for point in self.plan(text).points})
        self.write(name, before)
        self.assertEqual({point.id for point in self.plan(text).points}, first)
        # The name plays no part: it differs between machines.
        other = file.rename(file.with_name("renamed" + file.suffix))
        self.assertEqual({point.id for point in self.plan(text.replace(name, other.name)).points}, first)
        other.unlink()
        with self.assertRaises(SweepError):
            self.plan(text)

    def test_device_table(self) -> None:
        text = f'[sweep.values]\n"crossbar.table_file" = ["{self.directory}/t.csv"]\n"crossbar.device" = ["table"]\n'
        self.check(text, "t.csv", TABLE.format(step=0.5), TABLE.format(step=0.6))

    def test_map_of_faults(self) -> None:
        text = f'[sweep.values]\n"crossbar.faults.map_file" = ["{self.directory}/f.csv"]\n'
        self.check(text, "f.csv", FAULTS.format(row=0), FAULTS.format(row=1))

    def test_a_file_that_nothing_reads(self) -> None:
        values = '"crossbar.read_noise_scale" = [0, 1]\n'
        text = f'[sweep.values]\n"crossbar.table_file" = ["{self.directory}/t.csv"]\n{values}'
        self.check(text, "t.csv", "a", "b")
        self.write("t.csv", "a")
        plan = self.plan(text)
        self.assertEqual({key: count for (key, _), count in plan.without_effect.items()}, {"crossbar.table_file": 2})

    def test_relative_paths_are_those_of_the_working_directory(self) -> None:
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)
        self.write("t.csv", TABLE.format(step=0.5))
        text = '[sweep.values]\n"crossbar.table_file" = ["{}"]\n"crossbar.device" = ["table"]\n'
        relative, absolute = self.plan(text.format("t.csv")), self.plan(text.format(self.directory / "t.csv"))
        self.assertEqual(relative.points[0].id, absolute.points[0].id)
        self.assertIn(f'crossbar.table_file = "{self.directory}/t.csv"\n', relative.points[0].job.experiment)

    def test_experiment_of_a_testbench(self) -> None:
        (self.directory / "build/testbenches").mkdir(parents=True)
        program = self.write("build/testbenches/tb_any", "#!/bin/sh\necho --set --experiment\n")
        program.chmod(0o755)
        self.write("t.csv", "a")
        self.write("e.toml", f'[crossbar]\ntable_file = "{self.directory}/t.csv"\n')
        file = self.write("s.toml", '[sweep]\ncommand = "tb_any"\n[sweep.values]\n"a.b" = [1]\n'
                          '[sweep.arguments]\nexperiment = "e.toml"\n')
        ids = []
        for content in ("a", "b", "a"):
            self.write("t.csv", content)
            ids.append(make_plan(read_spec(file), Programs(self.directory / "build"), 2).points[0].id)
        self.assertNotEqual(ids[0], ids[1])
        self.assertEqual(ids[0], ids[2])


class Devices(Identity):
    def test_the_device_of_a_point_brings_its_values(self) -> None:
        for base in ("pcm_nandakumar2018", "ecram_li"):
            self.write("base.toml", BASE.format(epochs=2) + f'[crossbar]\ndevice = "{base}"\n')
            plan = self.plan('[sweep.values]\n"crossbar.device" = ["ecram_li", "pcm_nandakumar2018", "ideal"]\n')
            resolved = [dict(line.split(" = ", 1) for line in point.job.experiment.splitlines())
                        for point in plan.points]
            self.assertEqual([config["crossbar.g_max_us"] for config in resolved], ["20.0", "12.0", "12.0"])
            self.assertEqual([config["crossbar.pulsed.g_min_us"] for config in resolved], ["2.0", "1.2", "1.2"])

    def test_keys_without_effect_do_not_stop_a_sweep(self) -> None:
        plan = self.plan('[sweep.values]\n"crossbar.device" = ["ecram_li", "pcm_nandakumar2018"]\n'
                         '"crossbar.read_noise_scale" = [0, 1, 2]\n')
        self.assertEqual(len(plan.points), 6)
        self.assertEqual([key for key, _ in plan.without_effect], ["crossbar.read_noise_scale"])
        self.assertEqual(list(plan.without_effect.values()), [1])
        self.assertIn("ecram_li", *[reason for _, reason in plan.without_effect])


class Refusals(SpecCase):
    def check(self, text: str, *parts: str) -> None:
        said = self.refusal(text)
        for part in parts:
            self.assertIn(part, said)

    def test_form_of_the_file(self) -> None:
        self.check(HEAD + "[sweep.values\n", "s.toml: ", "line 3")
        self.check(HEAD + "sead = [1]\n[sweep.values]\na.b = [1]\n", "s.toml:3: unknown key 'sweep.sead'")
        self.check('[sweep]\nbase = "absent.toml"\n[sweep.values]\na.b = [1]\n', "s.toml:2: base", "no such file")
        self.check(HEAD + 'method = "best"\n[sweep.values]\na.b = [1]\n', "s.toml:3: method", "latin_hypercube")
        self.check(HEAD + 'method = "random"\n[sweep.values]\na.b = [1]\n', "s.toml:3: samples")
        self.check(HEAD + "seeds = []\n[sweep.values]\na.b = [1]\n", "s.toml:3: seeds")
        self.check(HEAD + "seeds = [1,\n  1]\n[sweep.values]\na.b = [1]\n", "s.toml:4: seeds: 1 is there twice")

    def test_deep_keys(self) -> None:
        deep = "a" + ".a" * 100000
        self.check(HEAD + f"[sweep.values]\n{deep} = [1]\n", "s.toml:4: a key has more than 8 parts")
        self.check(HEAD + f"[{deep}]\n", "s.toml:3: a key has more than 8 parts")
        self.check(HEAD + f'[sweep.values]\n"{deep}" = [1]\n', "a key has more than 8 parts")
        self.write("base.toml", f"\n{deep} = 1\n")
        self.check(HEAD + '[sweep.values]\n"learning.lr" = [1e-3]\n', "base.toml:2: a key has more than 8 parts")

    def test_empty_ranges(self) -> None:
        values = HEAD + '[sweep.values]\n"learning.lr" = [1e-3]\n'
        self.check(values + '"crossbar.bits" = []\n', "s.toml:5: crossbar.bits")
        self.check(values + '"crossbar.bits" = { min = 4, max = 2, steps = 3 }\n', "s.toml:5:", "from 4 to 2 is empty")
        self.check(values + '"crossbar.bits" = { min = 0, max = 2, log = true, steps = 3 }\n', "s.toml:5:", "above 0")
        self.check(values + '"crossbar.bits" = { min = 1, max = 2 }\n', "s.toml:5:", "steps")

    def test_unknown_keys_name_the_nearest(self) -> None:
        self.check(
            HEAD + '[sweep.values]\n"learning.lr" = [1e-3]\n\n"crossbar.read_noise_scal" = [1]\n',
            "s.toml:6: unknown key 'crossbar.read_noise_scal'",
            "'crossbar.read_noise_scale'",
        )
        self.check(HEAD + "[sweep.values]\nlr = [1e-3]\n", "s.toml:4: lr:")

    def test_values_the_experiment_refuses(self) -> None:
        self.check(
            HEAD + '[sweep.values]\n"crossbar.bits" = [\n  2,  # fine\n  4,\n  200,\n]\n',
            "s.toml:7: crossbar.bits = 200",
            "[1, 16]",
        )
        self.check(
            HEAD + '[sweep.values]\n"update.scheme" = ["sign",\n"sing"]\n',
            "s.toml:5: update.scheme = sing",
            "must be one of",
        )

    def test_values_that_do_not_go_together(self) -> None:
        said = self.refusal(
            HEAD + '[sweep.values]\n"update.scheme" = ["sign", "batch_accumulate"]\n'
            '"update.inner_scheme" = ["sign", "batch_accumulate"]\n'
        )
        self.assertIn("s.toml:5: update.inner_scheme = batch_accumulate", said)
        self.assertIn('update.scheme = "batch_accumulate"', said)

    def test_conditions(self) -> None:
        text = HEAD + '[sweep.values]\n"update.scheme" = ["sign"]\n[[sweep.when]]\n'
        self.check(text + 'key = "crossbar.device"\nequals = 1\nvalues = {"crossbar.bits" = [1]}\n', "s.toml:6: key")
        self.check(text + 'key = "update.scheme"\nequals = "x"\nvalues = {"crossbar.bits" = [1]}\n', "s.toml:7: equals")
        self.check(
            text + 'key = "update.scheme"\nequals = "sign"\nvalues = {"crossbar.bit" = [1]}\n',
            "s.toml:8: unknown key 'crossbar.bit'",
        )

    def test_nothing_runs_before_all_is_checked(self) -> None:
        log = self.count_runs()
        file = self.write("s.toml", HEAD + '[sweep.values]\n"crossbar.bits" = [4, 5, 6, 77]\n')
        self.assertIn("s.toml:4: crossbar.bits = 77", self.sweep(file, status=2))
        self.assertEqual(log.read_text(), "")
        self.assertFalse((self.directory / "out").exists())


class Lines(unittest.TestCase):
    def test_every_way_to_write_a_key(self) -> None:
        lines = TomlLines(
            '# a\n[t]\na = """\nx\n"""\nb.c = 1\n"d.e" = [\n 1,\n 2, 3,\n]\n\n[[l]]\nk = 1\n[[l]]\nk = 2\n'
        )
        self.assertEqual(lines.of("t", "a"), 3)
        self.assertEqual(lines.of("t", "b", "c"), 6)
        self.assertEqual(lines.of("t", "d.e"), 7)
        self.assertEqual([lines.of("t", "d.e", i) for i in range(3)], [8, 9, 9])
        self.assertEqual(lines.of("l", 1, "k"), 15)
        self.assertEqual(lines.of("t", "absent"), 2)


if __name__ == "__main__":
    unittest.main()
