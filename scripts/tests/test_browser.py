"""The report of a 1000-point sweep in a real browser (Chromium, headless): it opens quickly, sorts, filters,
shows the point that is clicked, works by keyboard and asks for nothing from a network."""

import json
import tempfile
import time
import unittest
from pathlib import Path

import support  # noqa: F401  (finds the packages)

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from synthetic import SCHEMES, write_store

from memprop_report.data import SweepData
from memprop_report.report import page_text

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1500,1200",
)


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="memprop-test-")))
        write_store(directory / "out", noises=112, seeds=3, failed=1)
        cls.data = SweepData(directory / "out")
        cls.page = directory / "report.html"
        cls.page.write_text(page_text(cls.data), encoding="utf-8")
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={directory}/profile"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        cls.addClassCleanup(cls.driver.quit)

    def setUp(self) -> None:
        self.driver.get(self.page.as_uri())

    def tearDown(self) -> None:
        self.assertEqual(self.driver.get_log("browser"), [], "no error, nothing blocked")

    def script(self, text: str, *arguments: object) -> object:
        return self.driver.execute_script(text, *arguments)

    def column(self, name: str) -> list[str]:
        """The visible cells of a column from top to bottom."""
        return self.script(
            "const at = COLUMNS.findIndex((column) => column.name === arguments[0]);"
            "return [...document.querySelectorAll('tbody tr')].filter((row) => !row.hidden)"
            ".map((row) => row.cells[at].textContent)",
            name,
        )

    def field(self, name: str):
        return self.driver.find_element(By.CSS_SELECTOR, f"input[aria-label='filter {name}']")

    def click_heading(self, name: str) -> None:
        at = self.script("return COLUMNS.findIndex((column) => column.name === arguments[0])", name)
        self.driver.find_elements(By.CSS_SELECTOR, "thead th button")[at].click()

    def details(self) -> dict[str, str]:
        names = self.driver.find_elements(By.CSS_SELECTOR, "#details dt")
        values = self.driver.find_elements(By.CSS_SELECTOR, "#details dd")
        return {name.text: value.text for name, value in zip(names, values)}

    def options_of(self, chart: str) -> list[dict]:
        return self.script(
            "return echarts.getInstanceByDom(document.getElementById(arguments[0])).getOption().series"
            ".map((one) => ({name: one.name, type: one.type, count: one.data.length,"
            " data: one.type === 'line' ? one.data.map((item) => item.value || item) : []}))",
            chart,
        )

    def milliseconds(self, text: str) -> float:
        """How long a script takes until the next picture is on the screen: the fastest of five, as other
        programs may run beside the test."""
        return min(
            self.driver.execute_async_script(
                "const done = arguments[0], start = performance.now();"
                + text
                + "; requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)))"
            )
            for _ in range(5)
        )

    def await_count(self, text: str) -> None:
        deadline = time.monotonic() + 5
        while self.driver.find_element(By.ID, "count").text != text:
            self.assertLess(time.monotonic(), deadline, self.driver.find_element(By.ID, "count").text)
            time.sleep(0.02)

    def test_opens_quickly_stays_responsive_and_loads_nothing(self) -> None:
        loads = [float(self.script("return document.body.dataset.ready"))]
        for _ in range(4):  # the fastest counts here too
            self.driver.get(self.page.as_uri())
            loads.append(float(self.script("return document.body.dataset.ready")))
        ready = min(loads)
        self.assertEqual(len(self.column("seed")), 1008)
        sort = self.milliseconds("table.sort(0)")
        filtering = self.milliseconds(
            "table.inputs[0].value = 'sign'; table.inputs[0].dispatchEvent(new Event('input'))"
        )
        redraw = self.milliseconds("drawPoints(data.points)")
        picking = self.milliseconds("pick(data.points[500])")
        print(
            f"open {ready:.0f} ms, sort {sort:.0f} ms, filter {filtering:.0f} ms, redraw all charts {redraw:.0f} ms, "
            f"pick {picking:.0f} ms"
        )
        self.assertLess(ready, 2000)
        self.assertLess(max(sort, filtering, picking), 500)
        self.assertLess(redraw, 1000)
        self.assertEqual(self.script("return performance.getEntriesByType('resource').length"), 0)

    def test_the_most_accurate_comes_first(self) -> None:
        data = SweepData(self.page.parent / "out", "metrics.accuracy")
        page = self.page.with_name("accuracy.html")
        page.write_text(page_text(data), encoding="utf-8")
        self.driver.get(page.as_uri())
        numbers = list(map(float, self.column("metrics.accuracy")[:-1]))
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        self.assertIn("more is better", self.driver.find_element(By.TAG_NAME, "main").text)
        for i, cost in enumerate(data.costs):
            front = next(one for one in self.options_of(f"chart-pareto-{i}") if one["name"] == "Pareto front")
            expected = [[group.mean(cost), group.mean("metrics.accuracy")] for group in data.pareto(cost)]
            self.assertEqual(len(front["data"]), len(expected))
            for (x, y), (cost_x, accuracy) in zip(front["data"], expected):
                self.assertAlmostEqual(x / cost_x, 1, places=12)
                self.assertAlmostEqual(y / accuracy, 1, places=12)

    def test_sorts(self) -> None:
        losses = self.column("final_loss")
        self.assertEqual(losses[-1], "–", "failed points come last")
        numbers = list(map(float, losses[:-1]))
        self.assertEqual(numbers, sorted(numbers), "the best is on top at first")
        self.click_heading("final_loss")
        self.assertEqual(list(map(float, self.column("final_loss")[:-1])), sorted(numbers, reverse=True))
        self.assertEqual(self.column("final_loss")[-1], "–")
        self.click_heading("update.scheme")
        schemes = self.column("update.scheme")
        self.assertEqual(schemes, sorted(schemes))
        self.assertEqual(self.script("return document.querySelectorAll('th[aria-sort]').length"), 1)

    def test_filters_and_charts_follow(self) -> None:
        self.field("update.scheme").send_keys("sign")
        self.await_count("336 of 1008 points shown")
        self.assertEqual(set(self.column("update.scheme")), {"sign"})
        self.field("crossbar.read_noise_scale").send_keys("0.5..1")
        self.field("seed").send_keys(">=2")
        shown = [
            p
            for p in self.data.points
            if p.values["update.scheme"] == "sign" and p.seed >= 2 and 0.5 <= p.values["crossbar.read_noise_scale"] <= 1
        ]
        self.await_count(f"{len(shown)} of 1008 points shown")
        time.sleep(0.5)
        self.assertEqual(self.options_of("chart-parallel")[0]["count"], len(shown))
        self.driver.find_element(By.ID, "clear-filters").click()
        self.await_count("1008 of 1008 points shown")
        self.field("status").send_keys("=failed")
        self.await_count("1 of 1008 points shown")
        time.sleep(0.5)  # charts of no results at all

    def test_a_click_shows_the_point_and_its_curve(self) -> None:
        self.driver.find_element(By.ID, "clear-selection").click()
        self.assertEqual(self.options_of("chart-curves"), [])
        row = self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")[5]
        point = self.data.points[int(row.get_attribute("data-index"))]
        row.click()
        details = self.details()
        self.assertEqual(self.driver.find_element(By.CSS_SELECTOR, "#details h3").text, f"Point {point.id}")
        self.assertEqual(details["update.scheme"], point.values["update.scheme"])
        self.assertEqual(int(details["seed"]), point.seed)
        self.assertEqual(float(details["final_loss"]), point.scalars["final_loss"])
        self.assertEqual(float(details["energy_j.set"]), point.scalars["energy_j.set"])
        self.assertEqual(row.get_attribute("aria-selected"), "true")
        (curve,) = self.options_of("chart-curves")
        self.assertEqual(curve["count"], 250)
        self.assertAlmostEqual(curve["data"][-1][1], point.curve[-1], delta=1e-4 * point.curve[-1])
        row.click()
        self.assertEqual(self.options_of("chart-curves"), [])

    def test_a_failed_point_tells_why(self) -> None:
        self.field("status").send_keys("failed")
        self.await_count("1 of 1008 points shown")
        self.script("document.querySelector('tbody tr:not([hidden])').click()")
        self.assertEqual(self.details()["error"], "exit status 1: </script><b>diverged")

    def test_the_mouse_wanders_over_every_chart(self) -> None:
        for chart in self.driver.find_elements(By.CLASS_NAME, "chart"):
            self.script("arguments[0].scrollIntoView({block: 'center'})", chart)
            for x in range(-400, 401, 50):
                if abs(x) < chart.size["width"] / 2:
                    ActionChains(self.driver, duration=0).move_to_element_with_offset(chart, x, x // 4).perform()

    def test_labels_of_any_kind(self) -> None:
        labels = ("<!-- <script>", "</script><b>$x_{</b>", "a\u2028{a|b}")
        directory = self.page.parent / "labels"
        write_store(directory, noises=2, seeds=2, epochs=5)
        plan = json.loads((directory / "sweep.json").read_text())
        for point in plan["points"]:
            point["values"]["update.scheme"] = labels[SCHEMES.index(point["values"]["update.scheme"])]
        plan["name"] = labels[0]
        (directory / "sweep.json").write_text(json.dumps(plan))
        page = directory / "report.html"
        page.write_text(page_text(SweepData(directory)), encoding="utf-8")
        self.driver.get(page.as_uri())
        self.assertTrue(self.script("return document.body.dataset.ready"))
        self.assertEqual(self.driver.title, f"Sweep {labels[0]}")
        self.assertEqual(set(self.column("update.scheme")), set(labels))
        self.assertIn(labels[1], {one["name"] for one in self.options_of("chart-key-1")})
        self.test_the_mouse_wanders_over_every_chart()  # tips show labels too
        self.assertEqual(self.script("return document.querySelectorAll('main b').length"), 0)

    def test_keyboard(self) -> None:
        self.driver.find_element(By.ID, "clear-selection").click()
        heading = self.driver.find_elements(By.CSS_SELECTOR, "thead th button")[2]
        self.script("arguments[0].focus()", heading)
        ActionChains(self.driver).send_keys(Keys.ENTER).perform()
        self.assertEqual(self.script("return document.querySelector('th[aria-sort]').textContent"), "seed")
        fields = len(self.driver.find_elements(By.CSS_SELECTOR, "thead button, thead input"))
        ActionChains(self.driver).send_keys(Keys.TAB * (fields - 2)).perform()
        self.assertEqual(self.script("return document.activeElement.tagName"), "TR", "one Tab leads into the table")
        ActionChains(self.driver).send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER).perform()
        rows = self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")[:3]
        self.assertEqual([row.get_attribute("aria-selected") for row in rows], ["false", "false", "true"])
        point = self.data.points[int(rows[2].get_attribute("data-index"))]
        self.assertEqual(self.driver.find_element(By.CSS_SELECTOR, "#details h3").text, f"Point {point.id}")

    def test_charts_show_what_the_figures_show(self) -> None:
        for i, cost in enumerate(self.data.costs):
            front = next(one for one in self.options_of(f"chart-pareto-{i}") if one["name"] == "Pareto front")
            expected = [[group.mean(cost), group.mean("final_loss")] for group in self.data.pareto(cost)]
            self.assertEqual(len(front["data"]), len(expected))
            for (x, y), (cost_x, loss) in zip(front["data"], expected):
                self.assertAlmostEqual(x / cost_x, 1, places=12)
                self.assertAlmostEqual(y / loss, 1, places=12)
        against = self.options_of("chart-key-1")
        self.assertEqual({one["name"] for one in against}, {"mixed_precision", "sign", "stochastic", "seeds"})
        inks = json.loads(
            self.script(
                "return JSON.stringify([...document.querySelectorAll('.chart canvas')].map((canvas) => "
                "new Set(new Uint32Array(canvas.getContext('2d')"
                ".getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size))"
            )
        )
        self.assertEqual(len(inks), 6)
        self.assertGreater(min(inks), 20, "every chart is drawn")

    def test_a_click_on_a_chart_picks_the_point(self) -> None:
        self.driver.find_element(By.ID, "clear-selection").click()
        chart = self.driver.find_element(By.ID, "chart-pareto-0")
        self.script("arguments[0].scrollIntoView({block: 'center'})", chart)
        x, y, index = self.script(
            "const chart = echarts.getInstanceByDom(arguments[0]), item = chart.getOption().series[0].data[0];"
            "return [...chart.convertToPixel({seriesIndex: 0}, item.value), item.point]",
            chart,
        )
        size = chart.size
        ActionChains(self.driver).move_to_element_with_offset(
            chart, x - size["width"] / 2, y - size["height"] / 2
        ).click().perform()
        shown = self.driver.find_element(By.CSS_SELECTOR, "#details h3").text.removeprefix("Point ")
        picked = next(point for point in self.data.points if point.id == shown)
        # Marks lie close together: the one hit is at the place of the one aimed at.
        self.assertAlmostEqual(
            picked.scalars["energy_j.total"] / self.data.points[index].scalars["energy_j.total"], 1, delta=0.03
        )
        self.assertEqual(len(self.options_of("chart-curves")), 1)


if __name__ == "__main__":
    unittest.main()
