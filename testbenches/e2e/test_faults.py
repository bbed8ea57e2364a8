#!/usr/bin/python3
"""End-to-end tests of a hostile surrounding: streams that fail, signals, special files, text of any kind."""

import json
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1)).resolve()
TESTBENCHES = MEMPROP.parent / "testbenches"
SMALL = """
[network]
inputs = 8
recurrent = 8
[task]
steps = 40
[run]
epochs = 2
checkpoint_every = 1
"""
LONG = ["--set", "run.epochs=100000000", "--set", "run.checkpoint_every=0"]


def write_network(file):
    """Input -> Linear -> LIF -> Output; silent, as weights are 0."""
    with h5py.File(file, "w") as out:
        out["version"] = "1.0.7"
        root = out.create_group("node")
        root["type"] = "NIRGraph"

        def node(name, kind, **parameters):
            group = root.create_group(f"nodes/{name}")
            group["type"] = kind
            for key, value in parameters.items():
                group[key] = value

        node("input", "Input", shape=[8])
        node("fc", "Linear", weight=numpy.zeros((8, 8)))
        ones = numpy.ones(8)
        node("lif", "LIF", tau=0.02 * ones, r=ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones)
        node("output", "Output", shape=[8])
        edges = [("input", "fc"), ("fc", "lif"), ("lif", "output")]
        root.create_dataset("edges", data=edges, dtype=h5py.string_dtype())
    return file


class FaultCase(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="memprop-test-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.experiment = self.directory / "small.toml"
        self.experiment.write_text(SMALL)
        self.network = write_network(self.directory / "network.nir")
        self.events = self.directory / "events.csv"
        self.events.write_text("step,index\n0,1\n3,2\n")

    def shell(self, words, redirect="", timeout=120, **options):
        """Runs a command with the shell's redirections."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        quoted = " ".join(f"'{word}'" for word in map(str, words))
        return subprocess.run(f"{quoted} {redirect}", shell=True, timeout=timeout, cwd=self.directory, **options)

    def start(self, *words, **options):
        process = subprocess.Popen([MEMPROP, *map(str, words)], cwd=self.directory, **options)

        def end():
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

        self.addCleanup(end)
        return process

    def await_true(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def trained(self):
        done = self.shell([MEMPROP, "train", self.experiment, "--out", "trained"])
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.directory / "trained"

    def learnable(self):
        """A network of the form that training knows."""
        network = self.directory / "learnable.nir"
        done = self.shell([MEMPROP, "export", self.trained() / "checkpoint.h5", "--out", network])
        self.assertEqual(done.returncode, 0, done.stderr)
        return network


class Streams(FaultCase):
    def test_training_with_streams_that_fail(self):
        reference = self.shell([MEMPROP, "train", self.experiment, "--out", "reference", "--json"])
        expected = json.loads(reference.stdout)["loss_history"]
        for number, (redirect, status) in enumerate((
                ("2> /dev/full", 0), ("2>&-", 0), ("<&- 2>&-", 0), ("<&-", 0), ("> /dev/full", 1), (">&-", 1),
                (">&- 2>&-", 1), ("<&- >&- 2>&-", 1), ("> /dev/full 2> /dev/full", 1))):
            out = self.directory / f"run{number}"
            done = self.shell([MEMPROP, "train", self.experiment, "--out", out], redirect)
            self.assertEqual(done.returncode, status, (redirect, done.stderr))
            # Nothing that was meant for a stream has gone into a file that took its number.
            self.assertEqual(json.loads((out / "result.json").read_text())["loss_history"], expected)
            history = self.directory / "reference/history.csv"
            self.assertEqual((out / "history.csv").read_bytes(), history.read_bytes())
            for name in ("run.h5", "checkpoint.h5"):
                with h5py.File(out / name):
                    pass
            resumed = self.shell([MEMPROP, "train", "--resume", out, "--json"])
            self.assertEqual(json.loads(resumed.stdout)["loss_history"], expected)

    def test_training_outlives_its_terminal(self):
        master, slave = pty.openpty()
        ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
        process = self.start("train", self.experiment, *LONG, "--out", "run", stdin=subprocess.DEVNULL, stdout=slave,
                             stderr=slave, start_new_session=True, preexec_fn=ignore)
        os.close(slave)
        os.read(master, 1)
        os.close(master)
        process.send_signal(signal.SIGHUP)  # ignored, as under nohup
        time.sleep(1)
        self.assertIsNone(process.poll())
        process.terminate()
        self.assertEqual(process.wait(60), 128 + signal.SIGTERM)
        self.assertTrue((self.directory / "run/checkpoint.h5").exists())

    def test_a_reader_that_does_not_read(self):
        reader, writer = os.pipe()
        process = self.start("serve", self.network, "--listen", "tcp://127.0.0.1:0", stderr=writer)
        said = ""
        while not (port := re.search(r"listening at \S+:(\d+)\n", said)):
            said += os.read(reader, 1000).decode()
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, bytes(1))
        os.set_blocking(writer, True)
        for _ in range(3):  # each would be told of
            with socket.create_connection(("127.0.0.1", int(port[1])), timeout=30) as peer:
                peer.sendall(struct.pack("<IIII", 0, 0, 0, 5000))
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(peer.recv(100), b"")
        self.assertIsNone(process.poll())
        os.close(reader)
        os.close(writer)

    def test_results_that_cannot_be_printed(self):
        run = self.trained()
        (self.directory / "points").write_text("[]\n")
        commands = [
            ["--help"], ["--version"], ["train", "--help"], ["train", "--list"], ["config", self.experiment],
            ["config", self.experiment, "--points", "points"], ["characterize", "ideal", "--devices", "10"],
            ["inspect", self.network], ["inspect", self.network, "--json"],
            ["export", run / "checkpoint.h5", "--out", "out.nir"],
            ["export", run / "checkpoint.h5", "--out", "out.nir", "--json"],
            ["run", self.network, "--events", self.events, "--out", "ran"],
            ["run", self.network, "--events", self.events, "--out", "ran", "--json"],
            ["serve", self.network, "--listen", "tcp://127.0.0.1:0", "--steps", "0"],
            ["serve", self.network, "--listen", "tcp://127.0.0.1:0", "--steps", "0", "--json"],
        ]
        programs = [[MEMPROP, *command] for command in commands]
        for name, options in (("tb_router", ["--cycles", "100"]), ("tb_tile", ["--steps", "3"]),
                              ("tb_chip", ["--steps", "3"]),
                              ("tb_digital_core", ["--help"])):
            programs.append([TESTBENCHES / name, "--help"])
            # SystemC changes stacks, and AddressSanitizer misjudges exceptions after that.
            if "MEMPROP_SANITIZED" not in os.environ or name == "tb_router":
                programs += [[TESTBENCHES / name, *options], [TESTBENCHES / name, *options, "--json"]]
        for words in programs:
            with self.subTest(" ".join(map(str, words))):
                done = self.shell(words, "> /dev/full")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(b"standard output cannot be written", done.stderr)
        for redirect in (">&-", ">&- <&-"):
            self.assertEqual(self.shell([MEMPROP, "train", "--list"], redirect).returncode, 1)
        reader, writer = os.pipe()
        os.close(reader)
        done = self.shell([MEMPROP, "config", self.experiment], stdout=writer)
        os.close(writer)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"Broken pipe", done.stderr)


class Signals(FaultCase):
    def begin_training(self, out):
        process = self.start("train", self.experiment, *LONG, "--out", out, stderr=subprocess.PIPE)
        self.await_true((self.directory / out / "config.toml").exists, "the run begins")
        time.sleep(0.2)
        return process

    def test_training_is_saved(self):
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            process = self.begin_training(number.name)
            process.send_signal(number)
            if number == signal.SIGHUP:
                process.send_signal(number)  # as the kernel and the shell both do
            self.assertEqual(process.wait(60), 128 + number)
            with h5py.File(self.directory / number.name / "checkpoint.h5") as checkpoint:
                self.assertIn("state", checkpoint)

    def test_a_run_is_saved(self):
        pipe = self.directory / "events.csv"
        pipe.unlink()
        os.mkfifo(pipe)
        process = self.start("run", self.network, "--events", pipe, "--out", "ran", stderr=subprocess.PIPE)
        with pipe.open("w") as writer:
            writer.write("step,index\n" + "".join(f"{step},1\n" for step in range(1_000_000)))
            writer.write("1000000,1\n100000")  # not yet 1000001
            writer.flush()
            self.await_true((self.directory / "ran").exists, "the run begins")
            time.sleep(0.3)
            process.send_signal(signal.SIGHUP)
            self.assertEqual(process.wait(60), 128 + signal.SIGHUP)
        self.assertTrue((self.directory / "ran/state.h5").exists())
        with (self.directory / "ran/output.csv").open() as output:
            steps = sum(1 for _ in output)
        self.assertIn(f"stopped after {steps} steps".encode(), process.stderr.read())


class Serving(FaultCase):
    def serve(self, *words, network=None):
        """A running server and its port."""
        process = self.start("serve", network or self.network, "--listen", "tcp://127.0.0.1:0", *words,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
        for line in process.stderr:
            if found := re.search(r"listening at \S+:(\d+)", line):
                return process, int(found[1])
        self.fail("does not listen")

    def test_nobody_hears(self):
        process, port = self.serve("--json")
        process.stderr.close()
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(struct.pack("<IIII", 0, 0, 0, 5000))
        time.sleep(0.5)
        self.assertIsNone(process.poll())
        process.terminate()
        self.assertEqual(process.wait(60), 128 + signal.SIGTERM)
        self.assertEqual(json.loads(process.stdout.read())["peers"], 1)

    def test_the_state_is_saved_at_hangup(self):
        process, _ = self.serve("--save-state", "state.h5")
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(60), 128 + signal.SIGHUP)
        self.assertTrue((self.directory / "state.h5").exists())

    def test_unwritable_places_are_refused_before_serving(self):
        (self.directory / "folder.h5").mkdir()
        learn = ["--learn", self.experiment]
        network = self.learnable()
        for words in (["--save-state", "missing/s.h5"], ["--save-state", "folder.h5"], ["--save-state", "/dev/full"],
                      [*learn, "--save", "missing/s.nir"], [*learn, "--save", "folder.h5"]):
            done = self.shell([MEMPROP, "serve", network, "--listen", "tcp://127.0.0.1:0", *words])
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(b"cannot be written", done.stderr)
            self.assertNotIn(b"listening", done.stderr)
        done = self.shell([MEMPROP, "run", self.network, "--events", self.events, "--out", "ran", "--save-state",
                           "missing/s.h5"])
        self.assertEqual(done.returncode, 2)
        self.assertFalse((self.directory / "ran").exists())

    def test_what_was_learned_is_never_lost(self):
        network = self.learnable()
        for name in ("learned.nir", "learned.h5"):
            place = self.directory / "place"
            place.mkdir()
            process, port = self.serve("--learn", self.experiment, "--save", f"place/{name}", network=network)
            place.rename(self.directory / f"gone-{name}")
            with socket.create_connection(("127.0.0.1", port)) as peer:
                peer.sendall(struct.pack("<IIII", 1 << 16, 0, 1 << 16, 90_000))
            time.sleep(1)  # the peer goes: saving fails, serving goes on
            self.assertIsNone(process.poll())
            process.terminate()
            said = process.stderr.read()
            self.assertEqual(process.wait(60), 1, said)
            other = re.search(rf"memprop: (\S+-{name}) holds what should be in place/{name}", said)
            self.assertIsNotNone(other, said)
            with h5py.File(other[1]) as file:
                self.assertIn("node" if name.endswith(".nir") else "state", file)
            os.remove(other[1])
            self.assertIn("serving goes on", said)

    def test_steps_ordered_by_a_peer_that_has_gone(self):
        for count, gap_us in ((3000, 45_000_000), (60_000, 59_000_000)):
            process, port = self.serve("--json")
            ordered = b"".join(struct.pack("<II", 0, i * gap_us & 0xFFFFFFFF) for i in range(count))
            with socket.create_connection(("127.0.0.1", port)) as peer:
                peer.sendall(ordered)
            time.sleep(0.5)
            with socket.create_connection(("127.0.0.1", port)) as peer:
                peer.settimeout(20)
                peer.sendall(struct.pack("<IIII", 0, 0, 0, 5000))
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(peer.recv(100), b"")  # its five steps, which are silent, are done
            process.terminate()
            report = json.loads(process.stdout.read())
            self.assertEqual(process.wait(60), 128 + signal.SIGTERM)
            self.assertEqual(report["events"], count + 2, "no event is lost")
            self.assertGreater(report["shortened_pauses"], 0)


class Texts(FaultCase):
    def test_texts_are_kept_or_refused(self):
        kept = ["a\x7fb", "\x01\x1f\x7f", "tab\t\"quoted\" \\", "line\nbreak\r", "\u0080\u0085\u009f", "\u2028\u2029",
                "\ufeff\ufffd\ufffe\uffff", "\U0010ffff漢字", "#not = a comment", "'''", '"""', " ", "$x_{",
                "\u200b\u202e"]
        for number, text in enumerate(kept):
            out = self.directory / str(number)
            done = self.shell_bytes("--set", b"crossbar.energy.source=" + text.encode(), "--out", out)
            self.assertEqual(done.returncode, 0, (text, done.stderr))
            self.assertEqual(json.loads(done.stdout)["energy_source"], text)
            stored = tomllib.loads((out / "config.toml").read_bytes().decode())
            self.assertEqual(stored["crossbar"]["energy"]["source"], text)
            resumed = self.shell([MEMPROP, "train", "--resume", out, "--set", "run.epochs=3", "--json"])
            self.assertEqual(resumed.returncode, 0, (text, resumed.stderr))
            self.assertEqual(json.loads(resumed.stdout)["energy_source"], text)
            exported = self.shell([MEMPROP, "export", out / "checkpoint.h5", "--out", out / "net.nir", "--json"])
            self.assertEqual(exported.returncode, 0, (text, exported.stderr))
        refused = [b"a\xffb", b"\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x28\xa1", b"\xf4\x90\x80\x80",
                   b"end\xe2\x82", b'"\\u0000"']
        for text in refused:
            done = self.shell_bytes("--set", b"crossbar.energy.source=" + text, "--out", "refused")
            self.assertEqual(done.returncode, 2, (text, done.stderr))
            self.assertIn(b"crossbar.energy.source: byte", done.stderr)
            self.assertFalse((self.directory / "refused").exists())
        for text in refused[:-1]:
            self.experiment.write_bytes(SMALL.encode() + b'[crossbar.energy]\nsource = "' + text + b'"\n')
            done = self.shell_bytes("--out", "refused")
            self.assertEqual(done.returncode, 2, (text, done.stderr))
            self.assertFalse((self.directory / "refused").exists())

    def test_names_of_files(self):
        for name in (b"\xff", b"a\x7fb", "\u2028".encode(), b"line\nbreak", b"$x"):
            out = os.fsencode(self.directory) + b"/run-" + name
            done = self.shell_bytes("--out", out)
            self.assertEqual(done.returncode, 0, (name, done.stderr))
            resumed = subprocess.run([MEMPROP, b"train", b"--resume", out, b"--set", b"run.epochs=3", b"--json"],
                                     capture_output=True)
            self.assertEqual(resumed.returncode, 0, (name, resumed.stderr))
            exported = subprocess.run([MEMPROP, b"export", out + b"/checkpoint.h5", b"--out", out + b"/net.nir",
                                       b"--json"], capture_output=True)
            self.assertEqual(exported.returncode, 0, (name, exported.stderr))
            json.loads(exported.stdout)
            ran = subprocess.run([MEMPROP, b"run", out + b"/net.nir", b"--events", self.events, b"--out", out + b"/ran",
                                  b"--json"], capture_output=True)
            self.assertEqual(ran.returncode, 0, (name, ran.stderr))

    def test_points(self):
        lines = [["crossbar.energy.source=\"a\\u007fb\""], ["crossbar.energy.source=\u2028"],
                 ["crossbar.energy.source=\"a\\u0000b\""]]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        done = self.shell([MEMPROP, "config", self.experiment, "--points", "-"], input=text.encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.decode().rstrip("\n").split("\n")]
        stored = [tomllib.loads(f"x = {answer['config']['crossbar.energy.source']}")["x"] for answer in answers[:2]]
        self.assertEqual(stored, ["a\x7fb", "\u2028"])
        self.assertIn("byte 2 is 0x00", answers[2]["error"])
        self.assertEqual(answers[2]["override"], 0)

    def shell_bytes(self, *words):
        words = [os.fsencode(word) if not isinstance(word, bytes) else word for word in words]
        return subprocess.run([MEMPROP, b"train", self.experiment, b"--json", *words], capture_output=True,
                              cwd=self.directory)


class SpecialFiles(FaultCase):
    def uses(self):
        """Every argument that names a file to read, as (name of the file, command)."""
        train = ["train", self.experiment, "--out", "never"]
        run = ["run", self.network, "--out", "never", "--events"]
        serve = ["serve", self.network, "--listen", "tcp://127.0.0.1:0", "--steps", "0"]
        table = ["--set", "crossbar.device=table", "--set"]
        return [
            ("x.toml", lambda f: ["train", f, "--out", "never"]),
            ("x.toml", lambda f: ["config", f]),
            ("x.json", lambda f: ["config", self.experiment, "--points", f]),
            ("x.csv", lambda f: [*train, *table, f"crossbar.table_file={f}"]),
            ("x.csv", lambda f: [*train, "--set", f"crossbar.faults.map_file={f}"]),
            ("x.csv", lambda f: ["characterize", "table", "--set", f"crossbar.table_file={f}"]),
            ("x.h5", lambda f: [*train, "--set", "task.name=dataset", "--set", f"task.file={f}"]),
            ("x.h5", lambda f: [*train, "--init", f]),
            ("x.nir", lambda f: ["inspect", f]),
            ("x.h5", lambda f: ["export", f, "--out", "never.nir"]),
            ("x.nir", lambda f: ["run", f, "--events", self.events, "--out", "never"]),
            ("x.nir", lambda f: ["core", f, "--events", self.events, "--out", "never"]),
            ("x.toml", lambda f: [*run, self.events, "--crossbar", f]),
            ("x.toml", lambda f: [*run, self.events, "--engine", "cycle", "--chip", f]),
            ("x.h5", lambda f: [*run, self.events, "--load-state", f]),
            ("x.csv", lambda f: [*run, f]),
            ("x.h5", lambda f: [*run, f]),
            ("x.bin", lambda f: [*run, f, "--width", "2", "--height", "2"]),
            ("x.raw", lambda f: [*run, f, "--width", "2", "--height", "2"]),
            ("x.dat", lambda f: [*run, f, "--width", "2", "--height", "2"]),
            ("x.aedat4", lambda f: [*run, f, "--width", "2", "--height", "2"]),
            ("x.h5", lambda f: [*serve, "--load-state", f]),
            ("x.nir", lambda f: ["serve", f, "--listen", "tcp://127.0.0.1:0"]),
            ("x.toml", lambda f: [*serve, "--learn", f]),
        ]

    def ends_or_waits(self, words, **options):
        """Status 2, or the word that it waits within a few seconds. Returns what it says."""
        process = self.start(*words, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        os.set_blocking(process.stderr.fileno(), False)
        said = b""

        def over():
            nonlocal said
            said += process.stderr.read() or b""
            return process.poll() is not None or b"waiting for" in said

        self.await_true(over, words, 150 if "MEMPROP_SANITIZED" in os.environ else 30)
        said += process.stderr.read() or b""
        if process.poll() is not None:
            self.assertEqual(process.returncode, 2, (words, said))
        else:
            process.terminate()
            self.assertIn(process.wait(30), (-signal.SIGTERM, 128 + signal.SIGTERM))
        return said

    def test_pipes_that_nobody_writes_to(self):
        for name, command in self.uses():
            pipe = self.directory / name
            os.mkfifo(pipe)
            with self.subTest(command(pipe)):
                said = self.ends_or_waits(command(pipe))
                self.assertRegex(said, f"{name}.*pipe|{name}: is not a regular file".encode())
            pipe.unlink()

    def test_devices_without_an_end(self):
        for name, command in self.uses():
            device = self.directory / name
            device.symlink_to("/dev/zero")
            with self.subTest(command(device)):
                said = self.ends_or_waits(command(device))
                self.assertRegex(said, f"{name}|more than [0-9]+ events in step 0".encode())
            device.unlink()

    def test_terminals(self):
        master, slave = pty.openpty()
        for words in (["config", os.ttyname(slave)], ["config", self.experiment, "--points", "-"],
                      ["run", self.network, "--out", "never", "--events", "-"]):
            self.assertIn(b"which is a terminal", self.ends_or_waits(words, stdin=slave))
        os.close(master)
        os.close(slave)

    def test_standard_input_that_fails(self):
        for redirect, reason in (("<&-", b"Bad file descriptor"), ("< /", b"directory")):
            for words in (["config", self.experiment, "--points", "-"],
                          ["run", self.network, "--out", "never", "--events", "-"]):
                done = self.shell([MEMPROP, *words], redirect)
                self.assertEqual(done.returncode, 2, words)
                self.assertIn(b"standard input", done.stderr)
                self.assertIn(reason, done.stderr)

    def test_pipes_with_a_writer_are_read(self):
        plain = self.shell([MEMPROP, "config", self.experiment])
        piped = subprocess.run(["bash", "-c", f"'{MEMPROP}' config <(cat '{self.experiment}')"], capture_output=True)
        self.assertEqual(piped.stdout, plain.stdout)
        self.assertEqual(piped.returncode, 0)
        ran = []
        for source in (f"--events '{self.events}'", f"--events - < '{self.events}'"):
            done = subprocess.run(["bash", "-c", f"'{MEMPROP}' run '{self.network}' --out ran --json {source}"],
                                  capture_output=True, cwd=self.directory)
            self.assertEqual(done.returncode, 0, done.stderr)
            ran.append(json.loads(done.stdout)["steps"])
        self.assertEqual(ran, [4, 4])

    def test_files_beyond_the_limit(self):
        big = self.directory / "big.toml"
        with big.open("wb") as file:
            file.truncate(1 << 40)
        done = self.shell([MEMPROP, "config", big])
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"big.toml: holds more than 256 MB", done.stderr)


if __name__ == "__main__":
    unittest.main()
