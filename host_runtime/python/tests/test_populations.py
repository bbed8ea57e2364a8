"""memprop.Population, Projection and the like, networks of them, and Trainer."""

import pathlib
import tempfile
import unittest

import numpy as np

import memprop
from memprop import Device, Network, Objective, Population, Projection, Rule, Update


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.experiment = str(self.scratch / "experiment.toml")
        pathlib.Path(self.experiment).write_text("[task]\nsteps = 80\n[run]\nepochs = 3\n")

    def network(self, **changes):
        inputs = Population("in", model="input", size=20)
        neurons = Population("a", model="lif", size=12, threshold=0.03)
        readouts = Population("out", model="leaky_readout", size=1)
        return Network(inputs, neurons, readouts,
                       Projection("w_in", inputs, neurons, rule="eprop", **changes),
                       Projection("w_rec", "a", "a", delay_steps=1),
                       Projection("w_out", neurons, readouts, rule="eprop"),
                       Objective("answer", readouts))


class Values(Case):
    def test_attributes_come_from_the_field_tables(self):
        p = Population("exc", model="alif", size=3)
        self.assertEqual(p.threshold, 0.03)
        self.assertEqual(p.reset, "subtract_next")
        p.threshold = np.array([0.1, 0.2, 0.3])
        self.assertEqual(p.threshold, [0.1, 0.2, 0.3])
        p.reset = "to_value"
        p.update(model="lif", size=np.int64(4))
        self.assertEqual((p.model, p.size), ("lif", 4))
        self.assertFalse(hasattr(p, "adaptation_beta"))
        self.assertIn("tau_membrane_seconds", dir(p))
        self.assertEqual(p, Population("exc", size=4, threshold=[0.1, 0.2, 0.3], reset="to_value"))
        self.assertNotEqual(p, Population("exc", size=4))
        projection = Projection("my projection", p, "b", connect="masked", density=0.5)
        self.assertEqual((projection.from_, projection.to), ("exc", "b"))
        self.assertIn("from_", dir(projection))
        device = Device("d", device="reram_es")
        self.assertEqual(device.device, "reram_es")
        device["adc.noise_lsb"] = 0.5
        self.assertEqual(device["adc.noise_lsb"], 0.5)
        self.assertEqual(Rule("r", lr=0.5).lr, 0.5)
        self.assertEqual(Update("u", scheme="sign").scheme, "sign")

    def test_what_cannot_be_is_refused_at_once(self):
        p = Population("exc", size=3)
        for key, value, words in (("threshold", "high", "population.exc.threshold"),
                                  ("refractory_steps", 1.5, "whole number"), ("model", "lfi", "must be one of"),
                                  ("tresholds", 0.1, "population.exc.threshold"), ("size", -1, "population.exc.size")):
            with self.assertRaisesRegex(memprop.InputError, words):
                setattr(p, key, value)
        self.assertEqual(p.given, {"size": 3})
        with self.assertRaises(AttributeError):
            p.nothing  # noqa: B018
        with self.assertRaisesRegex(memprop.InputError, "no Population"):
            Network(3)
        with self.assertRaisesRegex(memprop.InputError, "no NIR graph"):
            self.network().nodes
        with self.assertRaisesRegex(memprop.InputError, "no NIR graph"):
            memprop.run(self.network(), np.zeros((0, 2), dtype=np.int64), 3)

    def test_a_network_gives_its_tables_by_name(self):
        network = self.network()
        self.assertEqual(list(network.populations), ["in", "a", "out"])
        self.assertEqual(list(network.projections), ["w_in", "w_rec", "w_out"])
        network.populations["a"].size = 9
        self.assertEqual(network.populations["a"].size, 9)
        of_short_form = Network.of_experiment(self.experiment, {"network.recurrent": 7})
        self.assertEqual(of_short_form.populations["neurons"].size, 7)
        self.assertEqual(of_short_form.projections["w_rec"].delay_steps, 1)


class Training(Case):
    def test_a_network_of_values_trains_as_its_file_does(self):
        network = self.network()
        result = memprop.train(self.experiment, seed=4, network=network, out=str(self.scratch / "out"))
        again = memprop.train(str(self.scratch / "out/config.toml"))
        self.assertEqual(result["loss_history"], again["loss_history"])
        network.populations["a"].threshold = 0.02
        self.assertNotEqual(memprop.train(self.experiment, seed=4, network=network)["loss_history"],
                            result["loss_history"])
        swept = memprop.train(self.experiment, {"population.a.threshold": 0.03}, seed=4, network=network)
        self.assertEqual(swept["loss_history"], result["loss_history"])

    def test_weights_go_in_and_out(self):
        weights = np.random.default_rng(1).normal(0, 0.1, (20, 12)).astype(np.float32)
        network = self.network(weights=weights)
        trainer = memprop.Trainer(self.experiment, network=network)
        self.assertEqual(trainer.projections, ["w_in", "w_rec", "w_out"])
        np.testing.assert_array_equal(trainer.weights("w_in"), weights)
        before = trainer.weights("w_rec")
        np.testing.assert_array_equal(np.diag(before), 0)
        losses = trainer.train(2)
        self.assertEqual(len(losses), 2)
        self.assertEqual(trainer.epochs_done, 2)
        self.assertFalse(np.array_equal(trainer.weights("w_in"), weights))
        np.testing.assert_array_equal(trainer.weights("w_rec"), before)
        self.assertEqual(trainer.train(1) + losses,
                         memprop.train(self.experiment, network=network)["loss_history"][2:] + losses)
        evaluated = trainer.evaluate()
        self.assertGreater(evaluated["loss"], 0)
        self.assertIsNone(evaluated["accuracy"])
        # What was learned is where another run can start.
        network.projections["w_in"].weights = trainer.weights("w_in")
        np.testing.assert_array_equal(memprop.Trainer(self.experiment, network=network).weights("w_in"),
                                      trainer.weights("w_in"))

    def test_weights_that_do_not_fit_are_refused(self):
        with self.assertRaisesRegex(memprop.InputError, "20 x 12 weights"):
            memprop.Trainer(self.experiment, network=self.network(weights=np.zeros((12, 12))))
        with self.assertRaisesRegex(memprop.InputError, "real numbers"):
            memprop.Trainer(self.experiment, network=self.network(weights=np.full((20, 12), "x")))
        trainer = memprop.Trainer(self.experiment, network=self.network())
        with self.assertRaisesRegex(memprop.InputError, "is none of the network"):
            trainer.weights("w_im")
        with self.assertRaisesRegex(memprop.InputError, "has no trials"):
            trainer.evaluate("test")

    def test_devices_hold_projections(self):
        network = self.network(device="pcm")
        with_device = Network(*network.tables, Device("pcm", device="pcm_nandakumar2018"))
        losses = memprop.Trainer(self.experiment, network=with_device).train(2)
        self.assertNotEqual(losses, memprop.Trainer(self.experiment, network=self.network()).train(2))


if __name__ == "__main__":
    unittest.main()
