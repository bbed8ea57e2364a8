"""The numbers behind the report, its figures, and that the page stands alone."""

import re
import subprocess
import unittest

from support import SCRIPTS, SweepCase
from synthetic import write_store

from memprop_report.data import SweepData, thin
from memprop_report.metrics import more_is_better
from memprop_report.report import write_report
from memprop_sweep.errors import SweepError


class Numbers(SweepCase):
    def setUp(self) -> None:
        super().setUp()
        self.out = self.directory / "out"
        write_store(self.out, noises=4, seeds=3, epochs=30, failed=2)
        self.data = SweepData(self.out)

    def test_groups_are_means_over_seeds(self) -> None:
        self.assertEqual(len(self.data.points), 36)
        self.assertEqual(len(self.data.groups), 12)
        group = self.data.groups[0]
        losses = [point.scalars["final_loss"] for point in group.points]
        self.assertEqual(len(losses), 3)
        self.assertAlmostEqual(group.mean("final_loss"), sum(losses) / 3, places=15)
        self.assertEqual(len(self.data.groups[-1].points) - len(self.data.groups[-1].numbers("final_loss")), 2)

    def test_pareto_front_is_what_nothing_beats(self) -> None:
        for cost in ("energy_j.total", "pulses_per_device_max"):
            front = {id(group) for group in self.data.pareto(cost)}
            for group in self.data.groups:
                beaten = any(
                    other.mean(cost) <= group.mean(cost)
                    and other.mean("final_loss") <= group.mean("final_loss")
                    and (other.mean(cost), other.mean("final_loss")) != (group.mean(cost), group.mean("final_loss"))
                    for other in self.data.groups
                )
                self.assertEqual(id(group) in front, not beaten)
            self.assertTrue(front)

    def test_what_is_better_depends_on_the_number(self) -> None:
        for name in ("metrics.accuracy", "metrics.test_accuracy", "metrics.r2", "programming.success_rate"):
            self.assertTrue(more_is_better(name), name)
        for name in ("final_loss", "metrics.test_loss", "energy_j.total", "metrics.rate_hz", "latency_mean_cycles"):
            self.assertFalse(more_is_better(name), name)

    def test_the_most_accurate_is_on_the_front_and_first(self) -> None:
        data = SweepData(self.out, "metrics.accuracy")
        self.assertIn("more is better", data.direction)
        self.assertFalse(data.log_metric())
        best = max(data.groups, key=lambda group: group.mean("metrics.accuracy"))
        worst = min(data.groups, key=lambda group: group.mean("metrics.accuracy"))
        for cost in data.costs:
            front = data.pareto(cost)
            expected = {
                id(group)
                for group in data.groups
                if not any(
                    other.mean(cost) <= group.mean(cost)
                    and other.mean("metrics.accuracy") >= group.mean("metrics.accuracy")
                    and other is not group
                    for other in data.groups
                )
            }
            self.assertEqual({id(group) for group in front}, expected)
            self.assertIn(id(best), expected)
            self.assertNotIn(id(worst), expected)
            accuracies = [group.mean("metrics.accuracy") for group in front]
            self.assertEqual(accuracies, sorted(accuracies))
        key, colour = "crossbar.read_noise_scale", "update.scheme"
        for _, group in data.profile(colour, None, None):
            same = [g for g in data.groups if g.values[colour] == group.values[colour]]
            self.assertEqual(group.mean("metrics.accuracy"), max(g.mean("metrics.accuracy") for g in same))
        self.assertEqual(len(data.profile(key, None, None)), 4)
        self.assertIs(min(data.groups, key=data.rank), best)

    def test_a_cost_is_not_set_against_itself(self) -> None:
        self.assertNotIn("energy_j.total", SweepData(self.out, "energy_j.total").costs)
        self.assertIn("energy_j.total", self.data.costs)

    def test_axes_and_colours(self) -> None:
        self.assertEqual(self.data.axes["update.scheme"].kind, "category")
        self.assertEqual(self.data.axes["crossbar.read_noise_scale"].kind, "value")
        self.assertEqual(self.data.colour_key("crossbar.read_noise_scale"), "update.scheme")
        profile = self.data.profile("crossbar.read_noise_scale", "update.scheme", "sign")
        self.assertEqual([x for x, _ in profile], self.data.axes["crossbar.read_noise_scale"].values)

    def test_many_valued_keys_shade(self) -> None:
        self.assertIsNone(self.data.shade_key("crossbar.read_noise_scale"))
        write_store(self.directory / "one", noises=9, seeds=1, schemes=1)
        data = SweepData(self.directory / "one")
        self.assertIsNone(data.colour_key("update.scheme"))
        self.assertEqual(data.shade_key("update.scheme"), "crossbar.read_noise_scale")
        self.assertIsNone(data.shade_key("crossbar.read_noise_scale"))

    def test_long_curves_are_thinned_to_means(self) -> None:
        curve = [float(i) for i in range(1001)]
        thinned = thin(curve)
        self.assertLessEqual(len(thinned), 250)
        self.assertEqual(thinned[0], [5, 2.0])
        self.assertEqual(thinned[-1], [1001, 1000.0])
        self.assertEqual(thin([0.5, 0.25]), [[1, 0.5], [2, 0.25]])

    def test_metric(self) -> None:
        self.assertEqual(SweepData(self.out, "metrics.rate_hz").metric, "metrics.rate_hz")
        with self.assertRaisesRegex(SweepError, "--metric x: must be one of .*final_loss"):
            SweepData(self.out, "x")


class Files(SweepCase):
    def test_page_and_figures(self) -> None:
        out = self.directory / "out"
        write_store(out, noises=4, seeds=2, epochs=30, failed=1)
        page = write_report(out).read_text()
        names = {
            "parallel_coordinates",
            "loss_vs_update_scheme",
            "loss_vs_crossbar_read_noise_scale",
            "pareto_energy_j_total",
            "pareto_pulses_per_device_max",
            "learning_curves",
        }
        self.assertEqual(
            {path.name for path in (out / "figures").iterdir()},
            {f"{name}.{kind}" for name in names for kind in ("png", "svg")},
        )
        for path in (out / "figures").glob("*.png"):
            self.assertEqual(path.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        for path in (out / "figures").glob("*.svg"):
            self.assertIn("<path", path.read_text())
        # Nothing is loaded from elsewhere, and an error's text cannot break out of the data.
        own = page.replace((SCRIPTS / "vendor/echarts/echarts.min.js").read_text(), "")
        self.assertLess(len(own), len(page) - 1_000_000)
        self.assertFalse(re.findall(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=|https?://", own))
        self.assertIn("default-src 'none'", page)
        self.assertNotIn("</script><b>", page)

    def test_the_same_points_give_the_same_bytes(self) -> None:
        out = self.directory / "out"
        write_store(out, noises=2, seeds=1, epochs=5)
        write_report(out)
        first = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        write_report(out)
        self.assertEqual(first, {path: path.read_bytes() for path in first})

    def test_nothing_to_show(self) -> None:
        for directory, message in (
            (self.directory, "holds no sweep"),
            (self.directory / "out", "no point has succeeded"),
        ):
            if directory != self.directory:
                write_store(directory, noises=1, seeds=1, failed=3)
            report = self.start(SCRIPTS / "report.py", directory, stderr=subprocess.PIPE, text=True)
            self.assertIn(message, report.communicate()[1])
            self.assertEqual(report.returncode, 2)


if __name__ == "__main__":
    unittest.main()
