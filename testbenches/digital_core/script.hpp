// Scripts: a configuration of the core, stimuli of some samples, and the values observed. Lines:
//   reg N V                       configuration register
//   winp|wrec|wout I w0 w1 ..     32-bit chunks of weight row I, hexadecimal
//   neur P w0 w1 w2 w3            neuron word P;  neur P alpha A thr T: the same, decoded
//   tv0 K steps S                 TARGET_VALID and INFER_ACC rise before tick K; S ticks per sample
//   sample S                      starts a sample, numbered from 0; its ticks follow
//   tick K [in a b ..] [zHEX y v ..] [target t ..] [label L]
//   fwinp|fwrec|fwout|fneur I w.. read-back
// Observed are z (spikes after the STEP of this tick, byte 0 first), y, label and the words of the f lines: a
// run replaces what stands there. Digits may be x or ? in a place that a run is to fill. In a file that shows
// no z anywhere, z, y and label are added.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "testbenches/digital_core/driver.hpp"
#include "testbenches/digital_core/text_lines.hpp"

namespace memprop::tb {

struct Observation;

class Script {
public:
    /// Throws InputError with file and line at the first mistake.
    explicit Script(const std::filesystem::path& file);

    /// Runs on the core and returns the text with the observed values.
    std::string run(CoreDriver& driver) const;

private:
    struct Tick {
        std::size_t line = 0;
        std::vector<std::uint8_t> inputs, targets;
        std::optional<std::size_t> z_digits;
        bool shows_y = false, shows_label = false;
    };
    struct Sample {
        std::size_t line = 0;
        std::vector<Tick> ticks;
    };
    struct Access {  // memory words written, or read back
        hw::MemoryCode code{};
        std::uint32_t address = 0, words = 0;
        std::vector<std::uint32_t> data;
    };
    struct Operation {
        enum class Kind : std::uint8_t { write_register, write_memory, sample, read_back } kind{};
        std::size_t line = 0;
        std::uint32_t number = 0, value = 0;
        Access access;
        Sample sample;
    };

    void parse_line(const TextPlace& place, const std::vector<std::string>& words);
    void parse_register(const TextPlace& place, const std::vector<std::string>& words);
    void parse_weights(const TextPlace& place, const std::vector<std::string>& words);
    void parse_neuron(const TextPlace& place, const std::vector<std::string>& words);
    void parse_decoded_neuron(const TextPlace& place, const std::vector<std::string>& words,
                              std::uint32_t word);
    void parse_steps(const TextPlace& place, const std::vector<std::string>& words);
    void parse_sample(const TextPlace& place, const std::vector<std::string>& words);
    void parse_tick(const TextPlace& place, const std::vector<std::string>& words);
    void parse_read_back(const TextPlace& place, const std::vector<std::string>& words);
    void finish_sample();
    void run_sample(CoreDriver& driver, const Sample& sample, std::vector<std::string>& lines) const;
    std::string observed_tick(const Tick& tick, bool first, bool last, const Observation& observation) const;
    std::uint32_t row_words(hw::MemoryCode code) const;

    std::string file_;
    std::vector<std::string> lines_;
    std::vector<Operation> operations_;
    hw::Registers registers_{hw::CoreShape{}};
    std::vector<std::optional<std::uint32_t>> neuron_words_;  // chunk 3 of the words given so far
    std::uint32_t first_target_tick_ = 0, steps_ = 0, samples_ = 0;
    std::size_t steps_line_ = 0;
    bool shows_values_ = false;
};

}  // namespace memprop::tb
