#include "testbenches/digital_core/dump.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zip.h>

#include <bit>
#include <boost/crc.hpp>
#include <memory>
#include <span>
#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"

namespace memprop::tb {
namespace {

static_assert(std::endian::native == std::endian::little);

// numpy.lib.format 1.0: magic, header length, a Python dictionary padded to 64 bytes, the data in C order.
std::string npy_header(std::string_view type, const std::vector<std::size_t>& shape) {
    std::string dictionary = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({},), }}", type,
                                         fmt::join(shape, ", "));
    dictionary.append(63 - (10 + dictionary.size()) % 64, ' ');
    dictionary += '\n';
    std::string header = "\x93NUMPY\x01";
    header += '\0';
    header += static_cast<char>(dictionary.size() % 256);
    header += static_cast<char>(dictionary.size() / 256);
    return header + dictionary;
}

class NpzWriter {
public:
    explicit NpzWriter(const std::filesystem::path& file) {
        int error = 0;
        archive_.reset(zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error));
        if (!archive_) {
            zip_error_t described;
            zip_error_init_with_code(&described, error);
            const std::string reason = zip_error_strerror(&described);
            zip_error_fini(&described);
            throw RunError(reason);
        }
    }

    template <class Value>
    void add(const std::string& name, std::string_view type, const std::vector<std::size_t>& shape,
             const std::vector<Value>& values) {
        std::string& content = contents_.emplace_back(npy_header(type, shape));
        content.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value));
        zip_source_t* source = zip_source_buffer(archive_.get(), content.data(), content.size(), 0);
        const zip_int64_t index =
            source == nullptr ? -1 : zip_file_add(archive_.get(), (name + ".npy").c_str(), source, 0);
        if (index < 0) {
            zip_source_free(source);
            throw RunError(zip_strerror(archive_.get()));
        }
        zip_set_file_compression(archive_.get(), static_cast<zip_uint64_t>(index), ZIP_CM_DEFLATE, 1);
    }

    void close() {
        if (zip_close(archive_.get()) != 0) {
            throw RunError(zip_strerror(archive_.get()));
        }
        static_cast<void>(archive_.release());
    }

private:
    std::unique_ptr<zip_t, decltype(&zip_discard)> archive_{nullptr, zip_discard};
    std::vector<std::string> contents_ = reserved();  // libzip reads them when it closes

    static std::vector<std::string> reserved() {
        std::vector<std::string> strings;
        strings.reserve(16);
        return strings;
    }
};

std::vector<std::uint32_t> generator_contents(const hw::CoreState& state) {
    using hw::RoundingLfsrs;
    const RoundingLfsrs& neuron = state.rng_neuron;
    return {state.rng_w_in.contents(),
            state.rng_w_rec.contents(),
            state.rng_w_out.contents(),
            neuron.contents(RoundingLfsrs::membrane, 0),
            neuron.contents(RoundingLfsrs::membrane, 1),
            state.rng_y.contents(),
            neuron.contents(RoundingLfsrs::input_trace, 0),
            neuron.contents(RoundingLfsrs::input_trace, 1),
            neuron.contents(RoundingLfsrs::recurrent_trace, 0),
            neuron.contents(RoundingLfsrs::recurrent_trace, 1),
            neuron.contents(RoundingLfsrs::output_trace, 0),
            neuron.contents(RoundingLfsrs::output_trace, 1)};
}

}  // namespace

StepDump::StepDump(hw::Core& core) : core_(core), before_(core.cycles()) {
    core_.set_observer(this);
}

StepDump::~StepDump() {
    core_.set_observer(nullptr);
}

void StepDump::step_done(const hw::Core& core) {
    const hw::CoreState& state = core.memory();
    const std::uint32_t neurons = core.registers().last_neuron() + 1;
    for (std::uint32_t byte = 0; byte < (neurons + 7) / 8; ++byte) {
        spikes_.push_back(static_cast<std::uint8_t>(state.z.words()[byte / 8] >> (8 * (byte % 8))));
    }
    y_.insert(y_.end(), state.y.begin(), state.y.begin() + core.registers().last_output() + 1);
    last_state_.clear();
    last_state_.insert(last_state_.end(), state.u.begin(), state.u.begin() + neurons);
    last_state_.insert(last_state_.end(), state.ti.begin(), state.ti.begin() + neurons);
    last_state_.insert(last_state_.end(), state.tr.begin(), state.tr.begin() + neurons);
    last_state_.insert(last_state_.end(), state.to.begin(), state.to.begin() + neurons);
    boost::crc_32_type crc;
    crc.process_bytes(last_state_.data(), last_state_.size() * sizeof(std::uint16_t));
    state_crc32_.push_back(crc.checksum());
    const auto generators = generator_contents(state);
    lfsr_.insert(lfsr_.end(), generators.begin(), generators.end());
    const hw::CycleCounts& now = core.cycles();
    for (const std::uint64_t delta : {now.step - before_.step, now.eprop - before_.eprop,
                                      now.prop_busy - before_.prop_busy, now.events - before_.events}) {
        busy_delta_.push_back(static_cast<std::uint16_t>(delta));
    }
    before_ = now;
}

void StepDump::eprop_done(const hw::Core& core) {
    const hw::CoreState& state = core.memory();
    const std::uint32_t inputs = core.registers().last_input() + 1,
                        neurons = core.registers().last_neuron() + 1;
    boost::crc_32_type crc;
    const auto add_rows = [&](const std::int8_t* memory, std::uint32_t rows, std::size_t stride,
                              std::size_t columns) {
        for (std::uint32_t i = 0; i < rows; ++i) {
            crc.process_bytes(memory + i * stride, columns);
        }
    };
    add_rows(state.w_in.data(), inputs, hw::kMaxNeurons, neurons);
    add_rows(state.w_rec.data(), neurons, hw::kMaxNeurons, neurons);
    add_rows(state.w_out.data(), neurons, hw::kMaxOutputs, core.registers().last_output() + 1);
    weight_crc32_.push_back(crc.checksum());
}

void StepDump::end_sample(bool training) {
    end_state_.insert(end_state_.end(), last_state_.begin(), last_state_.end());
    ++samples_;
    training_samples_ += training ? 1 : 0;
}

void StepDump::write(const std::filesystem::path& file) const {
    const std::size_t records = samples_ == 0 ? 0 : state_crc32_.size() / samples_;
    const auto last_axis = [&](std::size_t values) {
        return state_crc32_.empty() ? 0 : values / state_crc32_.size();
    };
    host::write_atomically(file, [&](const std::filesystem::path& temporary) {
        NpzWriter npz(temporary);
        npz.add("spikes", "|u1", {samples_, records, last_axis(spikes_.size())}, spikes_);
        npz.add("y", "<i2", {samples_, records, last_axis(y_.size())}, y_);
        npz.add("state_crc32", "<u4", {samples_, records}, state_crc32_);
        npz.add("lfsr", "<u4", {samples_, records, 12}, lfsr_);
        npz.add("busy_delta", "<u2", {samples_, records, 4}, busy_delta_);
        npz.add("weight_crc32", "<u4",
                {training_samples_, training_samples_ == 0 ? 0 : weight_crc32_.size() / training_samples_},
                weight_crc32_);
        npz.add("end_state", "<u2", {samples_, 4, samples_ == 0 ? 0 : end_state_.size() / samples_ / 4},
                end_state_);
        npz.close();
    });
}

}  // namespace memprop::tb
