#!/usr/bin/python3
"""End-to-end tests of `memprop golden`: golden files are met, one changed number is seen, bad files are refused."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "reference"
# Kind: file, largest error (the tolerance that the file's README gives), arrays that are no results.
KINDS = {"interval_bias": ("interval_bias/answers.npz", 1e-6,
                           ("_first", "_second", "_label", "_answer", "_parameters", "_theory", "range", "ratio")),
         "local_rules": ("local_rules/inhibitory_stdp.npz", 1e-9,
                         ("dt", "steps", "exists", "w0", "every", "lo", "hi", "eta", "_spikes", "rule"))}
INCOMPARABLE = 1e300


def golden(kind, file, code=0):
    done = subprocess.run([MEMPROP, "golden", "--kind", kind, file], capture_output=True, text=True, timeout=60,
                          check=False)
    if done.returncode != code:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    if code:
        return done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1, lines
    return json.loads(lines[0], parse_constant=lambda word: (_ for _ in ()).throw(ValueError(word))), done.stderr


class Golden(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def write(self, arrays, name="x.npz", save=numpy.savez):
        file = self.scratch / name
        if name.endswith(".h5"):
            with h5py.File(file, "w") as out:
                for key, value in arrays.items():
                    out[key] = value.astype("S") if value.dtype.kind == "U" else value
        else:
            save(file, **arrays)
        return file

    def test_every_kind_meets_its_file(self):
        for kind, (name, tolerance, given) in KINDS.items():
            with self.subTest(kind):
                arrays = dict(numpy.load(REFERENCE / name))
                found, _ = golden(kind, REFERENCE / name)
                self.assertEqual(list(found), ["spikes_differ", "max_relative_error", "arrays"])
                self.assertEqual(found["spikes_differ"], 0)
                self.assertEqual(sorted(found["arrays"]), sorted(n for n in arrays if not n.endswith(given)))
                self.assertEqual(found["max_relative_error"], max(found["arrays"].values()))
                self.assertLessEqual(found["max_relative_error"], tolerance)
                for copy in (self.write(arrays, "copy.h5"), self.write(arrays)):  # HDF5; not compressed
                    self.assertEqual(golden(kind, copy)[0], found)

    def test_one_changed_number_is_seen(self):
        for kind, (name, tolerance, _) in KINDS.items():
            arrays = dict(numpy.load(REFERENCE / name))
            results = list(golden(kind, REFERENCE / name)[0]["arrays"])
            rng = numpy.random.default_rng(5)
            for result in [*rng.choice(results, 3, replace=False), results[-1]]:
                with self.subTest(kind=kind, result=result):
                    changed = numpy.array(arrays[result], dtype=float)
                    place = rng.integers(changed.size)
                    scale = numpy.abs(changed).max() or 1.0
                    changed.flat[place] += 0.01 * scale
                    found, _ = golden(kind, self.write({**arrays, result: changed}))
                    self.assertAlmostEqual(found["arrays"][result], 0.01 * scale / numpy.abs(changed).max(), places=5)
                    self.assertEqual(found["max_relative_error"], found["arrays"][result])
                    self.assertLessEqual(max(e for r, e in found["arrays"].items() if r != result), tolerance)
                    for value in (numpy.nan, numpy.inf):
                        changed.flat[place] = value
                        found, _ = golden(kind, self.write({**arrays, result: changed}))
                        self.assertEqual(found["arrays"][result], INCOMPARABLE)

    def test_results_are_computed_from_the_inputs(self):
        arrays = dict(numpy.load(REFERENCE / KINDS["interval_bias"][0]))
        answer = arrays["mild_answer"].copy()
        answer[7] = 1 - answer[7]
        found, _ = golden("interval_bias", self.write({**arrays, "mild_answer": answer}))
        for name, error in found["arrays"].items():
            # One of 20 000 answers: 5e-5 of the accuracy.
            self.assertEqual(error > 1e-6, name.startswith("mild"), name)
        self.assertAlmostEqual(found["arrays"]["mild_accuracy"], 1 / 20000 / arrays["mild_accuracy"], places=12)

    def test_local_rules(self):
        file = REFERENCE / "local_rules" / "inhibitory_stdp_0.1ms.npz"
        found, said = golden("local_rules", file)
        self.assertLessEqual(found["max_relative_error"], 1e-9)
        self.assertEqual(sorted(found["arrays"]), ["trace_end_x1", "trace_end_y1", "w"])
        self.assertIn("inhibitory", said)
        arrays = dict(numpy.load(file))
        later = arrays["pre_spikes"].copy()
        later[len(later) // 2, 0] += 1
        found, _ = golden("local_rules", self.write({**arrays, "pre_spikes": later}))
        self.assertGreater(found["arrays"]["w"], 1e-9)
        triplet = {"tau": {"x1": 0.0168, "x2": 0.101, "y1": 0.0337, "y2": 0.125},
                   "pre": [[-0.007, ["y1"]]], "post": [[0.0093, ["x1", "y2"]]]}
        pairs = {"tau": {"x1": 0.02, "y1": 0.02}, "pre": [[-1.0, ["y1"]]], "post": [[1.0, ["x1"]]]}
        for changed, texts in [
                ({"rule": numpy.array(json.dumps(triplet))}, ["rule = triplet", "inhibitory"]),
                ({"rule": numpy.array(json.dumps(pairs))}, ["rule = four_coefficients", "inhibitory"]),
                ({"rule": numpy.array("[1]")}, ["rule must be the JSON text of a rule"]),
                ({"rule": numpy.array("{")}, ["rule must be the JSON text of a rule"]),
                ({"rule": numpy.array(3)}, ["rule must hold one text"]),
                ({"normalise_every": numpy.array(20)}, ["normalise_every value 0 is 20"]),
                ({"dt": numpy.array(0.0)}, ["dt value 0 is 0"]),
                ({"lo": numpy.array(500.0)}, ["w_min"]),
                ({"exists": arrays["exists"][:2]}, ["exists has shape [2, 4]; it must be [5, 4]"]),
                ({"post_spikes": arrays["post_spikes"] + 9}, ["post_spikes spike ", "there are 20000 and 4"])]:
            with self.subTest(texts):
                written = self.write({**arrays, **changed})
                refused = golden("local_rules", written, 2)
                for text in texts:
                    self.assertIn(text, refused)

    def test_types_and_layouts_do_not_matter(self):
        arrays = dict(numpy.load(REFERENCE / KINDS["interval_bias"][0]))
        wanted = golden("interval_bias", self.write(arrays))
        variants = {**arrays}
        types = {"unbiased": ">i4", "mild": "?", "strong": "<u8", "history": "<f2", "guess": ">f4"}
        for observer, kind in types.items():
            variants[f"{observer}_answer"] = arrays[f"{observer}_answer"].astype(kind)
            quintiles = f"{observer}_correct_by_quintile"
            variants[quintiles] = numpy.asfortranarray(arrays[quintiles])
        variants["guess_first"] = arrays["guess_first"].astype(">f8")
        self.assertEqual(golden("interval_bias", self.write(variants, save=numpy.savez_compressed)), wanted)

    def test_words_for_a_memory(self):
        _, said = golden("interval_bias", REFERENCE / KINDS["interval_bias"][0])
        words = dict(line.split(": ", 1) for line in said.splitlines())
        self.assertRegex(words["prior_only"], "^no memory: the first interval is ignored")
        self.assertRegex(words["guess"], "^no memory: the answers follow neither interval$")
        self.assertRegex(words["unbiased"], r"^the first interval is remembered \(")
        for observer in ("mild", "strong", "history"):
            self.assertRegex(words[observer], r"^the first interval is remembered, contracted")

    def test_bad_files_are_refused_by_name(self):
        arrays = dict(numpy.load(REFERENCE / KINDS["interval_bias"][0]))

        def without(name):
            return {key: value for key, value in arrays.items() if key != name}

        def refuse(file, *texts):
            said = golden("interval_bias", file, 2)
            for text in (str(file), *texts):
                self.assertIn(text, said)

        for changed, texts in [
                (without("mild_second"), ["mild_second is missing"]),
                (without("range"), ["range is missing"]),
                ({**arrays, "extra": numpy.zeros(2)}, ["extra is neither an input nor a result"]),
                ({**arrays, "mild_label": arrays["mild_label"] + 1}, ["mild_label value ", "is 2; it must be 0 or 1"]),
                ({**arrays, "mild_first": -arrays["mild_first"]}, ["mild_first value 0 is -", "must be positive"]),
                ({**arrays, "mild_first": arrays["mild_first"] * numpy.nan}, ["value 0 is nan"]),
                ({**arrays, "mild_second": arrays["mild_second"][:-1]}, ["has shape [19999]; it must be [20000]"]),
                ({**arrays, "mild_answer": arrays["mild_answer"].astype(str)}, ["mild_answer must hold numbers"]),
                ({**arrays, "mild_coefficients": numpy.zeros(3)}, ["mild_coefficients", "shape [4]"]),
                ({**arrays, "range": arrays["range"][::-1]}, ["it must ascend"]),
                ({"range": arrays["range"]}, ["has no observer"]),
                ({name: arrays[name] for name in ("range", "mild_first", "mild_second", "mild_label", "mild_answer")},
                 ["has no result to compare"])]:
            with self.subTest(texts):
                refuse(self.write(changed), *texts)
                refuse(self.write(changed, "x.h5"), *texts)
        whole = (REFERENCE / KINDS["interval_bias"][0]).read_bytes()
        damaged = bytearray(whole)
        damaged[len(whole) // 2] ^= 16
        huge = (b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }")
        for name, content, texts in [("half.npz", whole[:len(whole) // 2], []), ("bit.npz", bytes(damaged), []),
                                     ("empty.npz", b"", ["is neither an .npz nor an HDF5 file"]),
                                     ("text.h5", b"hello, world", ["is neither an .npz nor an HDF5 file"]),
                                     ("half.h5", self.write(arrays, "x.h5").read_bytes()[:300000], [])]:
            (self.scratch / name).write_bytes(content)
            refuse(self.scratch / name, *texts)

        for member, content, text in [("a.npy", huge.ljust(128), "elements"), ("a.npy", b"short", "ends after"),
                                      ("a.txt", b"", "is no .npy member"), ("a.npy", whole[:200], "not an array")]:
            with zipfile.ZipFile(self.scratch / "z.npz", "w") as out:
                out.writestr(member, content)
            refuse(self.scratch / "z.npz", f"{member}: ", text)
        numpy.savez(self.scratch / "o.npz", a=numpy.array([{}], dtype=object))
        refuse(self.scratch / "o.npz", "a.npy: has elements of type '|O'")
        refuse(self.scratch / "nowhere.npz", "does not exist")
        refuse(pathlib.Path("/dev/zero"), "must be a regular file")
        refuse(self.scratch, "must be a regular file")
        self.assertIn("--kind = tea: must be one of interval_bias", golden("tea", self.scratch, 2))


if __name__ == "__main__":
    unittest.main(verbosity=2)
