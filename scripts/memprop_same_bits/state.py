"""Starting a run and hashing what it leaves: its losses, and every array of its files by content.

An array's hash is of its type and values, not of its name or place: files may be laid out anew, numbers may not change.
"""

import hashlib
import json
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy

from memprop_same_bits.runs import ROOT, Run

DATA = "task.file={data:"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def golden_data(case: Path, target: Path) -> None:
    """A recorded case in the layout of the task golden (bits are packed along the last axis)."""
    with numpy.load(case) as arrays, h5py.File(target, "w") as out:
        inputs = arrays["w_in"].shape[1]
        out["x"] = numpy.unpackbits(arrays["x"], axis=-1)[None, None, :, :inputs]
        out["target"] = arrays["target"][None, None, :, None]
        out["window"] = numpy.array([0, arrays["target"].size])
        for name in ("w_in", "w_rec", "w_out", "b_fb"):
            out[name] = arrays[name]


def arrays_of(file: Path) -> set[str]:
    """Hashes of the arrays of an HDF5 file with two elements or more; of any other file, of its content."""
    if file.suffix != ".h5":
        return {digest(file.read_bytes())}
    found = set()

    def visit(path: str, item: h5py.Dataset | h5py.Group) -> None:
        numbers = isinstance(item, h5py.Dataset) and item.dtype.kind in "iufb" and item.size > 1
        if numbers and not path.startswith("chip/"):
            found.add(digest(item.dtype.str.encode() + item[()].tobytes()))

    with h5py.File(file) as tree:
        tree.visititems(visit)
    return found


def final_state(memprop: Path, run: Run, width: str | None = None) -> dict[str, str]:
    """What is recorded of a run, or {"error": text}. `width`: instruction set, as in MEMPROP_SIMD."""
    environment = {**os.environ, "MEMPROP_SIMD": width or ""}
    with tempfile.TemporaryDirectory() as scratch:
        directory, words = Path(scratch) / "out", []
        for word in run.arguments:
            if word.startswith(DATA):
                data = Path(scratch) / "data.h5"
                try:
                    golden_data(Path(word[len(DATA):-1]), data)
                except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
                    return {"error": str(error)}
                word = f"task.file={data}"
            words.append(word.replace("{out}", str(directory)))
        done = subprocess.run([memprop, *words], capture_output=True, text=True, env=environment, check=False,
                              cwd=ROOT)
        if done.returncode == 2 and run.may_refuse:
            return {"arrays": "refused"}
        if done.returncode != 0:
            return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]}
        if run.files == ("stdout",):
            return {"arrays": digest(done.stdout.encode())}
        found = set().union(*(arrays_of(file) for glob in run.files for file in directory.glob(glob)))
        state = {"arrays": " ".join(sorted(found))}
        if run.arguments[0] == "train":
            losses = json.loads(done.stdout.splitlines()[-1])["loss_history"]
            state["losses"] = digest(json.dumps(losses).encode())
        return state


def difference(recorded: dict[str, str], now: dict[str, str]) -> str | None:
    """In words, or None where every recorded number is there. Arrays that are new are no difference."""
    if "error" in now:
        return f"fails: {now['error']}"
    found = []
    if recorded.get("losses") != now.get("losses"):
        found.append("other losses")
    wanted = recorded["arrays"].split()
    missing = set(wanted) - set(now["arrays"].split())
    if missing:
        found.append(f"{len(missing)} of {len(wanted)} arrays are other numbers")
    return ", ".join(found) or None
