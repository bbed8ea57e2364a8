"""What a clone does whatever was done to it before: configuring, running all tests, naming what is missing."""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from support import SCRIPTS, SweepCase

ROOT = SCRIPTS.parent


def run(*words: str | Path, **options) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, **options)


class StandIns(SweepCase):
    def stand_in(self, name: str, text: str) -> dict[str, str]:
        """Puts a program on the path; returns the environment."""
        path = self.directory / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return os.environ | {"PATH": f"{path.parent}:{os.environ['PATH']}"}


class Clone(StandIns):
    def test_a_preset_sets_every_switch_of_the_build_again(self) -> None:
        build = self.directory / "build"
        switches = {"BUILD_TESTING": "OFF", "MEMPROP_BENCHMARKS": "OFF", "CMAKE_BUILD_TYPE": "Debug"}
        words = [f"-D{name}={value}" for name, value in switches.items()]
        for more in (words, []):
            done = run("cmake", "--preset", "release", "-B", build, *more, cwd=ROOT)
            self.assertEqual(done.returncode, 0, done.stderr)
        cache = dict(re.findall(r"^(\w+):\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.MULTILINE))
        self.assertEqual({name: cache[name] for name in switches},
                         {"BUILD_TESTING": "ON", "MEMPROP_BENCHMARKS": "ON", "CMAKE_BUILD_TYPE": "Release"})

    def test_no_test_is_a_failure(self) -> None:
        shutil.copy(ROOT / "CMakePresets.json", self.directory)
        self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(empty NONE)\nenable_testing()\n")
        self.assertEqual(run("cmake", "--preset", "release", cwd=self.directory).returncode, 0)
        done = run("ctest", "--preset", "release", cwd=self.directory)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("No tests were found", done.stdout + done.stderr)

    def test_demo_and_test_configure_alike(self) -> None:
        environment = self.stand_in("cmake", f"echo \"$@\" >> '{self.directory}/log'")
        self.stand_in("ctest", "exit 0")
        configured = []
        for script in ("demo", "test"):
            (self.directory / "log").unlink(missing_ok=True)
            (self.directory / "scripts").mkdir(exist_ok=True)
            shutil.copy(SCRIPTS / script, self.directory / "scripts")
            self.write("scripts/setup", "#!/bin/sh\n").chmod(0o755)
            run(self.directory / "scripts" / script, env=environment)
            configured.append((self.directory / "log").read_text().splitlines()[0])
        self.assertEqual(configured, ["--preset release"] * 2)

    def test_scripts_name_the_package_they_lack(self) -> None:
        lacking = set()
        for script in sorted([*SCRIPTS.glob("*.py"), ROOT / "examples/core_and_chip/train.py"]):
            if not os.access(script, os.X_OK):
                continue
            with self.subTest(script.name):
                done = run("/usr/bin/python3", "-S", script, "--help")  # -S: without Debian's packages
                self.assertNotIn("Traceback", done.stderr)
                if done.returncode != 0:
                    self.assertRegex(done.stderr, r"apt-get install python3-\w+|scripts/setup installs")
                    lacking.add(script.name)
        self.assertLessEqual({"plot.py", "plot_device.py", "report.py", "convert_digits.py", "train.py"}, lacking)
        self.write_sweep('"update.scheme" = ["sign"]')
        done = run("/usr/bin/python3", "-S", SCRIPTS / "sweep.py", self.directory / "sweep.toml", "--out",
                   self.directory / "out")
        self.assertEqual(done.returncode, 2)
        self.assertIn("apt-get install python3-matplotlib", done.stderr)
        self.assertFalse((self.directory / "out").exists(), "told before anything runs")


class ContinuousIntegration(StandIns):
    """.ci/run among stages that only say what they are."""

    def setUp(self) -> None:
        super().setUp()
        self.root = self.directory / "repository"
        for folder in (".ci", "scripts"):
            (self.root / folder).mkdir(parents=True)
        shutil.copy(ROOT / ".ci/run", self.root / ".ci")
        for script in ("setup", "fuzz", "tidy.py"):
            self.stage(script, "exit 0")
        self.stage("test", "echo '100% tests passed, 0 tests failed out of 7'")
        for program in ("clang-format", "flake8", "cmake", "ctest"):
            self.environment = self.stand_in(program, f'echo "{program} $@"')
        run("git", "init", "-q", cwd=self.root)
        self.write("repository/a.cpp", "")
        self.write("repository/b.py", "")
        self.write("repository/c", "#!/usr/bin/python3\n")
        run("git", "add", ".", cwd=self.root)

    def stage(self, script: str, text: str) -> None:
        path = self.root / "scripts" / script
        path.write_text(f'#!/bin/sh\necho "{script} $@"\n{text}\n')
        path.chmod(0o755)

    def stages(self, *words: str, status: int) -> tuple[str, list[list[str]]]:
        """All it says, and the words of each line of the summary."""
        done = run(self.root / ".ci/run", *words, env=self.environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        said, summary = done.stdout.split("== summary")
        return said, [line.split() for line in summary.splitlines()[1:]]

    def test_all_stages(self) -> None:
        said, summary = self.stages(status=0)
        names = ["setup", "format", "flake8", "suite", "asan", "tidy"]
        self.assertEqual([line[:2] for line in summary], [[name, "passed"] for name in names])
        for line in ("clang-format --dry-run -Werror a.cpp", "flake8 b.py c scripts/tidy.py", "test ", "test --asan",
                     "tidy.py --last 20 --minutes 73"):
            self.assertIn(f"\n{line}\n", said)
        self.assertIn("100% tests passed, 0 tests failed out of 7", " ".join(summary[3]))
        said, summary = self.stages("--full", status=0)
        self.assertEqual([line[0] for line in summary], [*names, "tsan", "fuzz", "clang"])
        for line in ("tidy.py ", "test --tsan", "fuzz 60", "ctest --preset clang"):
            self.assertIn(f"\n{line}", said)

    def test_a_failure_is_told_and_hides_no_other_stage(self) -> None:
        self.stage("test", '[ "$1" = --asan ] || { echo "50% tests passed, 1 tests failed out of 2"; exit 8; }')
        _, summary = self.stages(status=1)
        self.assertEqual([line[1] for line in summary], ["passed"] * 3 + ["FAILED"] + ["passed"] * 2)
        self.assertIn("50% tests passed, 1 tests failed out of 2", " ".join(summary[3]))
        self.stand_in("flake8", "exit 1")
        _, summary = self.stages(status=1)
        self.assertEqual([line[1] for line in summary], ["passed"] * 2 + ["FAILED"] * 2 + ["passed"] * 2)


class Tidy(StandIns):
    """scripts/tidy.py in a repository of its own, with programs that stand in for clang-tidy and CMake."""

    def setUp(self) -> None:
        super().setUp()
        self.root = self.directory / "repository"
        (self.root / "scripts").mkdir(parents=True)
        for script in ("tidy.py", "memprop_terminal.py"):
            shutil.copy(SCRIPTS / script, self.root / "scripts")
        (self.root / "build/release").mkdir(parents=True)
        names = [f"f{i}.cpp" for i in range(5)]
        entries = ",".join(f'{{"file": "{self.root / name}"}}' for name in names)
        (self.root / "build/release/compile_commands.json").write_text(f"[{entries}]")
        self.stand_in("cmake", "exit 0")
        self.environment = self.stand_in("clang-tidy", 'eval file=\\${$#}; grep -q bad "$file" && echo "$file: bad" '
                                                       "&& exit 1; exit 0")
        self.git("init", "-q")
        for name in (*names, "unbuilt.cpp"):
            (self.root / name).write_text("good")
        self.commit("scripts", *names, "unbuilt.cpp")

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e@x"]
        done = run("git", *who, *words, cwd=self.root)
        self.assertEqual(done.returncode, 0, done.stderr)

    def commit(self, *names: str) -> None:
        self.git("add", *names)
        self.git("commit", "-q", "-m", "x")

    def change(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)
        self.commit(name)

    def tidy(self, *words: str, status: int, root: Path | None = None) -> str:
        done = run((root or self.root) / "scripts/tidy.py", *words, env=self.environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_files_of_the_last_commits(self) -> None:
        self.change("f1.cpp", "bad")
        for text in ("better", "good"):
            self.change("f3.cpp", text)
        self.git("rm", "-q", "f2.cpp")
        self.git("commit", "-q", "-m", "x")
        said = self.tidy("--last", "3", status=0)
        self.assertEqual(re.findall(r" s  (\S+)", said), ["f3.cpp"])
        self.assertIn("clang-tidy: 1 of 1 files checked, 0 with findings", said)
        said = self.tidy("--last", "4", status=1)
        self.assertIn(f"{self.root}/f1.cpp: bad", said)
        self.assertIn("clang-tidy: 2 of 2 files checked, 1 with findings", said)
        said = self.tidy(status=1)
        self.assertIn("4 of 4 files checked, 1 with findings", said)
        self.assertIn("not built by the preset release: unbuilt.cpp", said)
        self.tidy("f0.cpp", status=0)
        self.tidy("unbuilt.cpp", status=2)

    def test_without_history_what_fits_the_time(self) -> None:
        for i in range(5):
            self.change("f0.cpp", f"good {i}")
        for depth, known in ((1, False), (3, False), (6, True)):
            clone = self.directory / f"clone{depth}"
            self.git("clone", "-q", "--depth", str(depth), f"file://{self.root}", str(clone))
            shutil.copytree(self.root / "build", clone / "build")
            text = (clone / "build/release/compile_commands.json").read_text()
            (clone / "build/release/compile_commands.json").write_text(text.replace(str(self.root), str(clone)))
            said = self.tidy("--last", "3", "--minutes", "1", status=0, root=clone)
            self.assertEqual("this clone does not hold its last 3 commits" in said, not known, said)
            self.assertIn("1 of 1 files" if known else "5 of 5 files", said)
            if not known:
                said = self.tidy("--last", "3", "--minutes", "0", status=0, root=clone)
                self.assertIn("0 of 5 files checked", said)


if __name__ == "__main__":
    unittest.main()
