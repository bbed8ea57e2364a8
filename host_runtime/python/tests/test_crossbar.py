"""memprop.crossbar: reference currents, shapes, errors, threads."""

import glob
import os
import signal
import threading
import time
import unittest

import numpy as np

import memprop
from memprop.crossbar import effective_conductance, node_voltages, read_power, solve

REFERENCE = os.path.join(os.environ["MEMPROP_REFERENCE_DATA"], "ir_drop")


def worst(got, expected):
    """Largest deviation in units of what is allowed: 1e-9 of the vector's largest value + 1e-15."""
    if not np.all(np.isfinite(got)):
        return np.inf
    allowed = 1e-9 * np.abs(expected).max(axis=-1, keepdims=True) + 1e-15
    return (np.abs(got - expected) / allowed).max()


class ReferenceCurrents(unittest.TestCase):
    def test_every_case(self):
        files = sorted(glob.glob(os.path.join(REFERENCE, "*.npz")))
        self.assertEqual(len(files), 13)  # a file that is missing is noticed
        for file in files:
            data = np.load(file)
            for k, (r_wl, r_bl) in enumerate(zip(data["r_wl"], data["r_bl"])):
                with self.subTest(file=os.path.basename(file), r_wl=r_wl, r_bl=r_bl):
                    i_out, i_in = solve(data["R"], data["V"], r_wl, r_bl)
                    self.assertLessEqual(worst(i_out, data["I_out"][k]), 1.0)
                    self.assertLessEqual(worst(i_in, data["I_in"][k]), 1.0)
                    g_eff = effective_conductance(data["R"], r_wl, r_bl)
                    self.assertLessEqual(worst(data["V"] @ g_eff, data["I_out"][k]), 1.0)


class SmallCircuits(unittest.TestCase):
    def test_series_circuit(self):
        # 1 V - 100 driver - 10 segment - 1000 device - 20 segment - 70 sense - ground.
        options = dict(r_driver_ohm=100, r_sense_ohm=70)
        i_out, i_in = solve([[1000]], [[1.0], [-2.0]], 10, 20, **options)
        np.testing.assert_allclose(i_out, [[1 / 1200], [-2 / 1200]], rtol=1e-14)
        np.testing.assert_allclose(i_in, i_out, rtol=1e-14)
        v_wl, v_bl = node_voltages([[1000]], [[1.0]], 10, 20, **options)
        np.testing.assert_allclose(v_wl, [[[1 - 110 / 1200]]], rtol=1e-14)
        np.testing.assert_allclose(v_bl, [[[90 / 1200]]], rtol=1e-14)
        power = read_power([[1000]], [[1.2]], 10, 20, **options)
        for key, watts in dict(drawn=1.2e-3, devices=1e-3, word_lines=1e-5, bit_lines=2e-5, drivers=1e-4,
                               sense=7e-5).items():
            np.testing.assert_allclose(power[key + "_w"], [watts], rtol=1e-12)

    def test_both_ends(self):
        # One device in the middle of three, the rest open: two paths of 2 segments and a driver in parallel.
        resistances = [[np.inf, 1000.0, np.inf]]
        g_eff = effective_conductance(resistances, 10, 0, r_driver_ohm=80, drive_both_ends=True)
        np.testing.assert_allclose(g_eff, [[0, 1 / 1050, 0]], rtol=1e-14)
        g_eff = effective_conductance(np.transpose(resistances), 0, 10, r_sense_ohm=80, sense_both_ends=True)
        np.testing.assert_allclose(g_eff, [[0], [1 / 1050], [0]], rtol=1e-14)

    def test_shapes_and_types(self):
        resistances = np.linspace(1e4, 1e5, 12).reshape(3, 4)
        i_out, i_in = solve(resistances, np.full((5, 3), 0.2), 0, 0)
        self.assertEqual((i_out.shape, i_in.shape), ((5, 4), (5, 3)))
        self.assertEqual((i_out.dtype, i_in.dtype), (np.float64, np.float64))
        np.testing.assert_allclose(i_out[0], 0.2 * (1 / resistances).sum(axis=0), rtol=1e-14)
        i_out, i_in = solve(np.asfortranarray(resistances).astype(np.int64), np.empty((0, 3)), 1, 1)
        self.assertEqual((i_out.shape, i_in.shape), ((0, 4), (0, 3)))


class Errors(unittest.TestCase):
    def refused(self, text, *arguments, **options):
        with self.assertRaisesRegex(ValueError, text) as caught:
            solve(*arguments, **options)
        self.assertIsInstance(caught.exception, memprop.InputError)

    def test_messages(self):
        r, v = np.full((2, 3), 1e4), np.full((1, 2), 0.2)
        for bad in (np.nan, -5.0, 0.0, -np.inf):
            wrong = r.copy()
            wrong[1, 2] = bad
            self.refused(r"resistance_ohm\[1, 2\] = .*must be at least", wrong, v, 1, 1)
        for bad in (np.nan, np.inf):
            self.refused(r"voltage_v\[0, 1\] = .*must be in", r, [[0.2, bad]], 1, 1)
        self.refused(r"voltage_v: shape \(1, 3\), must be \(vectors, 2\)", r, np.zeros((1, 3)), 1, 1)
        self.refused(r"voltage_v: shape \(2,\), must have 2 dimensions", r, [0.2, 0.2], 1, 1)
        self.refused(r"resistance_ohm: shape \(6,\), must have 2 dimensions", r.ravel(), v, 1, 1)
        self.refused(r"resistance_ohm: shape \(2, 0\), must not be empty", np.zeros((2, 0)), v, 1, 1)
        self.refused("resistance_ohm: values of type complex128", r.astype(complex), v, 1, 1)
        self.refused("resistance_ohm: values of type <U1", [["a"]], v, 1, 1)
        for bad in (np.nan, -1.0, np.inf):
            self.refused("r_wl_ohm = .*must be 0 or in", r, v, bad, 1)
            self.refused("r_bl_ohm = .*must be 0 or in", r, v, 1, bad)
            self.refused("r_driver_ohm = ", r, v, 1, 1, r_driver_ohm=bad)
            self.refused("r_sense_ohm = ", r, v, 1, 1, r_sense_ohm=bad)


class LongCalls(unittest.TestCase):
    def test_other_threads_run(self):
        resistances = np.full((500, 500), 1e4)
        worker = threading.Thread(target=effective_conductance, args=(resistances, 1.0, 1.0))
        worker.start()
        turns = 0
        while worker.is_alive():
            time.sleep(0.001)
            turns += 1
        self.assertGreater(turns, 20)

    def test_keyboard_interrupt_stops(self):
        resistances = np.full((1600, 1600), 1e4)  # takes several seconds if nothing stops it
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        begin = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with self.assertRaises(KeyboardInterrupt):
            effective_conductance(resistances, 1.0, 1.0)
        self.assertLess(time.monotonic() - begin, 3.0)


if __name__ == "__main__":
    unittest.main()
