#!/usr/bin/python3
"""End-to-end tests of checkpoints and states: whether they are whole, whose they are, what a failed run leaves."""

import fcntl
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
SANITIZED = "MEMPROP_SANITIZED" in os.environ
EXCEPTIONS = "SystemC changes stacks, and AddressSanitizer misjudges exceptions after that"
SEAL = b"memprop seal 1 sha256 "
SMALL = ["network.recurrent=12", "network.inputs=12", "task.steps=60", "run.checkpoint_every=1"]


def memprop(*arguments, **options):
    return subprocess.run([MEMPROP, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
                          **options)


def settings(*keys):
    return [word for key in keys for word in ("--set", key)]


def reseal(file):
    """As somebody does it who knows the format: the content is what it says, but no run has written it."""
    content = file.read_bytes()
    end = content.rfind(SEAL)
    content = content if end < 0 else content[:end]
    file.write_bytes(content + SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n")


def change(file, path, edit):
    """Replaces a dataset by what `edit` makes of it, and seals the file again."""
    with h5py.File(file, "r+") as tree:
        value = edit(tree[path][()])
        del tree[path]
        if value is not None:
            tree[path] = value
    reseal(file)


def filled(value):
    return lambda old: numpy.full(numpy.shape(old), value, dtype=old.dtype)


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.experiment = self.scratch / "experiment.toml"
        self.experiment.write_text('[update]\nscheme = "mixed_precision"\n')

    def run_memprop(self, *arguments, code=0, contains=(), **options):
        done = memprop(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        for text in contains:
            self.assertIn(text, done.stderr)
        return done

    def train(self, name, *keys, code=0, contains=()):
        done = self.run_memprop("train", self.experiment, *settings(*SMALL, *keys), "--out", self.scratch / name,
                                "--json", code=code, contains=contains)
        return json.loads(done.stdout.splitlines()[-1]) if code == 0 else None

    def resume(self, directory, *keys, code=0, contains=()):
        done = self.run_memprop("train", "--resume", directory, *settings(*keys), "--json", code=code,
                                contains=contains)
        return json.loads(done.stdout.splitlines()[-1]) if code == 0 else None

    def copy(self, name, copy="copy"):
        target = self.scratch / copy
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.scratch / name, target)
        return target


class Checkpoints(Case):
    def test_a_flipped_bit_is_found(self):
        self.train("run", "run.epochs=2")
        whole = (self.scratch / "run/checkpoint.h5").read_bytes()
        positions = numpy.random.default_rng(1).integers(0, 8 * len(whole), 25).tolist()
        for position in [0, 8 * len(whole) - 1, 8 * (len(whole) - 100), *positions]:
            flipped = bytearray(whole)
            flipped[position // 8] ^= 1 << position % 8
            directory = self.copy("run")
            (directory / "checkpoint.h5").write_bytes(flipped)
            with self.subTest(position=position):
                self.resume(directory, "run.epochs=3", code=2, contains=["checkpoint.h5"])

    def test_a_file_without_its_seal_is_refused_wherever_it_is_named(self):
        self.train("run", "run.epochs=2")
        file = self.scratch / "run/checkpoint.h5"
        with h5py.File(file, "r+") as tree:  # h5py cuts what follows the data
            tree["state/epoch_loss"][()] = 0.25
        for command in (["train", "--resume", self.scratch / "run"],
                        ["train", self.experiment, *settings(*SMALL), "--init", file, "--out", self.scratch / "o"],
                        ["train", self.experiment, *settings(*SMALL), "--init", file, "--evaluate", "--out",
                         self.scratch / "o"],
                        ["export", file, "--out", self.scratch / "network.nir"],
                        ["inspect", file],
                        ["run", file, "--events", "-", "--out", self.scratch / "o"]):
            with self.subTest(command[0]):
                self.run_memprop(*command, code=2, contains=["checkpoint.h5", "seal"])
        self.assertFalse((self.scratch / "o").exists() or (self.scratch / "network.nir").exists())

    def test_the_checkpoint_of_another_run_is_refused(self):
        self.train("run", "run.epochs=2")
        others = {"run.seed": "2", "crossbar.device": '"ideal"', "learning.lr": "0.5", "task.samples": "2",
                  "network.recurrent": "13", "update.scheme": '"sign"', "crossbar.read_noise_scale": "0.5",
                  "run.validate_every": "1"}
        for key, value in others.items():
            with self.subTest(key):
                shutil.rmtree(self.scratch / "other", ignore_errors=True)
                self.train("other", "run.epochs=2", f"{key}={value}")
                directory = self.copy("run")
                shutil.copy(self.scratch / "other/checkpoint.h5", directory)
                self.resume(directory, "run.epochs=3", code=2, contains=["checkpoint.h5", key])
        self.train("longer", "run.epochs=4")
        directory = self.copy("run")
        shutil.copy(self.scratch / "longer/checkpoint.h5", directory)
        self.resume(directory, "run.epochs=3", code=2, contains=["checkpoint.h5", "run.epochs"])

    def test_what_changes_no_number_may_differ(self):
        self.train("run", "run.epochs=2")
        self.train("other", "run.epochs=3", "run.threads=2", "run.checkpoint_every=3")
        shutil.copy(self.scratch / "other/checkpoint.h5", self.scratch / "run")
        resumed = self.resume(self.scratch / "run", "run.epochs=4", "run.checkpoint_every=0")
        self.assertEqual(resumed["loss_history"], self.train("whole", "run.epochs=4")["loss_history"])

    def test_a_file_that_the_experiment_names_belongs_to_it(self):
        table = self.scratch / "steps.csv"
        table.write_text("conductance_us,pulse,mean_step_us,std_step_us\n"
                         + "".join(f"{g},{pulse},0.5,0.1\n" for pulse in ("up", "down") for g in (1, 5, 12)))
        keys = ['crossbar.device="table"', f'crossbar.table_file="{table}"']
        self.train("run", "run.epochs=2", *keys)
        table.write_text(table.read_text().replace("0.5", "0.4"))
        self.resume(self.scratch / "run", "run.epochs=3", code=2, contains=["checkpoint.h5", "crossbar.table_file"])

    def test_values_out_of_their_range(self):
        self.train("run", "run.epochs=3")
        devices = "state/w_in/devices/"
        for path, edit, epochs in (
                (devices + "programmed_tick", filled(2**31 - 1), 4),
                (devices + "programmed_tick", filled(-1), 4),
                (devices + "conductance_us", filled(numpy.nan), 4),
                (devices + "conductance_us", filled(-numpy.inf), 4),
                (devices + "conductance_us", lambda old: old[:-1], 4),
                (devices + "conductance_us", lambda old: old.astype("f8"), 4),
                (devices + "conductance_us", lambda old: old.reshape(2, -1), 4),
                (devices + "set_pulses", lambda old: old.astype("i4"), 4),
                (devices + "next_device", filled(7), 4),
                (devices + "pulse_memory", lambda old: None, 4),
                ("state/w_rec/scheme/accumulator", filled(numpy.inf), 4),
                ("state/loss_history", filled(numpy.nan), 4),
                ("state/loss_history", lambda old: old[:1], 4),
                ("state/spike_history", lambda old: old[:0], 3),
                ("state/set_pulse_history", lambda old: old[:0], 4),
                ("state/validation_epochs", lambda old: numpy.ones(2), 4),
                ("state/recorded_trials", filled(2**64 - 1), 4),
                ("state/recorded_0/steps", filled(0), 3),
                ("state/recorded_0/steps", filled(2**40), 3),
                ("state/recorded_0/index", filled(1), 3),
                ("state/recorded_0/spikes", lambda old: numpy.append(old, numpy.int32(3)), 3),
                ("state/recorded_0/input", lambda old: old + numpy.int32(1000), 3),
                ("state/recorded_1/output", lambda old: old[:-1], 3),
                ("state/samples_done", filled(2**31 - 1), 4),
                ("state/samples_done", filled(2**63), 4),
                ("state/start_tick", filled(2**31 - 2), 4),
                ("state/epoch_set_pulses", filled(2**50), 4),
                ("state/epoch_spikes", filled(2**50), 4),
                ("state/spikes_done", lambda old: numpy.int64(-3), 4),
                ("config", lambda old: b"[run]\nseed = -3\n", 4),
                ("config", lambda old: numpy.float32(3), 4),
                ("format", lambda old: b"memprop checkpoint 1", 4),
                ("files", lambda old: b"task.file 17", 4)):
            directory = self.copy("run")
            change(directory / "checkpoint.h5", path, edit)
            with self.subTest(path):
                self.resume(directory, f"run.epochs={epochs}", code=2, contains=["checkpoint.h5"])

    def test_values_of_schemes_and_learners(self):
        online = ['learning.gradient="online"', "learning.update_every_steps=1", 'network.state_reset="never"',
                  'learning.regularizer="running_average"']
        transfer = ['crossbar.device="ecram_li"', 'update.scheme="tiki_taka"']
        adc = ["crossbar.adc_bits=6", 'crossbar.adc.range="calibrated"']
        for name, keys, path, edit in (
                ("online", online, "state/rule_eprop/waiting_0/projection0/events",
                 lambda old: numpy.full(1, 999, "u4")),
                ("online", online, "state/rule_eprop/waiting", filled(3)),
                ("online", online, "state/rule_eprop/waiting_0/population0/psi", lambda old: old[:0]),
                ("online", online, "state/engine/population1/silent", filled(-1)),
                ("transfer", transfer, "state/w_rec/scheme/transfer_next_row", filled(12)),
                ("transfer", transfer, "state/w_rec/scheme/fast_array/programmed_tick", filled(10**6)),
                ("adc", adc, "state/w_in/devices/adc_range_us", filled(-1.0))):
            if not (self.scratch / name).exists():
                self.train(name, "run.epochs=2", *keys)
            directory = self.copy(name)
            change(directory / "checkpoint.h5", path, edit)
            with self.subTest(path):
                self.resume(directory, "run.epochs=3", code=2, contains=["checkpoint.h5"])


class Chip(Case):
    def test_a_resumed_run_counts_as_one_that_was_not_interrupted(self):
        for name, keys in {
                "one core": [],
                "four cores": ["chip.mesh_width=2", "chip.mesh_height=2", "network.recurrent=20"],
                "numbers": ['update.scheme="vanilla"', "run.validate_every=1"],
                "fast arrays": ['crossbar.device="ecram_li"', 'update.scheme="tiki_taka"',
                                "crossbar.energy.read_voltage_v=0.2", "crossbar.energy.read_pulse_ns=100"]}.items():
            keys = [*keys, 'run.engine="cycle"']
            with self.subTest(name):
                whole = self.train(f"{name} whole", "run.epochs=4", *keys)
                self.train(name, "run.epochs=1", *keys)
                for epochs in (2, 3, 4):
                    resumed = self.resume(self.scratch / name, f"run.epochs={epochs}")
                for key in ("cycles", "deadline_misses", "energy_j", "pulses", "loss_history"):
                    self.assertEqual(resumed[key], whole[key], key)
                for key in ("step_cycles_mean", "step_cycles_max", "phase_cycles", "cores"):
                    self.assertEqual(resumed["chip"][key], whole["chip"][key], key)

    def test_a_pause_on_the_functional_engine_costs_the_chip_nothing(self):
        self.train("run", "run.epochs=1", 'run.engine="cycle"')
        before = json.loads((self.scratch / "run/result.json").read_text())
        self.resume(self.scratch / "run", "run.epochs=2", 'run.engine="functional"')
        after = self.resume(self.scratch / "run", "run.epochs=3", 'run.engine="cycle"')
        two = self.train("two", "run.epochs=2", 'run.engine="cycle"')
        # Two epochs on the chip, of which the second has other spikes than the second of a run.
        self.assertGreater(after["cycles"], before["cycles"])
        self.assertLess(abs(after["cycles"] - two["cycles"]), 0.1 * two["cycles"])

    @unittest.skipIf(SANITIZED, EXCEPTIONS)
    def test_the_record_of_another_chip_is_refused(self):
        self.train("run", "run.epochs=1", 'run.engine="cycle"')
        for edit in (lambda old: old[:-2], lambda old: numpy.append(old, old[:2]), filled(2**32 - 1)):
            directory = self.copy("run")
            change(directory / "checkpoint.h5", "chip/record", edit)
            self.resume(directory, "run.epochs=2", code=2, contains=["checkpoint.h5", "record"])


def catches_interrupts(process):
    caught = re.search(r"^SigCgt:\s*(\w+)$", pathlib.Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
    return int(caught[1], 16) >> (signal.SIGINT - 1) & 1


class OneProcess(Case):
    def test_a_directory_in_use_is_refused_and_a_kill_frees_it(self):
        self.train("run", "run.epochs=2")
        command = [MEMPROP, "train", "--resume", self.scratch / "run", *settings("run.epochs=100000000")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while "100000000" not in (self.scratch / "run/config.toml").read_text():
            time.sleep(0.01)
        self.resume(self.scratch / "run", "run.epochs=200000000", code=2, contains=["another process"])
        process.kill()
        process.wait()
        self.assertIn("epochs = 100000000", (self.scratch / "run/config.toml").read_text())
        # Freed: it goes on until it is stopped.
        process = subprocess.Popen([MEMPROP, "train", "--resume", self.scratch / "run"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        while not catches_interrupts(process):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)

    def test_of_two_new_runs_one_is_refused(self):
        command = [MEMPROP, "train", self.experiment, *settings(*SMALL, "run.epochs=3"), "--out", self.scratch / "out"]
        processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
        self.assertEqual(sorted(process.wait(60) for process in processes), [0, 2])
        self.assertEqual(json.loads((self.scratch / "out/result.json").read_text())["epochs"], 3)

    def test_a_run_of_a_network(self):
        self.train("trained", "run.epochs=1", 'update.scheme="vanilla"')
        out = self.scratch / "out"
        command = ["run", self.scratch / "trained/checkpoint.h5", "--events", "-", "--steps", 3, "--out", out]
        self.run_memprop(*command, input="step,index\n1,1\n")
        before = sorted(out.rglob("*"))
        descriptor = os.open(out, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self.run_memprop(*command, input="step,index\n1,1\n", code=2, contains=["another process"])
        os.close(descriptor)
        self.assertEqual(sorted(out.rglob("*")), before)
        self.run_memprop(*command, input="step,index\n1,1\n")


class Failures(Case):
    DIVERGES = ['update.scheme="vanilla"', "learning.lr=2", "learning.lr_out=2", "network.recurrent=8",
                "network.inputs=100", "task.steps=50", "run.epochs=400"]

    def test_a_run_that_diverges_keeps_its_history_and_checkpoint(self):
        self.train("run", *self.DIVERGES, code=1, contains=["diverged", "history.csv", "checkpoint.h5"])
        out = self.scratch / "run"
        self.assertEqual({file.name for file in out.iterdir()}, {"config.toml", "history.csv", "checkpoint.h5"})
        rows = (out / "history.csv").read_text().splitlines()[1:]
        self.assertGreater(len(rows), 1)
        self.assertTrue(all(numpy.isfinite(float(row.split(",")[1])) for row in rows))
        with h5py.File(out / "checkpoint.h5") as checkpoint:
            losses = checkpoint["state/loss_history"][()]
            self.assertTrue(numpy.isfinite(checkpoint["state/w_rec/weights"][()]).all())
        self.assertLessEqual(len(losses), len(rows))
        self.assertEqual([float(row.split(",")[1]) for row in rows[:len(losses)]], losses.tolist())
        self.resume(out, code=1, contains=["diverged"])  # from there

    def test_without_a_checkpoint_yet(self):
        self.train("run", *self.DIVERGES, "run.checkpoint_every=0", code=1, contains=["history.csv", "no checkpoint"])
        self.assertEqual({file.name for file in (self.scratch / "run").iterdir()}, {"config.toml", "history.csv"})

    @unittest.skipIf(SANITIZED, "AddressSanitizer needs more address space than this test leaves")
    def test_threads_that_cannot_be_started(self):
        keys = ["learning.batch=2000", "run.threads=1024", 'update.scheme="vanilla"', "run.epochs=1", "task.steps=10",
                "network.recurrent=4", "network.inputs=4", "task.samples=2000"]
        limit = 3 << 30  # stacks of 8 MiB
        self.run_memprop("train", self.experiment, *settings(*keys), "--out", self.scratch / "out", code=1,
                         contains=["of 1024 threads", "run.threads"],
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.assertFalse((self.scratch / "out").exists())


class States(Case):
    """Of `memprop run`: --save-state, --load-state."""

    def setUp(self):
        super().setUp()
        self.train("trained", "run.epochs=1", 'update.scheme="vanilla"')
        self.network = self.scratch / "trained/checkpoint.h5"
        self.crossbar = self.scratch / "devices.toml"
        self.crossbar.write_text("[crossbar]\n")
        rng = numpy.random.default_rng(3)
        self.events = self.scratch / "events.csv"
        # A word line is driven once in a step.
        rows = sorted({(int(step), int(index)) for step, index in rng.integers(0, (40, 12), (300, 2))})
        self.events.write_text("step,index\n" + "".join(f"{step},{index}\n" for step, index in rows))

    def run_network(self, name, steps, *more, code=0, contains=()):
        out = self.scratch / name
        shutil.rmtree(out, ignore_errors=True)
        self.run_memprop("run", self.network, "--events", self.events, "--steps", steps, "--out", out, *more, code=code,
                         contains=contains)
        return (out / "output.csv").read_text() if code == 0 else None

    def test_flips_values_and_other_owners(self):
        on_devices = ["--crossbar", self.crossbar, "--seed", 2]
        for kind, more in {"numbers": ["--arithmetic", "single"], "devices": on_devices,
                           "chip": ["--engine", "cycle"],
                           "devices on a chip": ["--engine", "cycle", *on_devices]}.items():
            state = self.scratch / "state.h5"
            first = self.run_network("first", 20, *more, "--save-state", state)
            self.assertEqual(first + self.run_network("rest", 40, *more, "--load-state", state),
                             self.run_network("whole", 40, *more))
            if SANITIZED and "chip" in kind:  # EXCEPTIONS
                continue
            whole = state.read_bytes()
            for position in numpy.random.default_rng(2).integers(0, 8 * len(whole), 5).tolist():
                flipped = bytearray(whole)
                flipped[position // 8] ^= 1 << position % 8
                state.write_bytes(flipped)
                with self.subTest(kind, position=position):
                    self.run_network("flipped", 40, *more, "--load-state", state, code=2, contains=["state.h5"])
            with h5py.File(state.with_name("whole.h5"), "w"):
                pass
            state.write_bytes(whole)
            neurons, crossbars = self.groups_with(state, "membrane"), self.groups_with(state, "array0")
            remembered = self.groups_with(state, "output")
            edits = [("state/steps_done", filled(2**40)), (f"{remembered[0]}/output/form", filled(7)),
                     (f"{neurons[0]}/membrane", filled(numpy.nan)), (f"{neurons[0]}/membrane", lambda old: old[:-1]),
                     (f"{neurons[0]}/membrane", filled(numpy.inf)), (f"{neurons[0]}/membrane", lambda old: None)]
            edits += [(f"{path}/index", filled(2**20)) for path in self.spikes_in(state, remembered)]
            if crossbars:
                edits += [(f"{crossbars[0]}/array0/programmed_tick", filled(2**31 - 1)),
                          (f"{crossbars[0]}/array0/next_device", filled(9))]
            for path, edit in edits:
                state.write_bytes(whole)
                change(state, path, edit)
                with self.subTest(kind, path=path):
                    self.run_network("edited", 40, *more, "--load-state", state, code=2, contains=["state.h5"])

    def groups_with(self, state, name):
        with h5py.File(state) as tree:
            return [f"state/{group}" for group in tree["state"]
                    if isinstance(tree["state"][group], h5py.Group) and name in tree["state"][group]]

    def spikes_in(self, state, groups):
        with h5py.File(state) as tree:
            return [f"{group}/{signal}" for group in groups for signal in ("output", "before0")
                    if f"{group}/{signal}/index" in tree]

    def test_devices_that_it_does_not_belong_to(self):
        state = self.scratch / "state.h5"
        ideal = ["--arithmetic", "single"]
        self.run_network("devices", 20, "--crossbar", self.crossbar, *ideal, "--seed", 2, "--save-state", state)
        for more, text in ((["--crossbar", self.crossbar, "--seed", 3], "run.seed = 2"),
                           (["--crossbar", self.crossbar, "--seed", 2, "--device-time", 5], "device time"),
                           (["--crossbar", self.crossbar, "--seed", 2, "--set", "crossbar.read_noise_scale=0.5"],
                            "crossbar.read_noise_scale"), ([], "weights are numbers")):
            with self.subTest(text):
                self.run_network("other", 40, *ideal, *more, "--load-state", state, code=2, contains=["state.h5", text])


if __name__ == "__main__":
    unittest.main(verbosity=2)
