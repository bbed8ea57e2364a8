#include "hw_models/chip/image_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"

namespace memprop::hw::chip {
namespace {

constexpr std::uint32_t kMagic = 0x4349'504D, kVersion = 1;
constexpr std::size_t kHeadWords = 17;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32U;

/// CRC-32 of IEEE 802.3, of the bytes of the words in the order of the file.
std::uint32_t checksum(std::span<const std::uint32_t> words) {
    static constexpr auto kTable = [] {
        std::array<std::uint32_t, 256> table{};
        for (std::uint32_t i = 0; i < table.size(); ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) {
                value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB8'8320U : 0U);
            }
            table[i] = value;
        }
        return table;
    }();
    std::uint32_t crc = ~0U;
    for (const std::uint32_t word : words) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            crc = kTable[(crc ^ (word >> shift)) & 0xFFU] ^ (crc >> 8U);
        }
    }
    return ~crc;
}

void add_entry(std::vector<std::uint32_t>& words, const std::array<std::uint32_t, 3>& numbers,
               const std::string& name) {
    words.insert(words.end(), numbers.begin(), numbers.end());
    words.push_back(static_cast<std::uint32_t>(name.size()));
    for (std::size_t i = 0; i < name.size(); i += 4) {
        std::uint32_t word = 0;
        for (std::size_t k = i; k < std::min(name.size(), i + 4); ++k) {
            word |= std::uint32_t{static_cast<std::uint8_t>(name[k])} << (8 * (k - i));
        }
        words.push_back(word);
    }
}

void add_population(std::vector<std::uint32_t>& words, const ImageFile::Population& population) {
    add_entry(words, {population.first_address, population.size, population.spikes ? 1U : 0U},
              population.name);
}

/// Reads words one after the other and refuses to go beyond the last one.
class Reader {
public:
    Reader(std::span<const std::uint32_t> words, std::string_view place) : words_(words), place_(place) {}

    std::uint32_t word() {
        if (next_ == words_.size()) {
            fail("ends too early");
        }
        return words_[next_++];
    }
    std::span<const std::uint32_t> several(std::uint32_t count) {
        if (count > words_.size() - next_) {
            fail("ends too early");
        }
        const auto taken = words_.subspan(next_, count);
        next_ += count;
        return taken;
    }
    bool flag() {
        const std::uint32_t value = word();
        if (value > 1) {
            fail("a flag must be 0 or 1");
        }
        return value == 1;
    }
    ImageFile::Population population() {
        ImageFile::Population out{.first_address = word(), .size = word(), .spikes = flag(), .name = {}};
        out.name = name();
        return out;
    }
    ImageFile::Array array() {
        ImageFile::Array out{.projection = word(), .tile_rows = word(), .tile_columns = word(), .name = {}};
        out.name = name();
        return out;
    }
    std::string name() {
        const std::uint32_t length = word();
        const auto packed = several(length / 4 + (length % 4 != 0 ? 1 : 0));
        std::string out;
        for (std::uint32_t i = 0; i < length; ++i) {
            out += static_cast<char>(packed[i / 4] >> (8 * (i % 4)));
        }
        return out;
    }
    bool at_end() const { return next_ == words_.size(); }
    [[noreturn]] void fail(std::string_view why) const {
        throw InputError(fmt::format("{}: is no chip image, word {}: {}", place_, next_, why));
    }

private:
    std::span<const std::uint32_t> words_;
    std::string_view place_;
    std::size_t next_ = 0;
};

}  // namespace

std::vector<std::uint32_t> words_of(const ImageFile& image) {
    const ImageFile::Resources& r = image.resources;
    const auto time_step = std::bit_cast<std::uint64_t>(image.time_step_seconds);
    std::vector<std::uint32_t> words{kMagic,
                                     kVersion,
                                     0,
                                     r.mesh_width,
                                     r.mesh_height,
                                     r.neurons_per_core,
                                     r.tiles_per_core,
                                     r.axon_ranges,
                                     r.delay_slots,
                                     r.multicast_trees,
                                     static_cast<std::uint32_t>(time_step),
                                     static_cast<std::uint32_t>(time_step >> 32U),
                                     image.settles ? 1U : 0U,
                                     static_cast<std::uint32_t>(image.sources.size()),
                                     static_cast<std::uint32_t>(image.outputs.size()),
                                     static_cast<std::uint32_t>(image.arrays.size()),
                                     static_cast<std::uint32_t>(image.bursts.size())};
    for (const ImageFile::Population& source : image.sources) {
        add_population(words, source);
    }
    for (const ImageFile::Population& output : image.outputs) {
        add_population(words, output);
    }
    for (const ImageFile::Array& array : image.arrays) {
        add_entry(words, {array.projection, array.tile_rows, array.tile_columns}, array.name);
    }
    for (const ImageFile::Burst& burst : image.bursts) {
        words.push_back(burst.address);
        words.push_back(static_cast<std::uint32_t>(burst.words.size()));
        words.insert(words.end(), burst.words.begin(), burst.words.end());
    }
    words[2] = static_cast<std::uint32_t>(words.size() + 1);
    words.push_back(checksum(words));
    return words;
}

ImageFile decode_image_file(std::span<const std::uint32_t> words, std::string_view place) {
    Reader reader(words, place);
    if (reader.word() != kMagic) {
        reader.fail("the first word must be 0x4349504D");
    }
    if (reader.word() != kVersion) {
        reader.fail("the version must be 1");
    }
    if (reader.word() != words.size() || words.size() <= kHeadWords) {
        reader.fail("the number of words is another one");
    }
    if (words.back() != checksum(words.first(words.size() - 1))) {
        throw InputError(fmt::format("{}: its checksum is wrong: it has been damaged", place));
    }
    reader = Reader(words.first(words.size() - 1), place);
    reader.several(3);
    ImageFile image;
    ImageFile::Resources& r = image.resources;
    for (std::uint32_t* value : {&r.mesh_width, &r.mesh_height, &r.neurons_per_core, &r.tiles_per_core,
                                 &r.axon_ranges, &r.delay_slots, &r.multicast_trees}) {
        *value = reader.word();
    }
    const std::uint64_t low = reader.word(), high = reader.word();
    image.time_step_seconds = std::bit_cast<double>(low | high << 32U);
    image.settles = reader.flag();
    const std::uint32_t sources = reader.word(), outputs = reader.word(), arrays = reader.word(),
                        bursts = reader.word();
    for (std::uint32_t i = 0; i < sources; ++i) {
        image.sources.push_back(reader.population());
    }
    for (std::uint32_t i = 0; i < outputs; ++i) {
        image.outputs.push_back(reader.population());
    }
    for (std::uint32_t i = 0; i < arrays; ++i) {
        image.arrays.push_back(reader.array());
    }
    for (std::uint32_t i = 0; i < bursts; ++i) {
        ImageFile::Burst burst{.address = reader.word(), .words = {}};
        const auto data = reader.several(reader.word());
        burst.words.assign(data.begin(), data.end());
        image.bursts.push_back(std::move(burst));
    }
    if (!reader.at_end()) {
        reader.fail("there are words behind the last burst");
    }
    return image;
}

std::string bytes_of(std::span<const std::uint32_t> words) {
    std::string bytes;
    bytes.reserve(4 * words.size());
    for (const std::uint32_t word : words) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            bytes += static_cast<char>(word >> shift);
        }
    }
    return bytes;
}

ImageFile read_image_file(const std::filesystem::path& file) {
    const std::string bytes = read_input(file, kMostBytes);
    if (bytes.size() % 4 != 0) {
        throw InputError(fmt::format("{}: is no chip image: {} bytes are no whole number of words",
                                     file.string(), bytes.size()));
    }
    std::vector<std::uint32_t> words(bytes.size() / 4);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        words[i / 4] |= std::uint32_t{static_cast<std::uint8_t>(bytes[i])} << (8 * (i % 4));
    }
    return decode_image_file(words, file.string());
}

void check_fits(const ImageFile& image, const ChipConfig& chip) {
    const ImageFile::Resources& r = image.resources;
    if (chip.mesh_width != r.mesh_width || chip.mesh_height != r.mesh_height) {
        throw InputError("chip.mesh_width x chip.mesh_height",
                         fmt::format("{} x {}", chip.mesh_width, chip.mesh_height),
                         fmt::format("the image is for {} x {} cores", r.mesh_width, r.mesh_height));
    }
    const auto check = [](const char* name, std::int64_t limit, std::uint32_t need) {
        if (limit != 0 && limit < std::int64_t{need}) {
            throw InputError(name, limit, fmt::format("is too little: the image needs {}", need));
        }
    };
    check("chip.neurons_per_core", chip.neurons_per_core, r.neurons_per_core);
    check("chip.tiles_per_core", chip.tiles_per_core, r.tiles_per_core);
    check("chip.axon_ranges", chip.axon_ranges, r.axon_ranges);
    check("chip.delay_slots", chip.delay_slots, r.delay_slots);
    check("chip.multicast_trees", chip.multicast_trees, r.multicast_trees);
}

}  // namespace memprop::hw::chip
