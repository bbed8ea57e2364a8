"""The runs whose bits are recorded: what is started, and which files hold its final state."""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "testbenches/e2e"))

from engine_settings import CHIP, ENERGY, EXTRA, NETWORK, SCHEMES  # noqa: E402  (the path above)

EXAMPLES = ROOT / "examples"
REFERENCE = ROOT / "testbenches/reference"
ENGINES = ("functional", "cycle")
FORMS = ("factorised", "online")
# Settings of examples that would take longer than the rest without saying more.
SHORT = {"cue_accumulation": ["task.samples=4", "learning.batch=4"]}
LEFT_OUT = {"digits", "pcm_inference"}  # need data, or weights to begin with
CURVES = ("staircase", "up_down", "reset", "read_noise", "drift", "retention")
TABLE = [f"crossbar.table_file={EXAMPLES}/devices/table.csv"]
VARIANTS = {  # numbers on the functional engine that no other run has
    "double": ["run.precision=double", "update.scheme=vanilla"],
    "double alif": ["run.precision=double", "update.scheme=vanilla", "network.neuron=alif"],
    "adam, sparse": ["learning.optimizer=adam", "network.density_rec=0.3", "network.density_in=0.5"],
    "layers": ["network.layers=3", "update.scheme=vanilla"],
    "per-device reads": ["crossbar.read_noise=per_device"],
    "low-frequency noise": ["crossbar.low_frequency.one_over_f=0.05", "crossbar.low_frequency.telegraph_fraction=0.1"],
    "converters that deviate": ["crossbar.adc_bits=5", "crossbar.adc.offset_lsb=0.5", "crossbar.adc.gain_error=0.02",
                                "crossbar.adc.inl_lsb=0.5", "crossbar.adc.noise_lsb=0.5"],
    "driver noise, curved devices": ["crossbar.driver_noise=0.02", "crossbar.iv.curvature_g_min=0.5"],
    "delayed match": ["task.name=delayed_match", "network.inputs=40", "learning.loss=cross_entropy",
                      "task.delay_seconds=0.05", "network.outputs=2"],
}
TIME_STEPS = {"v02_rec_cubalif": "1e-4"}  # of networks whose file does not state 1e-3
# Reset and integration by the names of the fixtures' recorded traces.
NETWORK_OPTIONS = {"euler": ["--integrator", "euler"], "exp": ["--integrator", "exponential"],
                   "euler_sub": ["--integrator", "euler", "--reset", "subtract_next"]}


@dataclass(frozen=True)
class Run:
    """One run of memprop; `files` are globs below its directory, {out} of `arguments`."""

    name: str
    arguments: tuple[str, ...]
    files: tuple[str, ...]
    may_refuse: bool = False  # a refusal is an answer, and recorded


def settings(values):
    return tuple(part for value in values for part in ("--set", value))


def training(name, values, experiment="/dev/null", engine="functional"):
    return Run(f"{engine}: {name}",
               ("train", str(experiment), "--engine", engine, "--out", "{out}", "--json", *settings(values)),
               ("run.h5", "checkpoint.h5"))


def trained_networks():
    small = [*NETWORK, "run.epochs=3"]
    for engine in ENGINES:
        for form in FORMS:
            for scheme, more in SCHEMES.items():
                yield training(f"{scheme}, {form}",
                               [*small, *CHIP, f"update.scheme={scheme}", f"learning.gradient={form}", *more],
                               engine=engine)
        for name, more in EXTRA.items():
            yield training(name, [*small, *more], engine=engine)
    for name, more in VARIANTS.items():
        yield training(name, [*small, *more])


def examples():
    """Every experiment of examples/ that needs no data, cut to two epochs of 200 steps."""
    for file in sorted([*EXAMPLES.glob("*.toml"), *EXAMPLES.glob("devices/*.toml")]):
        if file.stem not in LEFT_OUT:
            yield training(f"examples/{file.relative_to(EXAMPLES)}",
                           [*ENERGY, "run.epochs=2", "task.steps=200", "task.validation_samples=0",
                            "task.test_samples=0", *SHORT.get(file.stem, [])], experiment=file)


def golden_cases():
    data = REFERENCE / "eprop/regression_lif_gd.npz"
    for precision in ("single", "double"):
        yield training(f"golden/{data.stem}, {precision}", [f"task.file={{data:{data}}}", f"run.precision={precision}"],
                       experiment=EXAMPLES / "golden/regression_lif_gd.toml")


def networks():
    """The NIR fixtures with their events, as far as traces of them are recorded."""
    for network in sorted((REFERENCE / "nir/valid").glob("*.nir")):
        events = network.with_suffix(".input.csv")
        for variant, options in NETWORK_OPTIONS.items():
            if network.with_suffix(f".{variant}.output.csv").exists():
                yield Run(f"network: {network.stem}, {variant}",
                          ("run", str(network), "--events", str(events), "--out", "{out}",
                           "--dt", TIME_STEPS.get(network.stem, "1e-3"), *options),
                          ("output.csv", "spikes/*.csv"))


def devices(names):
    for name in names:
        for curve in CURVES:
            yield Run(f"device: {name}, {curve}",
                      ("characterize", name, "--curve", curve, "--devices", "200", "--pulses", "50",
                       *settings(TABLE if name == "table" else [])), ("stdout",),
                      may_refuse=True)


def all_runs(device_names):
    return [*trained_networks(), *examples(), *golden_cases(), *networks(), *devices(device_names)]
