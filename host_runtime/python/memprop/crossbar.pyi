import numpy
from numpy.typing import ArrayLike, NDArray

__all__ = ["effective_conductance", "node_voltages", "read_power", "solve"]

_Array = NDArray[numpy.float64]

def solve(
    resistance_ohm: ArrayLike,
    voltage_v: ArrayLike,
    r_wl_ohm: float,
    r_bl_ohm: float,
    *,
    r_driver_ohm: float = 0.0,
    r_sense_ohm: float = 0.0,
    drive_both_ends: bool = False,
    sense_both_ends: bool = False,
) -> tuple[_Array, _Array]:
    """Currents (i_out (p, n), i_in (p, m)) in amperes for source voltages (p, m)."""

def effective_conductance(
    resistance_ohm: ArrayLike,
    r_wl_ohm: float,
    r_bl_ohm: float,
    *,
    r_driver_ohm: float = 0.0,
    r_sense_ohm: float = 0.0,
    drive_both_ends: bool = False,
    sense_both_ends: bool = False,
) -> _Array:
    """Effective conductances (m, n) in siemens."""

def node_voltages(
    resistance_ohm: ArrayLike,
    voltage_v: ArrayLike,
    r_wl_ohm: float,
    r_bl_ohm: float,
    *,
    r_driver_ohm: float = 0.0,
    r_sense_ohm: float = 0.0,
    drive_both_ends: bool = False,
    sense_both_ends: bool = False,
) -> tuple[_Array, _Array]:
    """Node voltages (v_wl, v_bl), each (p, m, n), in volts."""

def read_power(
    resistance_ohm: ArrayLike,
    voltage_v: ArrayLike,
    r_wl_ohm: float,
    r_bl_ohm: float,
    *,
    r_driver_ohm: float = 0.0,
    r_sense_ohm: float = 0.0,
    drive_both_ends: bool = False,
    sense_both_ends: bool = False,
) -> dict[str, _Array]:
    """Power of each vector in watts: drawn_w and what it goes into, each (p,)."""
