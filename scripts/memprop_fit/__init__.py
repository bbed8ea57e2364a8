"""Fits the device "table" from raw pulse traces (scripts/fit_device.py)."""
