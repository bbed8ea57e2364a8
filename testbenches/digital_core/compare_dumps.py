#!/usr/bin/python3
"""Compares the records of `tb_digital_core --dump` with recorded RTL runs: every array, every value.

  compare_dumps.py DUMP.npz REFERENCE.npz
  compare_dumps.py --run TB_DIGITAL_CORE LEVEL    runs the testbench first, on the public data set

Exit code 0: equal, 1: not, 77: the public data set is not on this machine (see ../reference/README.md).
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.dont_write_bytecode = True
from public_data import public_data  # noqa: E402  (the path has to be known first)


def differences(ours: str, reference: str) -> int:
    dump, golden = np.load(ours), np.load(reference)
    total = 0
    for name in golden:
        if dump[name].shape != golden[name].shape or dump[name].dtype != golden[name].dtype:
            print(f"{name}: {dump[name].dtype}{dump[name].shape}, reference {golden[name].dtype}{golden[name].shape}")
            total += 1
            continue
        wrong = np.argwhere(dump[name] != golden[name])
        where = f", first at {wrong[0].tolist()}" if len(wrong) else ""
        print(f"{name}: {len(wrong)} of {golden[name].size} differ{where}")
        total += len(wrong)
    return total


def main() -> int:
    if sys.argv[1] != "--run":
        return 1 if differences(sys.argv[1], sys.argv[2]) else 0
    program, level, directory = sys.argv[2], sys.argv[3], public_data()
    with tempfile.TemporaryDirectory() as scratch:
        dump = pathlib.Path(scratch) / "dump.npz"
        subprocess.run([program, "--level", level, "--cue-accumulation", directory / "dataset", "--train", "5",
                        "--test", "5", "--dump", dump], check=True)
        return 1 if differences(str(dump), str(directory / "per_step.npz")) else 0


if __name__ == "__main__":
    sys.exit(main())
