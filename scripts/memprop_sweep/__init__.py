"""Parameter sweeps over memprop: what is swept (spec, sampling), what is run (points, execute), where
(local, dask_runner), and what is kept (store). `scripts/sweep.py` is the command."""
