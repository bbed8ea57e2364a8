#!/usr/bin/python3
"""End-to-end tests of live events over UDP: `memprop serve` and `memprop run` with one sender and with several."""

import re
import socket
import struct
import time
import unittest

from test_live import Case, RunCase, decode, poisson, words, write_network


class Udp(Case):
    def test_words_in_and_out(self):
        events = poisson(100, 8, 2)
        expected = self.run_recording(events)
        served = self.serve(listen="udp://127.0.0.1:0")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", served.port))
            data = words(events) + words([(100, 0)])
            for at in range(0, len(data), 64):
                sender.send(data[at:at + 64])
                time.sleep(0.001)
            sender.send(b"abc")  # no word
            sender.settimeout(1)
            answer = b""
            try:
                while len(decode(answer)) < len(expected):
                    answer += sender.recv(4096)
            except TimeoutError:
                pass
        self.assertEqual([(t // 1000, x) for x, _, t in decode(answer)], expected)
        report = served.stop()[1]
        self.assertEqual((report["unfinished_words"], report["dropped_events"], report["lost_datagrams"]), (1, 0, 0))

    def test_senders_share_one_clock(self):
        server = self.serve(listen="udp://127.0.0.1:0")
        events = [(k, s) for k in range(10) for s in range(2)]
        a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        with a, b:
            for k, s in events:
                (a, b)[s].sendto(words([(k, s)]), ("127.0.0.1", server.port))
            time.sleep(1.4)  # then a sender with a clock of its own, which starts anew
            a.sendto(words([(0, 1), (3, 1), (4, 1)]), ("127.0.0.1", server.port))
            time.sleep(0.3)
        _, report = server.stop()
        self.assertEqual((report["events"], report["peers"], report["late_events"], report["clock_gaps"]),
                         (len(events) + 3, 2, 0, 0))
        self.assertEqual(report["steps"], 14)  # 10, and those of 0 to 3 ms; that of 4 ms is under way

    def test_what_there_is_no_room_for_is_counted(self):
        self.network = write_network(self.scratch / "large.nir", inputs=2000, outputs=3000)
        served = self.serve("--dt", "1e-6", listen="udp://127.0.0.1:0")  # a step per word: too slow for what comes
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", served.port))
            for burst in range(3000):
                sender.send(b"".join(struct.pack("<II", 1 << 16, burst * 64 + k) for k in range(64)))
                sent += 64
        time.sleep(0.3)
        code, report = served.stop()
        self.assertEqual(code, 143)
        self.assertGreater(report["dropped_events"], 1000)
        self.assertLess(report["events"] + report["dropped_events"], sent + 1)


class RunFromSeveral(RunCase):
    """One clock, whoever sends."""

    def test_udp_senders_share_one_clock(self):
        steps, senders = 12, 3
        events = [(k, 2 * s) for k in range(steps) for s in range(senders)]
        process = self.start("--events", "udp://127.0.0.1:0", "--idle-timeout", "1")
        for line in process.stderr:
            found = re.search(r"waiting for events at udp://127.0.0.1:(\d+)", line)
            if found:
                break
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(senders)]
        for k, index in events:
            sockets[index // 2].sendto(words([(k, index)], start_us=77_000), ("127.0.0.1", int(found[1])))
        for sender in sockets:
            sender.close()
        result, spikes = self.finish(process)
        self.assertEqual(spikes, self.run_recording(events))
        self.assertEqual((result["steps"], result["late_events"]), (steps, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
