#!/usr/bin/python3
"""Every key of an experiment: it changes the result of some run here, and a run in which `memprop` says that it
changes nothing has the very result of a run without it."""

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

MEMPROP = pathlib.Path(sys.argv.pop(1)).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKERS = 2

SMALL = {"network.inputs": 6, "network.recurrent": 6, "network.outputs": 2, "task.steps": 40, "task.samples": 2,
         "task.input_rate_hz": 200.0, "run.epochs": 3, "learning.lr": 2e-3, "learning.lr_out": 0.02,
         "network.init_std_in": 0.3, "update.scheme": "multi_device"}
NUMBERS = {"update.scheme": "vanilla"}
CUES = {"task.name": "cue_accumulation", "learning.loss": "cross_entropy", "task.cues": 3, "task.cue_seconds": 0.005,
        "task.gap_seconds": 0.004, "task.delay_seconds": 0.006, "task.response_seconds": 0.005,
        "task.cue_rate_hz": 400.0, "task.noise_rate_hz": 100.0, "network.input_scaling": "one"}
IN_TRIAL = {"learning.update_every_steps": 5, "learning.gradient": "online",
            "learning.regularizer": "running_average", "learning.optimizer": "adam"} | NUMBERS
ECRAM = {"crossbar.device": "ecram_li", "update.max_pulses": 100}
CHIP = {"run.engine": "cycle"}


def pulsed(device, **keys):
    return {"crossbar.device": device, "update.max_pulses": 100} | {f"crossbar.pulsed.{k}": v for k, v in keys.items()}


# For each setting the keys that change something there, and what they are changed to.
CASES = [
    ({}, {"task.name": "cue_accumulation", "task.samples": 3, "task.steps": 50, "task.input_rate_hz": 100.0,
          "task.update_interval_seconds": 1000.0}),
    (CUES | NUMBERS, {"task.validation_samples": 4, "task.test_samples": 4, "task.fresh_trials": True, "task.cues": 5,
                      "task.cue_seconds": 0.01, "task.gap_seconds": 0.01, "task.delay_seconds": 0.01,
                      "task.response_seconds": 0.01, "task.cue_rate_hz": 200.0, "task.noise_rate_hz": 50.0,
                      "task.side_probability": 0.1}),
    (CUES | NUMBERS | {"task.name": "interval_discrimination", "task.interval_min_seconds": 0.01,
                       "task.interval_max_seconds": 0.02, "task.interval_ratio": 1.5},
     {"task.interval_min_seconds": 0.012, "task.interval_max_seconds": 0.03, "task.interval_ratio": 2.0}),
    (NUMBERS | {"task.name": "dataset", "task.file": "a.h5", "learning.loss": "cross_entropy"},
     {"task.file": "b.h5"}),
    (NUMBERS | {"task.name": "shd", "task.file": "shd.h5", "learning.loss": "cross_entropy"},
     {"task.test_file": "shd.h5"}),
    (NUMBERS | {"task.name": "golden", "task.file": "golden.h5"}, {"task.readout_delay_from_data": True}),

    (NUMBERS, {"network.inputs": 7, "network.recurrent": 7, "network.outputs": 3, "network.time_step_seconds": 2e-3,
               "network.tau_membrane_seconds": 0.02, "network.tau_readout_seconds": 0.02, "network.threshold": 0.02,
               "network.dampening": 0.5, "network.refractory_steps": 5, "network.tau_membrane_max_seconds": 0.1,
               "network.reset": "to_value", "network.neuron": "alif", "network.pseudo_derivative": "boxcar",
               "network.pseudo_height": 5.0, "network.pseudo_slope": 20.0, "network.readout_delay_steps": 1,
               "network.state_reset": "never", "network.input_scaling": "one", "network.readout_scaling": "one",
               "network.layers": 2, "network.density_in": 0.5, "network.density_rec": 0.5,
               "network.density_out": 0.5, "network.init_std_in": 0.4, "network.init_std_rec": 0.2,
               "network.init_std_out": 0.2}),
    (NUMBERS | {"network.neuron": "alif", "network.adaptation_beta": 0.02},
     {"network.adaptive_fraction": 0.5, "network.adaptation_beta": 0.1, "network.tau_adaptation_seconds": 0.02}),
    (NUMBERS | {"network.reset": "to_value"}, {"network.reset_value": -0.02}),
    (NUMBERS | {"network.pseudo_derivative": "table"}, {"network.pseudo_table_edges": "-2, -1, 1, 2",
                                                        "network.pseudo_table_values": "0, 1, 1, 1, 0"}),
    (NUMBERS | {"network.layers": 2}, {"network.layer_readout": "all"}),

    (NUMBERS, {"learning.gradient": "online", "learning.average_over_window": True,
               "learning.eligibility_scaling": "one", "learning.eligibility_decay": 0.5,
               "learning.feedback": "symmetric", "learning.feedback_std": 1.0, "learning.optimizer": "adam",
               "learning.lr": 5e-3, "learning.lr_out": 0.1, "learning.batch": 2, "learning.weight_decay": 0.1,
               "learning.gradient_clip": 1e-3, "learning.regularizer": "running_average",
               "learning.rate_regularization": 1.0, "learning.target_rate_hz": 100.0}),
    (CUES | NUMBERS, {"learning.supervision": "reward"}),
    # An experiment has one loss or the other; the pattern task refuses cross_entropy, which is a difference too.
    (NUMBERS, {"learning.loss": "cross_entropy"}),
    (CUES | NUMBERS | {"learning.supervision": "reward"}, {"learning.reward_decay": 0.5}),
    (NUMBERS | {"learning.feedback": "adaptive"}, {"learning.feedback_decay": 0.1}),
    (NUMBERS | {"learning.optimizer": "adam"}, {"learning.adam_beta1": 0.5, "learning.adam_beta2": 0.5,
                                                "learning.adam_epsilon": 0.1, "learning.adam_form": "tensorflow"}),
    (NUMBERS | {"learning.optimizer": "momentum"}, {"learning.momentum": 0.5}),
    (NUMBERS | {"learning.regularizer": "running_average",
                "learning.rate_regularization": 1.0},
     {"learning.regularizer_decay": 0.5}),
    (IN_TRIAL, {"learning.update_every_steps": 10, "learning.trace_cutoff_steps": 5, "learning.optimizer_start": 3}),
    (NUMBERS | {"learning.gradient": "online", "task.input_rate_hz": 500.0, "learning.rate_regularization": 0.0,
                "run.epochs": 10}, {"learning.early_spikes_lose_last_error": True}),

    ({}, {"update.scheme": "sign", "update.epsilon_us": 0.5, "update.devices_per_polarity": 2,
          "update.write_verify": True}),
    ({"learning.lr": 0.05, "learning.lr_out": 0.2}, {"update.max_pulses": 1}),
    ({"update.refresh_period": 1, "update.refresh_high": 0.05, "update.refresh_low": 0.01},
     {"update.refresh_period": 2, "update.refresh_high": 0.95, "update.refresh_low": 0.9,
      "update.refresh_max_pulses": 1}),
    ({"update.devices_per_polarity": 3}, {"update.device_counter": "global"}),
    ({"update.write_verify": True}, {"update.verify_tolerance_us": 0.05, "update.verify_rounds": 1}),
    (NUMBERS, {"update.weight_limit": 0.05}),
    ({"update.scheme": "sign"}, {"update.sign_threshold": 0.01}),
    ({"update.scheme": "mixed_precision"}, {"update.accumulator_bits": 3}),
    ({"update.scheme": "mixed_precision", "update.accumulator_bits": 4},
     {"update.accumulator_headroom_bits": 2, "update.accumulator_rounding": "truncate"}),
    ({"update.scheme": "batch_accumulate", "update.accumulate_samples": 2},
     {"update.accumulate_samples": 1, "update.inner_scheme": "sign"}),
    (ECRAM | {"update.scheme": "dynamic_transfer", "update.transfer.chop_probability": 0.5,
              "update.transfer.rate": 1.0, "update.transfer.rows": 6, "run.epochs": 6},
     {"update.transfer.fast_gain": 20.0, "update.transfer.every": 2, "update.transfer.rows": 4,
      "update.transfer.rate": 10.0, "update.transfer.chop_probability": 1.0, "update.transfer.mean_decay": 0.9}),

    ({}, {"crossbar.device": "ideal", "crossbar.g_max_us": 6.0, "crossbar.write_noise_scale": 2.0,
          "crossbar.read_noise_scale": 2.0, "crossbar.drift_scale": 3.0, "crossbar.drift_spread": 0.5,
          "crossbar.nonlinearity_scale": 0.5, "crossbar.read_noise": "per_device", "crossbar.tile_rows": 4,
          "crossbar.tile_columns": 4, "crossbar.weight_scale_per_us": 0.05,
          "crossbar.weight_scale_out_per_us": 0.05, "crossbar.adc_bits": 4, "crossbar.driver_noise": 0.1,
          "crossbar.drift_compensation": True}),
    ({"crossbar.device": "ideal"}, {"crossbar.bits": 3}),
    ({"crossbar.device": "table", "crossbar.table_file": "table.csv"}, {"crossbar.table_file": "other.csv"}),
    (ECRAM | {"crossbar.energy.read_voltage_v": 0.2, "crossbar.energy.read_pulse_ns": 100.0},
     {"crossbar.subtraction": "offset_column"}),  # fewer devices to read
    ({"update.devices_per_polarity": 2}, {"crossbar.slice_base": 4}),
    ({"crossbar.read_noise": "per_device"}, {"crossbar.clamp_reads": True}),
    ({"crossbar.driver_noise": 0.3}, {"crossbar.iv.curvature_g_min": 3.0, "crossbar.iv.curvature_g_max": 1.0}),
    ({"crossbar.adc_bits": 4, "crossbar.adc.calibration_reads": 5, "crossbar.adc.offset_lsb": 0.5},
     {"crossbar.adc.range": "fixed", "crossbar.adc.calibration_reads": 20, "crossbar.adc.columns_per_converter": 2,
      "crossbar.adc.offset_lsb": 1.0, "crossbar.adc.gain_error": 0.3, "crossbar.adc.inl_lsb": 1.0,
      "crossbar.adc.noise_lsb": 1.0, "crossbar.energy.adc_conversion_pj": 1.0}),
    ({"crossbar.adc_bits": 4, "crossbar.adc.range": "fixed"}, {"crossbar.adc.range_us": 10.0}),
    ({}, {"crossbar.programming.method": "write_verify", "crossbar.programming.order": "device_wise"}),
    ({"crossbar.programming.method": "write_verify"},
     {"crossbar.programming.tolerance_us": 2.0, "crossbar.programming.max_pulses": 3}),
    ({}, {"crossbar.faults.stuck_min": 0.3, "crossbar.faults.stuck_max": 0.3, "crossbar.faults.stuck_any": 0.3,
          "crossbar.faults.dead_rows": 0.3, "crossbar.faults.dead_columns": 0.3,
          "crossbar.faults.endurance_pulses": 3.0, "crossbar.faults.retention_failure": 0.3,
          "crossbar.faults.map_file": "faults.csv"}),
    ({"crossbar.faults.endurance_pulses": 3.0}, {"crossbar.faults.endurance_spread": 2.0}),
    ({"crossbar.faults.dead_columns": 0.3}, {"crossbar.faults.spare_columns": 4}),
    ({}, {"crossbar.low_frequency.one_over_f": 0.3, "crossbar.low_frequency.telegraph_fraction": 0.5}),
    ({"crossbar.low_frequency.one_over_f": 0.3, "crossbar.low_frequency.telegraph_fraction": 1.0,
      "crossbar.low_frequency.telegraph_capture_seconds": 40.0,
      "crossbar.low_frequency.telegraph_emission_seconds": 40.0},
     {"crossbar.low_frequency.one_over_f_exponent": 1.4, "crossbar.low_frequency.telegraph_amplitude": 0.5,
      "crossbar.low_frequency.telegraph_amplitude_spread": 1.0,
      "crossbar.low_frequency.telegraph_capture_seconds": 4.0,
      "crossbar.low_frequency.telegraph_emission_seconds": 4.0,
      "crossbar.low_frequency.telegraph_time_spread": 0.1, "crossbar.low_frequency.state_exponent": 1.0}),
    ({}, {"crossbar.wires.r_wl_ohm": 50.0, "crossbar.wires.r_bl_ohm": 50.0, "crossbar.wires.r_driver_ohm": 500.0,
          "crossbar.wires.r_sense_ohm": 500.0}),
    ({"crossbar.wires.r_wl_ohm": 50.0, "crossbar.wires.r_bl_ohm": 50.0},
     {"crossbar.wires.drive_both_ends": True, "crossbar.wires.sense_both_ends": True,
      "crossbar.wires.renew": "every_k"}),
    ({"crossbar.wires.r_wl_ohm": 500.0, "crossbar.wires.renew": "every_k"}, {"crossbar.wires.renew_every": 2}),
    ({"crossbar.wires.r_wl_ohm": 500.0, "crossbar.wires.renew": "on_change_above"},
     {"crossbar.wires.renew_change": 0.9}),
    (pulsed("linear_step"), {f"crossbar.pulsed.{key}": value for key, value in {
        "g_min_us": 2.0, "w_min": -0.5, "w_max": 0.5, "w_min_dtod": 0.6, "w_max_dtod": 0.6, "dw_min": 0.01,
        "dw_min_dtod": 0.5, "dw_min_std": 1.0, "dw_min_dtod_log_normal": True, "up_down": 0.3, "up_down_dtod": 0.3,
        "mult_noise": False, "mean_bound_reference": True, "gamma_up": 0.8, "gamma_down": 0.8,
        "gamma_up_dtod": 0.3, "gamma_down_dtod": 0.3, "one_sided": True, "reset_std": 0.1, "write_noise_std": 3.0,
        "lifetime_intervals": 20.0, "diffusion": 0.01}.items()}),
    (pulsed("exp_step"), {f"crossbar.pulsed.{key}": value for key, value in {
        "exp_a_up": 0.1, "exp_a_down": 0.2, "exp_scale": 0.5, "exp_offset": 0.5, "dw_min_std_add": 0.01,
        "dw_min_std_slope": 1.0}.items()}),
    (pulsed("piecewise_step", piecewise_up=[1.0, 0.5], piecewise_down=[1.0, 0.5]),
     {"crossbar.pulsed.piecewise_up": [0.5, 1.0], "crossbar.pulsed.piecewise_down": [0.5, 1.0]}),
    (pulsed("soft_bounds_reference"), {"crossbar.pulsed.reference_mean": 0.1, "crossbar.pulsed.reference_std": 0.1,
                                       "crossbar.pulsed.subtract_symmetry_point": True}),
    (pulsed("linear_step", lifetime_intervals=20.0, diffusion=0.01),
     {"crossbar.pulsed.lifetime_dtod": 0.5, "crossbar.pulsed.diffusion_dtod": 0.5}),
    (ECRAM, {"crossbar.energy.set_pulse_pj": 3.0, "crossbar.energy.reset_pulse_pj": 3.0,
             "crossbar.energy.set_pulse_ns": 7.0, "crossbar.energy.reset_pulse_ns": 7.0,
             "crossbar.energy.source": "measured"}),
    ({}, {"crossbar.energy.read_voltage_v": 0.4, "crossbar.energy.read_pulse_ns": 50.0}),

    ({}, {"run.epochs": 4, "run.seed": 2, "run.engine": "cycle"}),
    (NUMBERS, {"run.precision": "double"}),
    (CUES | NUMBERS | {"task.validation_samples": 4}, {"run.validate_every": 1}),
    (CUES | NUMBERS | {"task.validation_samples": 4, "run.validate_every": 1, "run.epochs": 30, "learning.lr": 1.0},
     {"run.patience": 1}),
    (CHIP | {"update.refresh_period": 1, "update.refresh_high": 0.05, "update.refresh_low": 0.01},
     {"chip.mesh_width": 2, "chip.mesh_height": 2, "chip.tiles_per_core": 1, "chip.neurons_per_core": 3,
      "chip.axon_ranges": 1, "chip.read_mode": "per_timestep", "chip.clock_period_ns": 5.0,
      "chip.router_cycles": 3, "chip.link_cycles": 3, "chip.bus_cycles_per_word": 3, "chip.neuron_lanes": 1,
      "chip.neuron_cycles": 9, "chip.learning_lanes": 1, "chip.update_cycles": 9, "chip.drive_cycles": 9,
      "chip.conversion_cycles": 9, "chip.row_select_cycles": 9, "chip.pulse_cycles": 9,
      "chip.reset_cycles": 9, "chip.columns_written_together": 1, "chip.step_budget_seconds": 1e-7,
      "chip.event_fifo_depth": 1}),
    (CHIP | {"chip.mesh_width": 2, "chip.mesh_height": 2, "chip.neurons_per_core": 2},
     {"chip.multicast_trees": 0, "chip.fifo_depth": 1, "chip.credit_cycles": 31, "chip.router_cost.east_west_pj": 9.0,
      "chip.router_cost.north_south_pj": 9.0, "chip.router_cost.local_pj": 9.0,
      "chip.router_cost.source": "measured"}),
    (CHIP | {"chip.mesh_width": 3, "chip.mesh_height": 2, "chip.neurons_per_core": 2, "chip.chip_columns": 2,
             "chip.boundary_cycles": 2, "chip.boundary_pj": 20.0, "chip.boundary_source": "measured"},
     {"chip.chip_columns": 1, "chip.chip_rows": 1, "chip.boundary_cycles": 9, "chip.boundary_pj": 30.0,
      "chip.boundary_source": "assumed"}),
    (CHIP | {"chip.router_cost.source": "a", "chip.tile_cost.source": "a", "chip.sram_cost.source": "a",
             "chip.digital_cost.source": "a"},
     {"chip.tile_cost.word_line_pj": 9.0, "chip.tile_cost.integration_pj": 9.0, "chip.tile_cost.conversion_pj": 9.0,
      "chip.tile_cost.pulse_driver_pj": 9.0, "chip.tile_cost.source": "b", "chip.sram_cost.source": "b",
      "chip.digital_cost.neuron_update_pj": 9.0, "chip.digital_cost.learning_operation_pj": 9.0,
      "chip.digital_cost.source": "b"}),
    (CHIP | NUMBERS | {"chip.sram_cost.source": "a"},
     {"chip.sram_cost.word_read_pj": 9.0, "chip.sram_cost.word_write_pj": 9.0, "chip.sram_cost.add_pj": 9.0}),
]

# Keys that change nothing in a short run of this kind, and where they are seen to change something.
ELSEWHERE = {
    "crossbar.dac_bits": "graded inputs: crossbar/tests/test_periphery.cpp",
    "chip.delay_slots": "networks with delays: host_runtime/tests/test_chip_mapping.cpp",
    "network.firing_test": "a membrane exactly at the threshold: learning/tests/test_eprop_variants.cpp",
    "run.checkpoint_every": "what an interrupt loses: testbenches/e2e/test_train.py",
    "run.threads": "time only: testbenches/e2e/test_train.py",
}

# Values of keys whose effects are seen elsewhere.
LATENT = {"chip.delay_slots": 4, "crossbar.dac_bits": 4, "run.threads": 2}

# Where keys are looked at that have no effect.
PLACES = {
    "phase-change memory": {},
    "numbers": NUMBERS,
    "a task with labels": CUES | NUMBERS,
    "ECRAM": ECRAM | {"update.scheme": "stochastic"},
    "table": {"crossbar.device": "table", "crossbar.table_file": "table.csv", "update.scheme": "mixed_precision"},
    "ideal devices on the chip": CHIP | {"crossbar.device": "ideal"},
    "ECRAM on the chip": CHIP | ECRAM,
    "numbers on the chip": CHIP | NUMBERS,
}


def option(key, value):
    return f"{key}={json.dumps(value)}"


def write_files(directory):
    """Data of the tasks and devices above."""
    rng = numpy.random.default_rng(1)
    for name in ("a.h5", "b.h5"):
        with h5py.File(directory / name, "w") as file:
            file["x"] = (rng.random((4, 20, 6)) < 0.3).astype("uint8")
            file["label"] = numpy.array([0, 1, 0, 1])
    with h5py.File(directory / "shd.h5", "w") as file:
        file["labels"] = numpy.array([0, 1])
        for name, values in (("spikes/times", [0.001, 0.01, 0.02]), ("spikes/units", [100.0, 300.0, 600.0])):
            data = file.create_dataset(name, (2,), h5py.vlen_dtype(numpy.float64))
            data[0] = data[1] = numpy.array(values)
    with h5py.File(directory / "golden.h5", "w") as file:
        x = (rng.random((1, 2, 20, 6)) < 0.3).astype("uint8")
        x[0, 0, 0, 0] = x[0, 1, 1, :] = 1
        x[0, 0, 1, :] = 1
        file["x"] = x
        for name, shape in (("w_in", (5, 6)), ("w_rec", (5, 5)), ("w_out", (2, 5)), ("b_fb", (5, 2))):
            file[name] = rng.normal(size=shape) * 0.3
        file["target"] = rng.normal(size=(1, 2, 20, 2))
    table = (ROOT / "examples/devices/table.csv").read_text()
    (directory / "table.csv").write_text(table)
    lines = table.splitlines()
    fields = lines[1].split(",")
    lines[1] = ",".join([*fields[:2], str(2 * float(fields[2])), fields[3]])
    (directory / "other.csv").write_text("\n".join(lines) + "\n")
    (directory / "faults.csv").write_text("array,row,column,device,fault\n0,0,0,0,max\n0,1,1,0,max\n2,0,0,0,max\n")


class Keys(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="memprop-keys-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        write_files(self.directory)
        (self.directory / "base.toml").write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in SMALL.items()))
        self.runs = 0

    def names(self, settings):
        """Of every setting the keys that are named as without effect; None if it is refused."""
        lines = "".join(json.dumps([option(*entry) for entry in s.items()]) + "\n" for s in settings)
        done = subprocess.run([MEMPROP, "config", "base.toml", "--points", "-"], input=lines, capture_output=True,
                              text=True, check=True, cwd=self.directory)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        return [{k["key"] for k in a["keys_without_effect"]} if "config" in a else None for a in answers]

    def results(self, settings):
        """The result of every setting without the time it took; the message if it is refused."""
        def run(job):
            index, setting = job
            words = [word for entry in setting.items() for word in ("--set", option(*entry))]
            done = subprocess.run([MEMPROP, "train", "base.toml", *words, "--json", "--out", f"run{index}"],
                                  capture_output=True, text=True, check=False, cwd=self.directory)
            if done.returncode != 0:
                self.assertEqual(done.returncode, 2, f"{setting}: {done.stderr}")
                return {"refused": done.stderr}
            result = json.loads(done.stdout.splitlines()[-1])
            named = {k["key"] for k in result.pop("keys_without_effect")}
            for key in named:
                self.assertIn(key, done.stderr)
            result.pop("wall_s")
            return result

        jobs = list(enumerate(settings, self.runs))
        self.runs += len(jobs)
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(run, jobs))

    def test_every_key_changes_the_result_of_some_run(self):
        known = subprocess.run([MEMPROP, "config", "--points", "-"], input="[]\n", capture_output=True, text=True,
                               check=True)
        keys = set(json.loads(known.stdout)["config"])
        self.assertEqual(keys - {key for _, changes in CASES for key in changes} - ELSEWHERE.keys(), set())
        changed = [(setting, key, setting | {key: value}) for setting, changes in CASES for key, value in
                   changes.items()]
        without = {json.dumps(s): r for (s, _), r in zip(CASES, self.results([s for s, _ in CASES]))}
        for setting, result in without.items():
            self.assertNotIn("refused", result, setting)
        named = self.names([setting for *_, setting in changed])
        for (setting, key, _), result, names in zip(changed, self.results([s for *_, s in changed]), named):
            with self.subTest(key=key, setting=setting):
                self.assertNotEqual(result, without[json.dumps(setting)])
                self.assertNotIn(key, names or ())

    def test_a_key_that_is_named_changes_nothing(self):
        values = {key: value for _, changes in CASES for key, value in changes.items()} | LATENT
        total = 0
        for place, setting in PLACES.items():
            changes = {key: value for key, value in values.items() if setting.get(key, SMALL.get(key)) != value}
            named = self.names([setting | {key: value} for key, value in changes.items()])
            silent = [key for key, names in zip(changes, named) if names is not None and key in names]
            reference, *results = self.results([setting, *(setting | {key: changes[key]} for key in silent)])
            total += len(silent)
            for key, result in zip(silent, results):
                with self.subTest(place=place, key=key):
                    self.assertEqual(result, reference)
        self.assertGreater(total, 200)


if __name__ == "__main__":
    unittest.main()
