"""Whatever `memprop train --list` names can be trained, drawn and reported: every task and update scheme on both
engines."""

import itertools
import json
import re
import subprocess
import unittest

import task_files
from support import BUILD, SCRIPTS, SweepCase

import matplotlib.pyplot as plt
import plot
from memprop_report.data import SweepData
from memprop_report.report import write_report

ENGINES = ("functional", "cycle")
DEVICES = {"conductances", "pulses"}
CHIP = {"chip", "chip_breakdown"}


def listed(title: str) -> list[str]:
    """The names that `memprop train --list` has below the titles that begin so."""
    said = subprocess.run([BUILD / "memprop", "train", "--list"], capture_output=True, text=True, check=True).stdout
    sections = re.findall(r"^(\S.*):\n((?:  .*\n)+)", said, re.MULTILINE)
    return [line.split()[0] for name, lines in sections if name.startswith(title) for line in lines.splitlines()]


class Tables(SweepCase):
    def setUp(self) -> None:
        super().setUp()
        self.tasks, self.schemes = listed("Tasks"), listed("Update schemes")
        self.assertEqual(self.tasks, list(task_files.TASKS), "every task has an experiment here")
        self.assertIn("vanilla", self.schemes)
        self.base = self.write("base.toml", task_files.COMMON)
        self.settings = {task: make(self.directory) for task, make in task_files.TASKS.items()}

    def of(self, task: str, scheme: str) -> dict[str, str]:
        """A small experiment."""
        return (
            self.settings[task]
            | task_files.SCHEMES.get(scheme, {})
            | {"task.name": task, "update.scheme": scheme}
        )

    def train(self, out: str, settings: dict[str, str]) -> dict:
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        done = subprocess.run(
            [BUILD / "memprop", "train", self.base, "--out", self.directory / out, "--json", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, f"{settings}: {done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def check_drawn(self, out: str, result: dict, expected: set[str]) -> None:
        """plot.py draws these figures, each with something in every panel."""
        figures = plot.figures_of(self.directory / out)
        self.assertEqual(set(figures), expected)
        for name, figure in figures.items():
            figure.canvas.draw()  # what fails when a figure is saved fails here
            for axes in figure.axes:
                self.assertTrue(axes.has_data() or name == "chip", f"{name} of {result['task']}")
            plt.close(figure)

    def test_plot_draws_every_task_and_scheme_on_both_engines(self) -> None:
        count = max(len(self.tasks), len(self.schemes))
        for engine, i in itertools.product(ENGINES, range(count)):
            task, scheme = self.tasks[i % len(self.tasks)], self.schemes[i % len(self.schemes)]
            with self.subTest(task=task, scheme=scheme, engine=engine):
                result = self.train(
                    f"{engine}{i}",
                    self.of(task, scheme) | {"run.engine": engine},
                )
                figures = {"learning_curve", "output", "raster", "network"}
                figures |= set() if result["device"] is None else DEVICES
                figures |= CHIP if engine == "cycle" else set()
                figures |= {"confusion"} if "test_confusion" in result["metrics"] else set()
                self.check_drawn(f"{engine}{i}", result, figures)

    def test_plot_draws_what_differs_within_a_task(self) -> None:
        targets = task_files.dataset_with_targets(self.directory) | {"task.name": "dataset"}
        cues = self.settings["cue_accumulation"] | {"task.name": "cue_accumulation"}
        figures = {"learning_curve", "output", "raster", "network", *DEVICES}
        for name, settings, expected in (
            ("targets", targets, figures),
            ("rewards", cues | {"learning.supervision": "reward"}, figures | {"confusion"}),
            ("no splits", cues | {"task.validation_samples": "0", "task.test_samples": "0"}, figures),
            ("silent", {"task.input_rate_hz": "0", "run.epochs": "1"}, figures),
            # A core of its own for the last readout has no tile of neurons, others stay empty.
            (
                "split over cores",
                cues | {"run.engine": "cycle", "chip.mesh_width": "3", "chip.mesh_height": "2",
                        "chip.neurons_per_core": "4", "network.outputs": "5"},
                figures | {"confusion", "chip_heat"} | CHIP,
            ),
            ("many pulses", {"crossbar.device": "ecram_li", "update.max_pulses": "1000", "learning.lr": "10"}, figures),
        ):
            with self.subTest(name):
                self.check_drawn(name, self.train(name, settings), expected)

    def test_the_program_writes_pictures_and_refuses_other_directories(self) -> None:
        self.train("run", self.settings["dataset"] | {"task.name": "dataset"})
        words = [SCRIPTS / "plot.py", self.directory / "run", "--out", self.directory / "pictures"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        names = {"learning_curve", "output", "raster", "network", "confusion", *DEVICES}
        self.assertEqual({path.stem for path in (self.directory / "pictures").iterdir()}, names)
        for path in map(str, (self.directory / "pictures").iterdir()):
            self.assertIn(path, done.stdout)
        (self.directory / "run/history.csv").unlink()
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("run/history.csv: not found; give the directory of a finished `memprop train`", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_report_of_every_task_scheme_and_engine(self) -> None:
        needed = [("task.name", task, settings) for task, settings in self.settings.items() if settings]
        needed += [("update.scheme", scheme, settings) for scheme, settings in task_files.SCHEMES.items()]
        conditions = "".join(
            f'\n[[sweep.when]]\nkey = "{key}"\nequals = "{equals}"\nvalues = {{ '
            + ", ".join(f'"{name}" = ["{value}"]' for name, value in settings.items())
            + " }\n"
            for key, equals, settings in needed
        )
        file = self.write(
            "sweep.toml",
            f'[sweep]\nbase = "base.toml"\nseeds = [1]\n\n[sweep.values]\n"task.name" = {json.dumps(self.tasks)}\n'
            f'"update.scheme" = {json.dumps(self.schemes)}\n"run.engine" = {json.dumps(ENGINES)}\n{conditions}',
        )
        said = self.sweep(file)
        out = self.directory / "out"
        records = self.records().values()
        self.assertEqual(len(records), len(self.tasks) * len(self.schemes) * len(ENGINES), said)
        self.assertEqual({record["error"] for record in records}, {None})
        page = write_report(out, "metrics.accuracy").read_text()
        self.assertIn('"metric":"metrics.accuracy"', page)
        data = SweepData(out, "metrics.accuracy")
        for cost in data.costs:
            front = data.pareto(cost)
            best = max(group.mean("metrics.accuracy") for group in data.priced(cost))
            self.assertEqual(front[-1].mean("metrics.accuracy"), best, "the most accurate is on the front")
            self.assertEqual(front[0].mean(cost), min(group.mean(cost) for group in data.priced(cost)))
        self.assertEqual(SweepData(out).metric, "final_loss")


if __name__ == "__main__":
    unittest.main()
