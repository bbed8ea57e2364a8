"""Damaged files of a sweep are named and their points run again; labels of any kind leave the report whole."""

import json
import os
import subprocess
import unittest
from pathlib import Path

from support import SCRIPTS, SweepCase
from synthetic import SCHEMES, write_store

from memprop_report.data import SweepData
from memprop_report.report import write_report


def digit_changed(text: bytes) -> bytes:
    """Still JSON, with another loss."""
    at = text.index(b'"final_loss": 0.') + len(b'"final_loss": 0.')
    return text[:at] + (b"1" if text[at : at + 1] != b"1" else b"2") + text[at + 1 :]


DAMAGES = {
    "cut short": lambda text: text[: len(text) // 2],
    "zeros": lambda text: bytes(len(text)),
    "empty": lambda text: b"",
    "a list": lambda text: b"[]",
    "an object": lambda text: b'{"id": 1}',
    "no result": lambda text: json.dumps(json.loads(text) | {"result": None}).encode(),
    "fields of other types": lambda text: json.dumps(json.loads(text) | {"error": {}}).encode(),
    "no UTF-8": lambda text: text[:-2] + b"\xff}",
    "another digit": digit_changed,
    "deep": lambda text: b"[" * 100000,
}


class Points(SweepCase):
    def test_damaged_points_run_again(self) -> None:
        log = self.count_runs()
        file = self.write_sweep('"network.recurrent" = [10]', epochs=1)
        self.sweep(file)
        good = self.numbers()
        paths = sorted((self.directory / "out/points").iterdir())
        self.assertEqual(len(paths), 2)
        runs = len(log.read_text().splitlines())
        for pair in zip(*[iter(DAMAGES)] * 2):
            for path, name in zip(paths, pair):
                path.write_bytes(DAMAGES[name](path.read_bytes()))
            with self.subTest(pair):
                said = self.sweep(file)
                self.assertNotIn("Traceback", said)
                for path in paths:
                    self.assertRegex(said, rf"{path.name}: is damaged: .*; the point runs again")
                runs += 2
                self.assertEqual(len(log.read_text().splitlines()), runs)
                self.assertEqual(self.numbers(), good)
        # The point of another seed in the place of this one.
        paths[0].write_bytes(paths[1].read_bytes())
        self.assertRegex(self.sweep(file), f"{paths[0].name}: is damaged: `id` is '{paths[1].stem}'")
        self.assertEqual(self.numbers(), good)

    def test_what_is_no_file_is_named(self) -> None:
        file = self.write_sweep('"network.recurrent" = [10]', epochs=1)
        self.sweep(file)
        path = next((self.directory / "out/points").iterdir())
        for make in (Path.mkdir, os.mkfifo, lambda p: p.symlink_to("/dev/zero")):
            path.unlink()
            make(path)
            said = self.sweep(file, status=2)
            self.assertIn(path.name, said)
            self.assertNotIn("Traceback", said)
            if path.is_dir():
                path.rmdir()
                path.write_text("")

    def test_report_leaves_damaged_points_out(self) -> None:
        out = self.directory / "out"
        write_store(out, noises=2, seeds=2, epochs=5)
        paths = sorted((out / "points").iterdir())
        for path, damage in zip(paths, ("zeros", "cut short", "a list", "fields of other types")):
            path.write_bytes(DAMAGES[damage](path.read_bytes()))
        said = self.report(out)
        for path in paths[:4]:
            self.assertEqual(said.count(path.name), 1)
        self.assertEqual(len((out / "sweep.csv").read_text().split("\n")) - 2, len(paths) - 4)

    def test_results_of_odd_types_are_drawn(self) -> None:
        out = self.directory / "out"
        write_store(out, noises=2, seeds=1, epochs=5)
        odd = ([None, 1.0], "text", [1.0, float("nan"), 2.0], [[1.0]])
        for path, history in zip(sorted((out / "points").iterdir()), odd):
            record = json.loads(path.read_text())
            record["result"] |= {"loss_history": history, "wall_s": float("inf"), "device": {"a": [1]}}
            path.write_text(json.dumps(record))
        self.report(out)

    def test_a_damaged_plan_is_named(self) -> None:
        out = self.directory / "out"
        write_store(out, noises=2, seeds=1, epochs=5)
        plan = out / "sweep.json"
        good = plan.read_bytes()
        bad = [DAMAGES[name](good) for name in ("cut short", "zeros", "empty", "a list", "an object", "deep")]
        bad += [json.dumps(json.loads(good) | change).encode() for change in ({"points": [1]}, {"keys": [[]]})]
        for text in bad:
            plan.write_bytes(text)
            self.assertIn("sweep.json: is damaged", self.report(out, status=2))
        plan.unlink()
        os.mkfifo(plan)
        self.assertIn("sweep.json: is damaged", self.report(out, status=2))

    def test_sweep_files_that_never_end(self) -> None:
        pipe = self.directory / "pipe.toml"
        os.mkfifo(pipe)
        for file in (pipe, Path("/dev/zero"), self.directory):
            self.assertIn(f"{file}: ", self.sweep(file, status=2))

    def report(self, out: Path, status: int = 0) -> str:
        """What report.py says."""
        process = self.start(SCRIPTS / "report.py", out, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = "".join(process.communicate(timeout=60))
        self.assertEqual(process.returncode, status, said)
        self.assertNotIn("Traceback", said)
        return said


class Labels(SweepCase):
    ODD = (
        ("$x_{", "$\\frac$", "a\\$b$"),
        ("a\u2028b", "c\x0bd\x85e", "\x00\x07\x7f"),
        ("<!-- <script>", "</script><b>", "]]>&amp;"),
        ("_hidden", "", "x" * 5000),
        ('"quoted"', "line\nbreak", "comma, ümläut 漢字"),
        ("@data@", "\\g<1>", "{a|b}"),
    )

    def test_labels_in_every_place(self) -> None:
        for number, labels in enumerate(self.ODD):
            with self.subTest(labels):
                out = self.directory / f"out{number}"
                write_store(out, noises=2, seeds=1, epochs=3)
                plan = json.loads((out / "sweep.json").read_text())
                for point in plan["points"]:
                    label = labels[SCHEMES.index(point["values"]["update.scheme"])]
                    point["values"]["update.scheme"] = label
                    path = out / f"points/{point['id']}.json"
                    record = json.loads(path.read_text())
                    record["result"] |= {"device": label, label: 1.0}
                    path.write_text(json.dumps(record))
                plan["name"] = labels[0]
                (out / "sweep.json").write_text(json.dumps(plan))
                page = write_report(out).read_text(encoding="utf-8")
                for name in ("parallel_coordinates", "loss_vs_update_scheme", "learning_curves"):
                    self.assertGreater((out / f"figures/{name}.png").stat().st_size, 1000)
                data = page.split('id="data">')[1].split("</script>")[0]
                self.assertNotRegex(data, "[<>&\u2028]")
                self.assertEqual(tuple(json.loads(data)["axes"]["update.scheme"]["values"]), labels)

    def test_a_sweep_of_odd_labels(self) -> None:
        labels = ["a\u2028b", "$x_{", "c\x7fd", "e\nf"]
        listed = ", ".join(json.dumps(label).replace("\x7f", "\\u007f") for label in labels)
        file = self.write_sweep(f'"crossbar.energy.source" = [{listed}]', epochs=1, head="seeds = [1]")
        self.sweep(file)
        self.assertEqual(sorted(r["values"]["crossbar.energy.source"] for r in self.records().values()), sorted(labels))
        data = SweepData(self.directory / "out")
        self.assertEqual([point.scalars["energy_source"] for point in data.points], labels)


if __name__ == "__main__":
    unittest.main()
