"""How far the sweep is: one line that renews itself on a terminal, a plain line every ten seconds else."""

import math
import sys
import time
from typing import Any, TextIO

from memprop_sweep.points import Point, toml_text

_LINE_SECONDS = 10.0


def clock(seconds: float) -> str:
    """h:mm:ss or m:ss."""
    whole = int(seconds + 0.5)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


class Progress:
    """Counts finished points and draws."""

    def __init__(self, total: int, to: TextIO | None = None) -> None:
        self.total, self.done, self.failed = total, 0, 0
        self._kept = 0
        self._best = (math.inf, "")
        self._to = to or sys.stderr
        self._terminal = self._to.isatty()
        self._start = self._last = time.monotonic()

    def finished(self, point: Point, result: dict[str, Any] | None) -> None:
        """Counts a point that is recorded now."""
        if result is None:
            self.failed += 1
            return
        self.done += 1
        loss = result.get("final_loss")
        if isinstance(loss, int | float) and loss < self._best[0]:
            where = ", ".join(f"{key.rsplit('.', 1)[-1]}={toml_text(v)}" for key, v in point.values.items())
            self._best = (loss, f"{where}, seed={point.seed}")

    def kept(self, point: Point, result: dict[str, Any] | None) -> None:
        """Counts a point that an earlier run recorded."""
        self._kept += 1
        self.finished(point, result)

    def text(self, running: int) -> str:
        """The line."""
        elapsed = time.monotonic() - self._start
        ended = self.done + self.failed
        fresh = ended - self._kept
        words = [f"{ended}/{self.total} points", f"{self.failed} failed", f"{running} running"]
        if fresh and elapsed > 0:
            words += [f"{fresh / elapsed:.3g} points/s", f"{clock((self.total - ended) * elapsed / fresh)} left"]
        if self._best[1]:
            words.append(f"best loss {self._best[0]:.4g} at {self._best[1]}")
        return ", ".join(words)

    def draw(self, running: int, final: bool = False) -> None:
        """Writes the line if it is time to."""
        now = time.monotonic()
        if not final and now - self._last < (0.1 if self._terminal else _LINE_SECONDS):
            return
        self._last = now
        if self._terminal:
            self._to.write(f"\r{self.text(running)}\033[K" + ("\n" if final else ""))
        else:
            self._to.write(self.text(running) + "\n")
        self._to.flush()
