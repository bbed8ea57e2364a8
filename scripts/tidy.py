#!/usr/bin/python3
"""Runs clang-tidy on .cpp files of the repository, one process a core.

    scripts/tidy.py                          every .cpp file
    scripts/tidy.py FILE...                  these
    scripts/tidy.py --last N [--minutes M]   those that the last N commits changed, the latest first, as far as they fit
                                             M minutes. A clone without that history: all that fit, other ones
                                             after every commit

Ends with the number of files and the time they took, and says how many did not fit; exit status 1 if clang-tidy found
something.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

import memprop_terminal

ROOT = pathlib.Path(__file__).resolve().parent.parent
GCC_ONLY = ("-fno-thread-jumps",)  # options that clang does not know


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def changed_files(last):
    """The .cpp files that the last commits changed and that still exist; None if the clone does not hold them all."""
    commits = git("rev-list", f"--max-count={last}", "HEAD")
    shallow = ROOT / git("rev-parse", "--git-path", "shallow")[0]
    cut = set(shallow.read_text().split()) if shallow.exists() else set()
    if len(commits) < last or cut & set(commits):
        return None
    # A merge by what it changed in its first parent; each name once, where it came last.
    names = git("show", "--format=", "--name-only", "--diff-filter=d", "--diff-merges=first-parent", *commits, "--",
                "*.cpp")
    return [name for name in dict.fromkeys(names) if (ROOT / name).exists()]


def database(build):
    """A folder with the compile commands of a build as clang understands them."""
    text = (build / "compile_commands.json").read_text()
    for option in GCC_ONLY:
        text = text.replace(f" {option}", "")
    folder = build / "tidy"
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(text)
    return folder


def tidy(build, file):
    """(findings or "", seconds) of one file."""
    start = time.monotonic()
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build, ROOT / file], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    findings = done.stdout or done.stderr or f"clang-tidy ended with status {done.returncode}\n"
    return findings if done.returncode else "", time.monotonic() - start


def check(build, files, seconds, jobs):
    """Runs on all files that can be started in time; returns (checked, with findings)."""
    deadline = time.monotonic() + seconds
    checked = bad = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        def run(file):
            return tidy(build, file) if time.monotonic() < deadline else None

        for file, outcome in zip(files, pool.map(run, files)):
            if outcome is None:
                continue
            findings, took = outcome
            checked += 1
            bad += findings != ""
            print(f"{took:6.1f} s  {file}\n{findings}", end="", flush=True)
    return checked, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="relative to the repository")
    parser.add_argument("--last", type=int, metavar="N")
    parser.add_argument("--minutes", type=float, metavar="M", default=float("inf"))
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="default: cores")
    options = parser.parse_args()
    if shutil.which("clang-tidy") is None:
        print("tidy.py: clang-tidy is missing; install it with: sudo apt-get install clang-tidy", file=sys.stderr)
        return 2
    subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    build = database(ROOT / "build/release")
    commands = json.loads((build / "compile_commands.json").read_text())
    known = {os.path.relpath(command["file"], ROOT) for command in commands}
    files, seconds = options.files or git("ls-files", "*.cpp"), 60 * options.minutes
    if options.last is not None:
        changed = changed_files(options.last)
        if changed is None:
            head = git("rev-parse", "HEAD")[0]
            files.sort(key=lambda file: hashlib.sha256(f"{head} {file}".encode()).digest())
            print(f"clang-tidy: this clone does not hold its last {options.last} commits: as many of all files as fit "
                  f"{options.minutes:g} minutes")
        else:
            files = changed
    left_out = [file for file in files if file not in known]
    if left_out:
        print(f"clang-tidy: not built by the preset release: {' '.join(left_out)}")
        if options.files:
            return 2
    files = [file for file in files if file in known]
    start = time.monotonic()
    checked, bad = check(build, files, seconds, options.jobs)
    took, used = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if checked < len(files):
        print(f"clang-tidy: {len(files) - checked} files did not fit {options.minutes:g} minutes: "
              f"{' '.join(files[checked:])}")
    print(f"clang-tidy: {checked} of {len(files)} files checked, {bad} with findings, {took / 60:.1f} minutes "
          f"({(used.ru_utime + used.ru_stime) / 60:.1f} of processor time)")
    return 1 if bad else 0


if __name__ == "__main__":
    memprop_terminal.run(main)
