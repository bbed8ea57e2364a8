#include <fmt/ranges.h>

#include "testbenches/digital_core/script.hpp"

namespace memprop::tb {

struct Observation {
    hw::NeuronSet z;
    std::array<std::int16_t, hw::kMaxOutputs> y{};
    std::optional<std::uint8_t> label;
};

namespace {

// What stands behind the outputs of a STEP, before learning and new events.
class StepObserver : public hw::CoreObserver {
public:
    explicit StepObserver(hw::Core& core) : core_(core) { core_.set_observer(this); }
    ~StepObserver() override { core_.set_observer(nullptr); }
    StepObserver(const StepObserver&) = delete;
    StepObserver& operator=(const StepObserver&) = delete;

    void step_done(const hw::Core& core) override {
        last.z = core.memory().z;
        last.y = core.memory().y;
    }
    void eprop_done(const hw::Core&) override {}

    Observation last;

private:
    hw::Core& core_;
};

// Answers what the core asks for until it waits for the next tick. Returns the label if one was sent.
std::optional<std::uint8_t> serve(const TextPlace& place, CoreDriver& driver,
                                  const std::vector<std::uint8_t>& targets) {
    std::optional<std::uint8_t> label;
    auto next_target = targets.begin();
    for (;;) {
        const hw::Core& core = driver.core();
        if (core.state() == hw::GlobalState::GET_TAR) {
            if (next_target == targets.end()) {
                place.fail("the core waits for a target, and this tick gives none or too few bytes");
            }
            driver.target(*next_target++);
        } else if (core.state() == hw::GlobalState::SEND) {
            const std::uint8_t data = driver.take_output();
            if (core.registers().flag(hw::Reg::SEND_LABEL_ONLY)) {
                label = data;
            }
        } else {
            break;
        }
    }
    if (next_target != targets.end()) {
        place.fail("the core does not ask for all target bytes of this tick");
    }
    return label;
}

}  // namespace

std::string Script::observed_tick(const Tick& tick, bool first, bool last,
                                  const Observation& observation) const {
    // Values replace what stands in the line; a line without any gets them after its inputs.
    const bool add = !shows_values_ && !first;
    std::string z = "z", y = "y";
    const std::size_t digits = tick.z_digits.value_or(2 * (registers_.last_index() / 8 + 1));
    for (std::uint32_t byte = 0; byte < digits / 2; ++byte) {
        std::uint32_t flags = 0;
        for (std::uint32_t bit = 0; bit < 8 && 8 * byte + bit < hw::kMaxNeurons; ++bit) {
            flags |= (observation.z.test(8 * byte + bit) ? 1U : 0U) << bit;
        }
        z += fmt::format("{:02x}", flags);
    }
    for (std::uint32_t k = 0; k <= registers_.last_output(); ++k) {
        y += fmt::format(" {}", observation.y[k]);
    }
    std::vector<std::string> out;
    bool skip = false, added = !add;
    for (const std::string& word : split(lines_[tick.line - 1])) {
        const bool keyword =
            word == "in" || word == "y" || word == "target" || word == "label" || word[0] == 'z';
        skip = skip && !keyword;
        if (word == "target" && !added) {
            out.push_back(z);
            out.push_back(y);
            added = true;
        }
        if (skip) {
            continue;
        }
        if (word[0] == 'z') {
            out.push_back(z);
        } else if (word == "y") {
            out.push_back(y);
            skip = true;
        } else if (word == "label") {
            out.push_back(fmt::format("label {}", *observation.label));
            skip = true;
        } else {
            out.push_back(word);
        }
    }
    if (!added) {
        out.push_back(z);
        out.push_back(y);
    }
    if (add && observation.label && last) {
        out.push_back(fmt::format("label {}", *observation.label));
    }
    return fmt::format("{}", fmt::join(out, " "));
}

void Script::run_sample(CoreDriver& driver, const Sample& sample, std::vector<std::string>& lines) const {
    StepObserver observer(driver.core());
    CoreDriver::Levels levels;
    for (std::uint32_t k = 0; k < steps_; ++k) {
        const Tick& tick = sample.ticks[k];
        const TextPlace place{file_, tick.line};
        const bool last = k + 1 == steps_;
        levels.sample = !last;
        levels.target_valid = levels.infer_acc = k >= first_target_tick_;
        driver.set_levels(levels);
        for (const std::uint8_t address : tick.inputs) {
            driver.input_event(address);
        }
        driver.tick();
        observer.last.label = serve(place, driver, tick.targets);
        if (driver.core().state() != (last ? hw::GlobalState::IDLE : hw::GlobalState::PROP)) {
            throw RunError(fmt::format("{}:{}: the core is in state {} after this tick", file_, tick.line,
                                       static_cast<int>(driver.core().state())));
        }
        if (tick.shows_label && !observer.last.label) {
            place.fail("the line shows a label, and the core sends none at this tick");
        }
        lines[tick.line - 1] = observed_tick(tick, k == 0, last, observer.last);
    }
    driver.set_levels({});
}

std::string Script::run(CoreDriver& driver) const {
    std::vector<std::string> lines = lines_;
    driver.reset();
    bool configuring = true;
    const auto configure = [&](bool enable) {
        if (configuring != enable) {
            driver.write_register(static_cast<std::uint32_t>(hw::Reg::EN_CONF), enable ? 1 : 0);
            configuring = enable;
        }
    };
    for (const Operation& operation : operations_) {
        const Access& access = operation.access;
        configure(operation.kind != Operation::Kind::sample);
        switch (operation.kind) {
            case Operation::Kind::write_register:
                driver.write_register(operation.number, operation.value);
                configuring = operation.number == 0 ? (operation.value & 1) != 0 : configuring;
                break;
            case Operation::Kind::write_memory:
                driver.write_words(access.code, access.address, access.data);
                break;
            case Operation::Kind::sample:
                run_sample(driver, operation.sample, lines);
                break;
            case Operation::Kind::read_back: {
                const std::vector<std::string> words = split(lines[operation.line - 1]);
                std::string line = words[0] + " " + words[1];
                for (const std::uint32_t word :
                     driver.read_words(access.code, access.address, access.words)) {
                    line += fmt::format(" {:08x}", word);
                }
                lines[operation.line - 1] = line;
                break;
            }
        }
    }
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    return text;
}

}  // namespace memprop::tb
