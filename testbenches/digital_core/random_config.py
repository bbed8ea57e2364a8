#!/usr/bin/python3
"""Writes a random configuration with stimuli for `tb_digital_core --script`, without observed values.

  random_config.py SEED [SIZES_BELOW] > stimuli.txt
  tb_digital_core --script stimuli.txt --out observed.txt

The configurations reach what the reference task does not: more inputs than neurons, noise, leak factors and
thresholds per pair, all learning modes and regularisers, regression, output per time step, odd sizes.
"""
import random
import sys

TICKS, SAMPLES = 16, 2


def main() -> None:
    rng = random.Random(int(sys.argv[1]))
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 24

    def flag():
        return rng.randrange(2)

    last_input, last_neuron = rng.randrange(1, most), rng.randrange(1, most)
    last_output = rng.randrange(16)
    last_index = max(last_input, last_neuron)
    do_eprop, regul_mode = rng.randrange(8), rng.choice([0, 0, 1, 2, 3, 4, 5, 6, 7])
    regression, single_label = flag(), flag()
    words = last_index // 2 + 1
    exact = [rng.random() < 0.2 for _ in range(words)]  # leak factor 1.0 or a little more
    alpha_conf = sum(1 << word for word in range(words) if exact[word])

    def reg(number: int, value: int) -> None:
        print(f"reg {number} {value:#x}")

    reg(0, 1)
    reg(8, flag())
    reg(9, do_eprop)
    for number in (12, 13, 14):
        reg(number, rng.randrange(6))
    for number in (15, 16, 17):
        reg(number, rng.randrange(8))
    reg(18, rng.randrange(9))
    reg(19, regul_mode)
    reg(20, rng.randrange(4))
    reg(21, flag())
    reg(25, regression)
    reg(26, single_label)
    reg(27, flag())
    reg(30, flag())
    reg(31, flag())
    reg(32, flag())
    reg(33, int(rng.random() < 0.2))
    for i in range(4):
        reg(65 + i, alpha_conf >> (32 * i) & 0xFFFFFFFF)
    reg(69, rng.choice([0x80, rng.randrange(0x60, 0x80), rng.randrange(256)]))
    for i, threshold in enumerate(sorted(rng.randrange(-300, 600) for _ in range(4))):
        reg(70 + i, threshold & 0xFFFF)
    for number in range(74, 79):
        reg(number, rng.randrange(32))
    for number in (79, 81, 83):
        reg(number, rng.randrange(4))
    for number in (80, 82, 84):
        reg(number, rng.randrange(14))
    for number in range(85, 94):
        reg(number, rng.randrange(1, 1 << 30))
    reg(94, last_input)
    reg(95, last_neuron)
    reg(96, last_output)
    reg(98, rng.randrange(64))
    for number in (99, 101, 103):
        reg(number, rng.randrange(4))
    for number in (100, 102):
        reg(number, rng.randrange(12))
    reg(104, rng.randrange(16))

    def chunk(spread: int) -> str:
        return "".join(f"{rng.randrange(-spread, spread + 1) & 0xFF:02x}" for _ in range(4))

    chunks = 4 * (last_neuron // 16 + 1)
    for name, rows, count in (("winp", last_input, chunks), ("wrec", last_neuron, chunks), ("wout", last_neuron, 4)):
        for row in range(rows + 1):
            print(name, row, *(chunk(rng.choice([20, 60, 127])) for _ in range(count)))
    for word in range(words):
        alpha = rng.randrange(16) if exact[word] and flag() else 0 if exact[word] else rng.randrange(0xC00, 0x1000)
        low = [f"{rng.randrange(1 << 32):08x}" for _ in range(3)]
        high = alpha << 20 | rng.randrange(50, 900) << 4 | rng.randrange(16)
        print("neur", word, *low, f"{high:08x}")

    target_tick = rng.randrange(1, TICKS)
    print(f"tv0 {target_tick} steps {TICKS}")
    for sample in range(SAMPLES):
        print("sample", sample)
        labelled = False
        for tick in range(TICKS):
            inputs = [rng.randrange(last_input + 1) for _ in range(rng.choice([0, 0, 3, 8]))]
            line = f"tick {tick}" + "".join(f" {i}" for i in ["in"] + inputs if inputs)
            learns = do_eprop != 0 and (tick >= target_tick or regul_mode & 6 == 6)
            if learns and 0 < tick < TICKS - 1 and not (single_label and labelled):
                targets = [rng.randrange(last_output + 1)]
                if regression:
                    values = [rng.randrange(-3000, 3000) & 0xFFFF for _ in range(last_output + 1)]
                    targets = [byte for value in values for byte in (value & 0xFF, value >> 8)]
                labelled = not regression
                line += " target" + "".join(f" {t}" for t in targets)
            print(line)
    for name, rows in (("winp", last_input), ("wrec", last_neuron), ("wout", last_neuron), ("neur", words - 1)):
        for row in range(rows + 1):
            print(f"f{name}", row)


if __name__ == "__main__":
    main()
