#!/usr/bin/python3
"""Measures what `memprop` sustains with a network of 100 neurons: events per second from a file and over loopback TCP.

    testbenches/e2e/measure_streams.py build/release/memprop [--seconds 30] [--rate 200000]

Prints one line each; the TCP client paces itself to --rate and reads all answers. Nothing may be lost.
"""

import argparse
import json
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

import h5py
import numpy


def write_network(file):
    """100 inputs -> 100 LIF neurons with feedback."""
    rng = numpy.random.default_rng(1)
    with h5py.File(file, "w") as out:
        out["version"] = "1.0.7"
        root = out.create_group("node")
        root["type"] = "NIRGraph"

        def node(name, kind, **parameters):
            group = root.create_group(f"nodes/{name}")
            group["type"] = kind
            for key, value in parameters.items():
                group[key] = value

        ones = numpy.ones(100)
        node("input", "Input", shape=[100])
        node("w_in", "Linear", weight=rng.normal(0, 0.2, (100, 100)).astype("f4"))
        node("lif", "LIF", tau=0.02 * ones, r=ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones)
        node("w_rec", "Linear", weight=rng.normal(0, 0.2, (100, 100)).astype("f4"))
        node("output", "Output", shape=[100])
        edges = [("input", "w_in"), ("w_in", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
        root.create_dataset("edges", data=edges, dtype=h5py.string_dtype())


def events(count, rate):
    """Times in microseconds and indices of a Poisson-like stream."""
    rng = numpy.random.default_rng(2)
    return (numpy.arange(count) * (1e6 / rate)).astype("<u4"), rng.integers(0, 100, count).astype("<u4")


def from_file(memprop, scratch, count):
    times, indices = events(count, 1e6)
    csv = scratch / "events.csv"
    numpy.savetxt(csv, numpy.column_stack([times // 1000, indices]), "%d", ",", header="step,index", comments="")
    begin = time.monotonic()
    done = subprocess.run([memprop, "run", scratch / "net.nir", "--events", csv, "--out", scratch / "out", "--json"],
                          check=True, capture_output=True, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    wall = time.monotonic() - begin
    print(f"file: {count} events in {wall:.2f} s: {count / wall:.0f} events/s, {result['steps']} steps, "
          f"{sum(result['spikes'].values())} spikes, {result['dropped_events']} dropped")


def over_tcp(memprop, scratch, rate, seconds):
    served = subprocess.Popen([memprop, "serve", scratch / "net.nir", "--listen", "tcp://127.0.0.1:0", "--json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    port = next(int(m[1]) for m in (re.search(r"listening at .*:(\d+)", line) for line in served.stderr) if m)
    times, indices = events(int(rate * seconds), rate)
    data = numpy.column_stack([indices << 16, times]).astype("<u4").tobytes()
    connection = socket.create_connection(("127.0.0.1", port))
    received = 0

    def read():
        nonlocal received
        while part := connection.recv(1 << 18):
            received += len(part)

    reader = threading.Thread(target=read)
    reader.start()
    begin = time.monotonic()
    slice_s = 0.005
    part = int(rate * slice_s) * 8
    for k, at in enumerate(range(0, len(data), part)):
        connection.sendall(data[at:at + part])
        time.sleep(max(0.0, begin + (k + 1) * slice_s - time.monotonic()))
    sent = time.monotonic() - begin
    connection.shutdown(socket.SHUT_WR)
    reader.join()
    wall = time.monotonic() - begin
    served.send_signal(signal.SIGTERM)
    report = json.loads(served.communicate()[0].splitlines()[-1])
    lost = len(times) - report["events"] + report["unsent_words"] + report["output_words"] - received // 8
    print(f"tcp: {len(times)} events sent in {sent:.2f} s, answered after {wall:.2f} s: {len(times) / wall:.0f} "
          f"events/s, {report['steps']} steps, {received // 8} words back, {lost} lost; latency "
          f"{report['latency_median_s']:.3g} s (median), {report['latency_99_s']:.3g} s (99 %)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("memprop", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        write_network(scratch / "net.nir")
        from_file(options.memprop, scratch, 5_000_000)
        over_tcp(options.memprop, scratch, options.rate, options.seconds)


if __name__ == "__main__":
    main()
