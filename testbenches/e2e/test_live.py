#!/usr/bin/python3
"""End-to-end tests of live events: `memprop serve` and `memprop run --events tcp://...` over loopback."""

import json
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1))
UNTIMED = 1 << 31


def words(events, dt_us=1000, start_us=0):
    """Timed words of (step, index) for a flat input."""
    return b"".join(struct.pack("<II", index << 16, (start_us + step * dt_us) & 0xFFFFFFFF) for step, index in events)


def decode(data):
    """(x, y, time or None) of every word."""
    values = struct.unpack(f"<{len(data) // 4}I", data[:len(data) // 4 * 4])
    result, at = [], 0
    while at < len(values):
        timed = values[at] < UNTIMED
        result.append(((values[at] >> 16) & 0x7FFF, values[at] & 0x7FFF, values[at + 1] if timed else None))
        at += 2 if timed else 1
    return result


def write_network(file, inputs=8, outputs=4, tau=0.01, readout=False):
    """Linear -> LIF, or the form that training knows."""
    rng = numpy.random.default_rng(5)
    with h5py.File(file, "w") as out:
        out["version"] = "1.0.7"
        root = out.create_group("node")
        root["type"] = "NIRGraph"

        def node(name, kind, **parameters):
            group = root.create_group(f"nodes/{name}")
            group["type"] = kind
            for key, value in parameters.items():
                group[key] = value

        def lif(name, size, threshold=1.0):
            ones = numpy.ones(size)
            node(name, "LIF", tau=tau * ones, r=ones, v_leak=0 * ones, v_threshold=threshold * ones, v_reset=0 * ones)

        node("input", "Input", shape=[inputs])
        edges = [("input", "fc"), ("fc", "lif")]
        if readout:
            node("fc", "Linear", weight=rng.normal(0.1, 0.4, (20, inputs)))
            lif("lif", 20, 0.03)
            node("out", "Linear", weight=rng.normal(0, 0.1, (outputs, 20)))
            node("readout", "LI", tau=numpy.full(outputs, 0.03), r=numpy.ones(outputs), v_leak=numpy.zeros(outputs))
            edges += [("lif", "out"), ("out", "readout"), ("readout", "output")]
        else:
            node("fc", "Linear", weight=rng.normal(4, 3, (outputs, inputs)))
            lif("lif", outputs)
            edges.append(("lif", "output"))
        node("output", "Output", shape=[outputs])
        root.create_dataset("edges", data=edges, dtype=h5py.string_dtype())
    return file


def poisson(steps, inputs, per_step, seed=2):
    rng = numpy.random.default_rng(seed)
    return [(k, int(i)) for k in range(steps) for i in rng.integers(0, inputs, per_step)]


class Served:
    """A running `memprop serve`."""

    def __init__(self, network, *arguments, listen="tcp://127.0.0.1:0"):
        self.process = subprocess.Popen([MEMPROP, "serve", network, "--listen", listen, "--json",
                                         *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"listening at \w+://127.0.0.1:(\d+)", line)
            if found:
                self.port = int(found[1])
                break
        else:
            raise AssertionError("".join(self.log))
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr))
        self.reader.start()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def stop(self, by=signal.SIGTERM):
        if by:
            self.process.send_signal(by)
        out, _ = self.process.stdout.read(), self.process.wait(20)
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode, json.loads(out.splitlines()[-1]) if out else "".join(self.log)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.stop(None)


def receive_all(connection):
    data = b""
    while True:
        part = connection.recv(1 << 16)
        if not part:
            return data
        data += part


def exchange(connection, data):
    """Sends everything, says so, and returns the answer until the server closes."""
    sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
    sender.start()
    answer = receive_all(connection)
    sender.join()
    connection.close()
    return answer


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.network = write_network(self.scratch / "net.nir")

    def serve(self, *arguments, **options):
        served = Served(self.network, *arguments, **options)
        self.addCleanup(served.kill)
        return served

    def run_recording(self, events, network=None, steps=None, name="reference", arguments=()):
        file = self.scratch / f"{name}.csv"
        file.write_text("step,index\n" + "".join(f"{k},{i}\n" for k, i in events))
        extra = ["--steps", str(steps)] if steps else []
        subprocess.run([MEMPROP, "run", network or self.network, "--events", file, "--out", self.scratch / name,
                        *extra, *arguments],
                       check=True, capture_output=True)
        rows = (self.scratch / name / "spikes" / "lif.csv").read_text().splitlines()[1:]
        return [tuple(map(int, row.split(","))) for row in rows]


class Tcp(Case):
    def test_answers_are_the_spikes_of_a_recording(self):
        events = poisson(200, 8, 3)
        expected = self.run_recording(events)
        self.assertGreater(len(expected), 50)
        served = self.serve()
        start_us = 2**32 - 50_000  # the sender's clock wraps
        answer = decode(exchange(served.connect(), words(events, start_us=start_us)))
        self.assertEqual([(((t - start_us) % 2**32) // 1000, x) for x, y, t in answer], expected)
        self.assertEqual({y for _, y, _ in answer}, {0})
        code, report = served.stop()
        self.assertEqual(code, 128 + signal.SIGTERM)
        self.assertEqual((report["steps"], report["events"], report["output_words"]), (200, 600, len(expected)))
        self.assertEqual(report["dropped_events"] + report["malformed_words"] + report["unsent_words"], 0)
        self.assertGreater(report["latency_median_s"], 0)
        self.assertGreaterEqual(report["latency_99_s"], report["latency_median_s"])

    def test_answers_from_the_chip_are_the_spikes_of_a_recording_on_it(self):
        """Two peers in a row; an input that gets two events in a step; a chip of several cores."""
        chip = ["--engine", "cycle", "--set", "chip.mesh_width=2", "--set", "chip.neurons_per_core=2",
                "--set", "chip.fifo_depth=2", "--set", "chip.credit_cycles=1"]
        events = sorted(poisson(80, 8, 3) + [(7, 2), (7, 2)])
        expected = self.run_recording(events, arguments=chip)
        self.assertEqual(expected, self.run_recording(events, name="functional", arguments=["--arithmetic", "single"]))
        self.assertGreater(len(expected), 30)
        served = self.serve(*chip)
        got = []
        for part in range(2):
            mine = [(k - 40 * part, i) for k, i in events if k // 40 == part]
            got += [(t // 1000 + 40 * part, x) for x, _, t in decode(exchange(served.connect(), words(mine)))]
        self.assertEqual(got, expected)
        report = served.stop()[1]
        self.assertEqual((report["engine"], report["steps"], report["output_words"]), ("cycle", 80, len(expected)))
        self.assertEqual(len(report["mapping"]["cores"]), 2)
        self.assertGreater(report["cycles"], report["load_cycles"])
        self.assertGreater(report["energy_j"]["total"], 0)

    def test_on_the_chip_is_refused_before_serving(self):
        for arguments, said in ((["--engine", "chip"], "must be functional or cycle"),
                                (["--chip", "c.toml"], "--chip needs --engine cycle"),
                                (["--engine", "cycle", "--arithmetic", "double"], "must be single on the chip"),
                                (["--engine", "cycle", "--set", "chip.neurons_per_core=1"], "neurons")):
            done = subprocess.run([MEMPROP, "serve", self.network, "--listen", "tcp://127.0.0.1:0", *arguments],
                                  capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(said, done.stderr)
            self.assertNotIn("listening", done.stderr)

    def test_state_goes_on_from_peer_to_peer(self):
        events = poisson(90, 8, 3)
        expected = self.run_recording(events)
        served = self.serve()
        got = []
        for part in range(3):
            mine = [(k - 30 * part, i) for k, i in events if k // 30 == part]
            got += [(t // 1000 + 30 * part, x) for x, _, t in decode(exchange(served.connect(), words(mine)))]
        self.assertEqual(got, expected)
        self.assertEqual(served.stop()[1]["peers"], 3)

    def test_disconnect_within_a_word_and_garbage(self):
        served = self.serve()
        events = words(poisson(20, 8, 3))
        for cut in (1, 2, 3, 5, 7):
            connection = served.connect()
            connection.sendall(events[:80 + cut])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", cut % 2, 0))
            connection.close()
        rng = numpy.random.default_rng(1)
        exchange(served.connect(), rng.integers(0, 256, 40_001, dtype=numpy.uint8).tobytes())
        outside = struct.pack("<3I", UNTIMED | 100 << 16, UNTIMED | 1 << 16 | 3, UNTIMED | 0x7FFF << 16)
        exchange(served.connect(), outside)
        answer = decode(exchange(served.connect(), words(poisson(50, 8, 3))))
        self.assertGreater(len(answer), 10)
        code, report = served.stop()
        self.assertEqual(code, 143)
        self.assertGreaterEqual(report["unfinished_words"], 4)
        self.assertGreater(report["malformed_words"], 1000)

    def test_a_peer_that_stalls_gives_way(self):
        served = self.serve()
        stalled = served.connect()
        stalled.sendall(words([(0, 1)])[:6])
        time.sleep(0.2)
        begin = time.monotonic()
        self.assertGreater(len(decode(exchange(served.connect(), words(poisson(50, 8, 3))))), 10)
        self.assertLess(time.monotonic() - begin, 8)
        stalled.close()
        self.assertEqual(served.stop()[1]["unfinished_words"], 1)

    def test_a_slow_reader_holds_back_and_loses_nothing(self):
        # More than the buffers of both sockets hold, in both directions.
        self.network = write_network(self.scratch / "wide.nir", outputs=200)
        served = self.serve()
        steps, per_step = 25_000, 60
        pairs = numpy.empty((steps * per_step, 2), "<u4")
        pairs[:, 0] = numpy.random.default_rng(4).integers(0, 8, steps * per_step) << 16
        pairs[:, 1] = numpy.repeat(numpy.arange(steps), per_step) * 1000
        data = pairs.tobytes()
        connection = served.connect()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.settimeout(100)  # for all that is sent
        done = threading.Event()
        sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR),
                                                  done.set()))
        sender.start()
        time.sleep(0.6)
        # We take nothing: the server takes no more either.
        self.assertFalse(done.is_set(), "the buffers of the system hold everything")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)  # 40 MB through 64 kB can take a minute
        received = len(receive_all(connection))
        sender.join()
        connection.close()
        report = served.stop()[1]
        self.assertGreater(received, 10_000_000)
        self.assertEqual(received, 8 * report["output_words"])
        self.assertEqual((report["events"], report["steps"], report["unsent_words"]), (len(pairs), steps, 0))

    def test_steps_end_the_server(self):
        served = self.serve("--steps", 25)
        connection = served.connect()
        connection.sendall(words(poisson(60, 8, 3)))
        code, report = served.stop(None)
        connection.close()
        self.assertEqual((code, report["steps"]), (0, 25))

    def test_real_time(self):
        served = self.serve("--realtime", "--dt", "0.005")
        connection = served.connect()
        begin = time.monotonic()
        for _ in range(40):
            connection.sendall(struct.pack("<3I", *[UNTIMED | i << 16 for i in (1, 2, 3)]))
            time.sleep(0.01)
        self.assertTrue(select.select([connection], [], [], 5)[0])
        answer = decode(connection.recv(1 << 16))
        self.assertTrue(all(t is None for _, _, t in answer))
        elapsed = time.monotonic() - begin
        code, report = served.stop(signal.SIGINT)
        self.assertEqual(code, 130)
        self.assertEqual(report["events"], 120)
        self.assertGreater(report["steps"] + report["skipped_steps"], 0.5 * elapsed / 0.005)
        self.assertLess(report["latency_median_s"], 0.5)
        connection.close()

    def test_refusals(self):
        for listen, text in [("tcp://127.0.0.1:70000", "PORT in"), ("http://x:1", "must be tcp://"),
                             ("tcp://127.0.0.1", "must be tcp://"), ("udp://no.such.host.invalid:1", "not known")]:
            done = subprocess.run([MEMPROP, "serve", self.network, "--listen", listen], capture_output=True, text=True,
                                  check=False, timeout=30)
            self.assertEqual(done.returncode, 2)
            self.assertIn(text, done.stderr)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = subprocess.run([MEMPROP, "serve", self.network, "--listen",
                                   f"tcp://127.0.0.1:{taken.getsockname()[1]}"], capture_output=True, text=True,
                                  check=False, timeout=30)
            self.assertEqual(done.returncode, 2)
            self.assertIn("cannot be listened at", done.stderr)


class RunCase(Case):
    def start(self, *arguments):
        process = subprocess.Popen([MEMPROP, "run", self.network, "--out", self.scratch / "live", "--json", *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def finish(self, process):
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, err)
        rows = (self.scratch / "live" / "spikes" / "lif.csv").read_text().splitlines()[1:]
        return json.loads(out.splitlines()[-1]), [tuple(map(int, row.split(","))) for row in rows]


class Run(RunCase):
    def test_events_from_a_tcp_server(self):
        events = poisson(150, 8, 3)
        with socket.create_server(("127.0.0.1", 0)) as server:
            process = self.start("--events", f"tcp://127.0.0.1:{server.getsockname()[1]}")
            connection, _ = server.accept()
            connection.sendall(words(events))
            connection.close()
        result, spikes = self.finish(process)
        self.assertEqual(spikes, self.run_recording(events))
        self.assertEqual((result["steps"], result["dropped_events"]), (150, 0))

    def test_events_from_a_tcp_client(self):
        events = poisson(150, 8, 3)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = self.start("--events", f"tcp://127.0.0.1:{port}")
        for _ in range(100):
            try:
                connection = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.05)
        connection.sendall(words(events))
        connection.close()
        self.assertEqual(self.finish(process)[1], self.run_recording(events))

    def test_outputs_to_a_tcp_server_and_hdf5(self):
        events = poisson(150, 8, 3)
        expected = self.run_recording(events)
        file = self.scratch / "reference.csv"
        with socket.create_server(("127.0.0.1", 0)) as server:
            process = self.start("--events", file, "--send", f"tcp://127.0.0.1:{server.getsockname()[1]}", "--hdf5",
                                 "--probe", "lif")
            connection, _ = server.accept()
            answer = decode(receive_all(connection))
            connection.close()
        result, spikes = self.finish(process)
        self.assertEqual([(t // 1000, x) for x, _, t in answer], expected)
        self.assertEqual((spikes, result["unsent_words"]), (expected, 0))
        with h5py.File(self.scratch / "live" / "run.h5") as run:
            self.assertEqual(run.attrs["__type__"], "NIRGraphData")
            recorded = run["nodes/lif/observables/spikes"]
            self.assertEqual((recorded.attrs["__type__"], recorded.attrs["n_neurons"]), ("EventData", 4))
            numpy.testing.assert_array_equal(recorded["idx"][0], [i for _, i in expected])
            numpy.testing.assert_allclose(recorded["time"][0], [1e-3 * k for k, _ in expected], rtol=1e-12)
            self.assertEqual(run["nodes/lif/observables/v/data"].shape, (1, 150, 4))
            output = run["nodes/output/observables/output/data"][0]
            numpy.testing.assert_array_equal(numpy.argwhere(output), expected)

    def test_events_from_udp(self):
        events = poisson(100, 8, 3)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = self.start("--events", f"udp://127.0.0.1:{port}", "--steps", "110", "--idle-timeout", "0.5")
        for line in process.stderr:
            if "waiting for events" in line:
                break
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            data = words(events)
            for at in range(0, len(data), 512):
                sender.sendto(data[at:at + 512], ("127.0.0.1", port))
        result, spikes = self.finish(process)
        self.assertEqual(spikes, self.run_recording(events, steps=110))
        self.assertEqual(result["steps"], 110)


LEARNER = """
[task]
steps = 50
[network]
inputs = 8
recurrent = 20
outputs = 4
tau_membrane_seconds = 0.01
[learning]
loss = "{loss}"
lr = 0.01
lr_out = 0.05
rate_regularization = 0
[update]
scheme = "{scheme}"
"""


class Learn(Case):
    """Four groups of inputs stand for four classes."""

    def stream(self, trials, seed):
        rng = numpy.random.default_rng(seed)
        data, labels, step = [], [], 0
        for _ in range(trials):
            label = int(rng.integers(4))
            labels.append(label)
            for k in range(50):
                data.append(struct.pack("<II", 0x7FFF << 16 | label, step * 1000) if k >= 25 else b"")
                for i in (2 * label, 2 * label + 1):
                    if rng.random() < 0.5:
                        data.append(words([(step, i)]))
                step += 1
        data.append(words([(step, 0)]))
        return b"".join(data), labels

    def accuracy(self, served, trials, seed):
        data, labels = self.stream(trials, seed)
        answer = numpy.array([x for x, _, _ in decode(exchange(served.connect(), data))][:50 * trials])
        votes = [numpy.bincount(part[25:], minlength=4).argmax() for part in answer.reshape(trials, 50)]
        return float(numpy.mean(numpy.array(votes) == labels))

    def check(self, loss, scheme, enough, *arguments):
        network = write_network(self.scratch / "learner.nir", readout=True)
        experiment = self.scratch / "learn.toml"
        experiment.write_text(LEARNER.format(loss=loss, scheme=scheme))
        saved = self.scratch / "learned.nir"
        self.network = network
        served = self.serve("--learn", experiment, "--save", saved, *arguments)
        first = self.accuracy(served, 10, 1)
        self.accuracy(served, 150, 2)
        last = self.accuracy(served, 20, 3)
        code, report = served.stop()
        self.assertEqual(code, 143)
        self.assertGreater(last, enough)
        self.assertGreater(last, first)
        self.assertEqual(report["targets"], 180 * 25)
        losses = report["loss_history"]
        self.assertLess(numpy.mean(losses[-20:]), 0.8 * numpy.mean(losses[:5]))
        return saved, report

    def test_classification_and_the_saved_network(self):
        saved, _ = self.check("cross_entropy", "vanilla", 0.85)
        self.network = saved
        served = self.serve()
        self.assertGreater(self.accuracy(served, 20, 4), 0.85)  # target words are malformed here, and counted
        self.assertEqual(served.stop()[1]["malformed_words"], 20 * 25)

    def test_regression_on_devices_within_the_sample(self):
        _, report = self.check("mse", "mixed_precision", 0.6, "--set", "learning.update_every_steps=5", "--set",
                               "learning.gradient=online", "--set", "learning.regularizer=running_average", "--set",
                               "crossbar.weight_scale_per_us=0.2")
        self.assertGreater(report["energy_j"]["total"], 0)

    def test_refusals(self):
        experiment = self.scratch / "learn.toml"
        experiment.write_text(LEARNER.format(loss="mse", scheme="vanilla"))
        for network, arguments, text in [
                (self.network, [], "has 0 nodes of type LI"),
                (write_network(self.scratch / "l.nir", readout=True), ["--save", "x.txt"], "must end in .nir or .h5"),
                (self.scratch / "l.nir", ["--dt", "1"], "--dt does not go with --learn"),
                (self.scratch / "l.nir", ["--set", "learning.batch=2"], "learning.batch = 2")]:
            done = subprocess.run([MEMPROP, "serve", network, "--listen", "tcp://127.0.0.1:0", "--learn", experiment,
                                   *arguments], capture_output=True, text=True, check=False, timeout=30)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
