#include <algorithm>

#include "testbenches/digital_core/script.hpp"

namespace memprop::tb {
namespace {

constexpr std::uint32_t kNeuronWords = hw::kMaxNeurons / 2;

bool is_placeholder(std::string_view text) {
    return !text.empty() && text.find_first_not_of("xX?") == std::string_view::npos;
}

// A value that a run replaces: a number, or digits left open.
void check_observed_number(const TextPlace& place, std::string_view text, std::int64_t low,
                           std::int64_t high) {
    if (!is_placeholder(text)) {
        parse_number(place, text, low, high);
    }
}

void check_observed_hex(const TextPlace& place, std::string_view text, std::string_view what) {
    const auto is_open_digit = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == 'x' ||
               c == '?';
    };
    if (!std::all_of(text.begin(), text.end(), is_open_digit)) {
        place.fail(fmt::format("'{}': {} must be hexadecimal digits", text, what));
    }
}

void require_words(const TextPlace& place, const std::vector<std::string>& words, std::size_t low,
                   std::size_t high, std::string_view form) {
    if (words.size() < low || words.size() > high) {
        place.fail(fmt::format("must have the form '{}'", form));
    }
}

std::uint32_t row_address(hw::MemoryCode code, std::uint32_t row) {
    return code == hw::MemoryCode::w_in || code == hw::MemoryCode::w_rec ? row << 6 : row << 2;
}

hw::MemoryCode code_of(std::string_view name) {
    return name == "winp"   ? hw::MemoryCode::w_in
           : name == "wrec" ? hw::MemoryCode::w_rec
           : name == "wout" ? hw::MemoryCode::w_out
                            : hw::MemoryCode::neuron;
}

std::uint32_t rows_of(hw::MemoryCode code) {
    return code == hw::MemoryCode::neuron ? kNeuronWords : hw::kMaxNeurons;
}

std::uint32_t max_words_of(hw::MemoryCode code) {
    return code == hw::MemoryCode::w_in || code == hw::MemoryCode::w_rec ? 64 : 4;
}

}  // namespace

Script::Script(const std::filesystem::path& file)
    : file_(file.string()), lines_(read_lines(file)), neuron_words_(kNeuronWords) {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        const std::vector<std::string> words = split(lines_[i]);
        if (!words.empty()) {
            parse_line({file_, i + 1}, words);
        }
    }
    finish_sample();
    if (samples_ == 0) {
        TextPlace{file_, lines_.size()}.fail("the script has no sample");
    }
}

void Script::parse_line(const TextPlace& place, const std::vector<std::string>& words) {
    const std::string& name = words[0];
    if (name == "tick") {
        return parse_tick(place, words);
    }
    finish_sample();
    if (name == "reg") {
        parse_register(place, words);
    } else if (name == "winp" || name == "wrec" || name == "wout") {
        parse_weights(place, words);
    } else if (name == "neur") {
        parse_neuron(place, words);
    } else if (name == "tv0") {
        parse_steps(place, words);
    } else if (name == "sample") {
        parse_sample(place, words);
    } else if (name == "fwinp" || name == "fwrec" || name == "fwout" || name == "fneur") {
        parse_read_back(place, words);
    } else {
        place.fail(
            fmt::format("unknown line '{}'; known are reg, winp, wrec, wout, neur, tv0, sample, tick, "
                        "fwinp, fwrec, fwout, fneur",
                        name));
    }
}

void Script::parse_register(const TextPlace& place, const std::vector<std::string>& words) {
    require_words(place, words, 3, 3, "reg NUMBER VALUE");
    Operation operation;
    operation.kind = Operation::Kind::write_register;
    operation.line = place.line;
    operation.number = static_cast<std::uint32_t>(parse_number(place, words[1], 0, 65535));
    operation.value = static_cast<std::uint32_t>(parse_number(place, words[2], -2147483648LL, 0xFFFFFFFFLL));
    if (hw::find_register(operation.number) == nullptr) {
        place.fail(fmt::format("register {} does not exist", operation.number));
    }
    registers_.write(operation.number, operation.value);
    operations_.push_back(std::move(operation));
}

void Script::parse_weights(const TextPlace& place, const std::vector<std::string>& words) {
    Operation operation;
    operation.kind = Operation::Kind::write_memory;
    operation.line = place.line;
    operation.access.code = code_of(words[0]);
    const std::uint32_t most = max_words_of(operation.access.code);
    require_words(place, words, 3, 2 + most, words[0] + " ROW WORD .." + fmt::format(" (up to {})", most));
    operation.access.address =
        row_address(operation.access.code, static_cast<std::uint32_t>(parse_number(place, words[1], 0, 255)));
    for (std::size_t i = 2; i < words.size(); ++i) {
        operation.access.data.push_back(parse_hex_word(place, words[i]));
    }
    operations_.push_back(std::move(operation));
}

void Script::parse_neuron(const TextPlace& place, const std::vector<std::string>& words) {
    require_words(place, words, 6, 6, "neur WORD w0 w1 w2 w3' or 'neur WORD alpha A thr T");
    const auto word = static_cast<std::uint32_t>(parse_number(place, words[1], 0, kNeuronWords - 1));
    if (words[2] == "alpha") {
        return parse_decoded_neuron(place, words, word);
    }
    Operation operation;
    operation.kind = Operation::Kind::write_memory;
    operation.line = place.line;
    operation.access.code = hw::MemoryCode::neuron;
    operation.access.address = row_address(operation.access.code, word);
    for (std::size_t i = 2; i < words.size(); ++i) {
        operation.access.data.push_back(parse_hex_word(place, words[i]));
    }
    neuron_words_[word] = operation.access.data[3];
    operations_.push_back(std::move(operation));
}

void Script::parse_decoded_neuron(const TextPlace& place, const std::vector<std::string>& words,
                                  std::uint32_t word) {
    if (words[4] != "thr") {
        place.fail("must have the form 'neur WORD alpha A thr T'");
    }
    const auto alpha = static_cast<std::uint32_t>(parse_number(place, words[3], 0x7000, 0x8FFF));
    const auto thr = static_cast<std::uint32_t>(parse_number(place, words[5], -32768, 32767)) & 0xFFFF;
    if ((alpha & 0xF000U) != registers_.alpha_msbs(word)) {
        place.fail(fmt::format("alpha {} contradicts ALPHA_CONF (registers 65 to 68), which gives 0x{:x}...",
                               words[3], registers_.alpha_msbs(word) >> 12));
    }
    if (neuron_words_[word]) {
        if (*neuron_words_[word] >> 20 != (alpha & 0xFFF) || (*neuron_words_[word] >> 4 & 0xFFFF) != thr) {
            place.fail(fmt::format("contradicts the words given for neuron word {}", word));
        }
        return;
    }
    Operation operation;
    operation.kind = Operation::Kind::write_memory;
    operation.line = place.line;
    operation.access.code = hw::MemoryCode::neuron;
    operation.access.address = row_address(operation.access.code, word);
    operation.access.data = {0, 0, 0, (alpha & 0xFFF) << 20 | thr << 4};
    neuron_words_[word] = operation.access.data[3];
    operations_.push_back(std::move(operation));
}

void Script::parse_steps(const TextPlace& place, const std::vector<std::string>& words) {
    require_words(place, words, 4, 4, "tv0 TICK steps TICKS");
    if (words[2] != "steps") {
        place.fail("must have the form 'tv0 TICK steps TICKS'");
    }
    if (samples_ != 0) {
        place.fail("must stand before the first sample");
    }
    steps_ = static_cast<std::uint32_t>(parse_number(place, words[3], 2, 1'000'000));
    first_target_tick_ = static_cast<std::uint32_t>(parse_number(place, words[1], 0, steps_));
    steps_line_ = place.line;
}

void Script::parse_sample(const TextPlace& place, const std::vector<std::string>& words) {
    require_words(place, words, 2, 2, "sample NUMBER");
    if (steps_ == 0) {
        place.fail("'tv0 TICK steps TICKS' must stand before the first sample");
    }
    if (parse_number(place, words[1], 0, 1'000'000) != samples_) {
        place.fail(fmt::format("sample {} out of order: {} comes next", words[1], samples_));
    }
    ++samples_;
    Operation operation;
    operation.kind = Operation::Kind::sample;
    operation.line = operation.sample.line = place.line;
    operations_.push_back(std::move(operation));
}

void Script::finish_sample() {
    if (operations_.empty() || operations_.back().kind != Operation::Kind::sample) {
        return;
    }
    const Sample& sample = operations_.back().sample;
    if (sample.ticks.size() != steps_) {
        TextPlace{file_, sample.line}.fail(fmt::format("the sample has {} ticks, line {} announces {}",
                                                       sample.ticks.size(), steps_line_, steps_));
    }
}

void Script::parse_tick(const TextPlace& place, const std::vector<std::string>& words) {
    if (operations_.empty() || operations_.back().kind != Operation::Kind::sample) {
        place.fail("a tick must follow a line 'sample' or another tick");
    }
    std::vector<Tick>& ticks = operations_.back().sample.ticks;
    Tick tick;
    tick.line = place.line;
    if (words.size() < 2) {
        place.fail("must have the form 'tick NUMBER [in ..] [zHEX y ..] [target ..] [label L]'");
    }
    if (parse_number(place, words[1], 0, 1'000'000) != static_cast<std::int64_t>(ticks.size())) {
        place.fail(fmt::format("tick {} out of order: {} comes next", words[1], ticks.size()));
    }
    if (ticks.size() == steps_) {
        place.fail(fmt::format("line {} announces {} ticks per sample", steps_line_, steps_));
    }
    enum class Section : std::uint8_t { none, inputs, y, targets, label } section = Section::none;
    std::uint32_t y_values = 0, labels = 0;
    for (std::size_t i = 2; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "in") {
            section = Section::inputs;
        } else if (word == "y") {
            section = Section::y;
            tick.shows_y = true;
        } else if (word == "target") {
            section = Section::targets;
        } else if (word == "label") {
            section = Section::label;
            tick.shows_label = true;
        } else if (word.starts_with('z')) {
            check_observed_hex(place, std::string_view(word).substr(1), "spike flags");
            section = Section::none;
            tick.z_digits = word.size() - 1;
        } else if (section == Section::inputs) {
            tick.inputs.push_back(static_cast<std::uint8_t>(parse_number(place, word, 0, 255)));
        } else if (section == Section::y) {
            check_observed_number(place, word, -32768, 32767);
            ++y_values;
        } else if (section == Section::targets) {
            tick.targets.push_back(static_cast<std::uint8_t>(parse_number(place, word, 0, 255)));
        } else if (section == Section::label) {
            check_observed_number(place, word, 0, 15);
            ++labels;
        } else {
            place.fail(fmt::format("'{}' is not expected here", word));
        }
    }
    if (tick.shows_y && y_values != registers_.last_output() + 1) {
        place.fail(
            fmt::format("y has {} values, the core has {} outputs", y_values, registers_.last_output() + 1));
    }
    if (tick.shows_label && labels != 1) {
        place.fail("label needs one number");
    }
    if (ticks.empty() && (tick.z_digits || tick.shows_y)) {
        place.fail("tick 0 only starts a sample and has neither z nor y");
    }
    if (tick.z_digits && *tick.z_digits % 2 != 0) {
        place.fail("spike flags must be whole bytes");
    }
    shows_values_ = shows_values_ || tick.z_digits || tick.shows_y || tick.shows_label;
    ticks.push_back(std::move(tick));
}

void Script::parse_read_back(const TextPlace& place, const std::vector<std::string>& words) {
    Operation operation;
    operation.kind = Operation::Kind::read_back;
    operation.line = place.line;
    operation.access.code = code_of(words[0].substr(1));
    const std::uint32_t most = max_words_of(operation.access.code);
    require_words(place, words, 2, 2 + most, words[0] + " ROW WORD .." + fmt::format(" (up to {})", most));
    operation.access.address = row_address(
        operation.access.code,
        static_cast<std::uint32_t>(parse_number(place, words[1], 0, rows_of(operation.access.code) - 1)));
    for (std::size_t i = 2; i < words.size(); ++i) {
        check_observed_hex(place, words[i], "a word read back");
        if (words[i].size() != 8) {
            place.fail(fmt::format("'{}' must have 8 hexadecimal digits", words[i]));
        }
    }
    operation.access.words =
        words.size() > 2 ? static_cast<std::uint32_t>(words.size() - 2) : row_words(operation.access.code);
    operations_.push_back(std::move(operation));
}

std::uint32_t Script::row_words(hw::MemoryCode code) const {
    return code == hw::MemoryCode::w_in || code == hw::MemoryCode::w_rec
               ? 4 * (registers_.last_neuron() / 16 + 1)
               : 4;
}

}  // namespace memprop::tb
