"""Words that nobody can read end no script; a result that cannot be printed is an error."""

import os
import subprocess
import unittest

from support import SCRIPTS, SweepCase
from synthetic import write_store

# convert_digits needs a package that scripts/setup does not install.
COMMANDS = [SCRIPTS / "same_bits"] + sorted(
    path for path in SCRIPTS.glob("*.py") if not path.name.startswith("memprop_") and os.access(path, os.X_OK)
    and path.name != "convert_digits.py"
)


class Terminal(SweepCase):
    def run_shell(self, words: str, **options) -> subprocess.CompletedProcess:
        return subprocess.run(words, shell=True, stdin=subprocess.DEVNULL, timeout=200, **options)

    def test_help_that_cannot_be_printed(self) -> None:
        for command in COMMANDS:
            with self.subTest(command.name):
                done = self.run_shell(f"'{command}' --help > /dev/full", stderr=subprocess.PIPE, text=True)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("standard output cannot be written", done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_report_on_streams_that_fail(self) -> None:
        out = self.directory / "out"
        write_store(out, noises=1, seeds=1, epochs=3)
        next((out / "points").iterdir()).write_text("")  # something to tell on standard error
        for words, status in (("2> /dev/full", 0), (">&- 2>&- <&-", 1), ("> /dev/full 2> /dev/full", 1)):
            with self.subTest(words):
                (out / "report.html").unlink(missing_ok=True)
                done = self.run_shell(f"'{SCRIPTS / 'report.py'}' '{out}' {words}", capture_output=True, text=True)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn("</html>", (out / "report.html").read_text(), "the work is done all the same")
                self.assertNotIn("Traceback", done.stderr)

    def test_closed_standard_output(self) -> None:
        for words in (">&-", ">&- <&-", ">&- 2>&-"):
            done = self.run_shell(f"'{SCRIPTS / 'tune.py'}' --help {words}", capture_output=True, text=True)
            self.assertEqual(done.returncode, 1, words)
            self.assertNotIn("Traceback", done.stderr)

    def test_sweep_goes_on_without_a_reader(self) -> None:
        file = self.write_sweep('"network.recurrent" = [10]', epochs=1)
        sweep = f"'{SCRIPTS / 'sweep.py'}' '{file}' --build '{self.build}' --no-plots --workers 1"
        for number, words in enumerate(("2> /dev/full", ">&- 2>&- <&-")):
            done = self.run_shell(f"{sweep} --out '{self.directory}/{number}' {words}", stdout=subprocess.DEVNULL)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(len(list((self.directory / f"{number}/points").iterdir())), 2)
        reader, writer = os.pipe()
        os.close(reader)
        done = self.run_shell(f"{sweep} --out '{self.directory}/pipe'", stderr=writer)
        os.close(writer)
        self.assertEqual(done.returncode, 0)

    def test_a_full_disk_is_named(self) -> None:
        done = self.run_shell(
            f"'{SCRIPTS / 'sweep.py'}' '{self.write_sweep(VALUES)}' --build '{self.build}' --out /dev/null/x",
            stderr=subprocess.PIPE,
            text=True,
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn("/dev/null/x", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


VALUES = '"network.recurrent" = [10]'

if __name__ == "__main__":
    unittest.main()
