#include "learning/resolve_connect.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"
#include "crossbar/base/random.hpp"

namespace memprop::learning {
namespace {

using network::Connect;
using network::ConnectKind;
using network::Population;
using network::Window;

class Connector {
public:
    Connector(const ProjectionTable& table, const Population& from, const Population& to, DrawKey key)
        : table_(table), from_(from), to_(to), key_(key), onto_itself_(table.from == table.to) {}

    Connect make() const {
        Connect c;
        c.kind = table_.connect;
        c.self = table_.self || !onto_itself_;
        switch (c.kind) {
            case ConnectKind::dense:
                break;
            case ConnectKind::masked:
                c.density = table_.density;
                c.mask = table_.mask_file.empty() ? drawn_mask() : mask_of_file();
                break;
            case ConnectKind::sparse:
                draw_fan_out(c);
                break;
            case ConnectKind::one_to_one:
                break;
            case ConnectKind::convolution:
            case ConnectKind::pool:
                c.window = window();
                c.factor =
                    table_.average ? 1.0 / double(c.window.kernel_height * c.window.kernel_width) : 1.0;
                break;
        }
        if (table_.bias && (c.kind == ConnectKind::one_to_one || c.kind == ConnectKind::pool)) {
            refuse("bias", true, "connections one_to_one and pool have none");
        }
        return c;
    }

private:
    template <class Value>
    [[noreturn]] void refuse(std::string_view key, const Value& value, std::string_view rule) const {
        throw InputError(fmt::format("projection.{}.{}", table_.name, key), value, rule);
    }

    bool is_self(std::size_t i, std::size_t j) const { return onto_itself_ && !table_.self && i == j; }

    std::vector<std::uint8_t> drawn_mask() const {
        const std::size_t rows = std::size_t{from_.size} + (table_.bias ? 1 : 0);
        std::vector<float> uniform(rows * to_.size);
        fill_uniforms(key_, 0, uniform);
        std::vector<std::uint8_t> mask(uniform.size(), 1);
        for (std::size_t i = 0; i < from_.size; ++i) {
            for (std::size_t j = 0; j < to_.size; ++j) {
                const std::size_t at = i * to_.size + j;
                mask[at] = double(uniform[at]) < table_.density && !is_self(i, j) ? 1 : 0;
            }
        }
        return mask;
    }

    std::vector<std::uint8_t> mask_of_file() const {
        const std::string text = read_input(table_.mask_file);
        std::vector<std::uint8_t> mask;
        std::size_t line = 1, in_line = 0;
        const auto complain = [&](const std::string& what) {
            throw InputError(
                fmt::format("projection.{}.mask_file: {}:{}: {}", table_.name, table_.mask_file, line, what));
        };
        const auto end_line = [&] {
            if (in_line != 0 && in_line != to_.size) {
                complain(fmt::format("has {} values; it must have one for each of the {} neurons of {}",
                                     in_line, to_.size, to_.name));
            }
            in_line = 0;
        };
        for (const char c : text) {
            if (c == '0' || c == '1') {
                ++in_line;
                mask.push_back(c == '1' ? 1 : 0);
            } else if (c == '\n') {
                end_line();
                ++line;
            } else if (c != ' ' && c != ',' && c != '\t' && c != '\r') {
                complain(
                    fmt::format("holds the byte 0x{:02X}; it must hold 0 and 1, one line per "
                                "presynaptic neuron",
                                static_cast<unsigned>(static_cast<unsigned char>(c))));
            }
        }
        end_line();
        if (mask.size() != std::size_t{from_.size} * to_.size) {
            complain(fmt::format("has {} lines of values; it must have one for each of the {} neurons of {}",
                                 mask.size() / to_.size, from_.size, from_.name));
        }
        for (std::size_t i = 0; i < from_.size; ++i) {
            if (i < to_.size && is_self(i, i)) {
                mask[i * to_.size + i] = 0;
            }
        }
        mask.resize(mask.size() + (table_.bias ? to_.size : 0), 1);
        return mask;
    }

    /// Floyd's algorithm: a set of `fan_out` of the neurons there are, every one equally likely (Bentley and
    /// Floyd, Commun. ACM 30, 754, 1987).
    void draw_fan_out(Connect& c) const {
        const auto wanted = static_cast<std::uint64_t>(table_.fan_out);
        const bool no_self = onto_itself_ && !table_.self;
        const std::uint64_t most = to_.size - (no_self ? 1U : 0U);
        if (wanted > most) {
            refuse("fan_out", wanted, fmt::format("must be at most {}, the neurons it can reach", most));
        }
        std::vector<std::uint8_t> taken(to_.size, 0);
        std::vector<std::uint32_t> row;
        c.row_begin.push_back(0);
        c.column.reserve(std::size_t{from_.size} * wanted);
        for (std::uint32_t i = 0; i < from_.size; ++i) {
            row.clear();
            DrawKey key = key_;
            key.event = i;
            for (std::uint64_t j = most - wanted; j < most; ++j) {
                const auto index = static_cast<std::uint32_t>(row.size());
                const auto drawn = static_cast<std::uint32_t>((random_bits(key, index) * (j + 1)) >> 32U);
                const auto column = taken[drawn] != 0 ? static_cast<std::uint32_t>(j) : drawn;
                taken[column] = 1;
                row.push_back(column);
            }
            std::sort(row.begin(), row.end());
            for (const std::uint32_t column : row) {
                taken[column] = 0;
                c.column.push_back(no_self && column >= i ? column + 1 : column);
            }
            c.row_begin.push_back(c.column.size());
        }
        if (table_.bias) {
            for (std::uint32_t j = 0; j < to_.size; ++j) {
                c.column.push_back(j);
            }
            c.row_begin.push_back(c.column.size());
        }
    }

    struct Both {
        std::uint64_t rows, columns;
    };
    Both both(std::string_view key, const std::vector<std::int64_t>& given, Both missing, bool two) const {
        if (given.empty()) {
            return missing;
        }
        if (given.size() > (two ? 2U : 1U)) {
            refuse(key, fmt::format("[{}]", fmt::join(given, ", ")),
                   two ? "must be [rows, columns] or one number for both"
                       : fmt::format("must be one number: {} has one dimension beside its channels",
                                     from_.name));
        }
        const auto last = static_cast<std::uint64_t>(given.back());
        return {two ? static_cast<std::uint64_t>(given.front()) : missing.rows, last};
    }

    Window window() const {
        const std::vector<std::uint64_t>& shape = from_.shape;
        if (shape.size() != 2 && shape.size() != 3) {
            throw InputError(fmt::format(
                "population.{}.shape: must be [channels, rows, columns] or [channels, length], because "
                "projection.{} slides a window over it",
                from_.name, table_.name));
        }
        const bool two = shape.size() == 3, pool = table_.connect == ConnectKind::pool;
        if (table_.kernel.empty()) {
            refuse("kernel", "[]", "must be the size of the window");
        }
        const Both kernel = both("kernel", table_.kernel, {1, 1}, two);
        const Both stride = both("stride", table_.stride, pool ? kernel : Both{1, 1}, two);
        const Both padding = both("padding", table_.padding, {0, 0}, two);
        const Both dilation = both("dilation", table_.dilation, {1, 1}, two);
        Window w{.channels_in = shape[0],
                 .groups = pool ? shape[0] : static_cast<std::uint64_t>(table_.groups),
                 .height_in = two ? shape[1] : 1,
                 .width_in = shape.back(),
                 .kernel_height = kernel.rows,
                 .kernel_width = kernel.columns,
                 .stride_y = stride.rows,
                 .stride_x = stride.columns,
                 .dilation_y = dilation.rows,
                 .dilation_x = dilation.columns,
                 .padding_top = padding.rows,
                 .padding_left = padding.columns};
        const auto size_out = [&](std::uint64_t in, std::uint64_t k, std::uint64_t pad, std::uint64_t step,
                                  std::uint64_t apart) {
            const std::uint64_t reach = apart * (k - 1) + 1;
            if (reach > in + 2 * pad) {
                refuse("kernel", k, fmt::format("reaches over {} of {} points", reach, in + 2 * pad));
            }
            return (in + 2 * pad - reach) / step + 1;
        };
        w.height_out = size_out(w.height_in, w.kernel_height, w.padding_top, w.stride_y, w.dilation_y);
        w.width_out = size_out(w.width_in, w.kernel_width, w.padding_left, w.stride_x, w.dilation_x);
        w.channels_out = pool ? w.channels_in : to_.size / (w.height_out * w.width_out);
        std::vector<std::uint64_t> leads{w.channels_out, w.height_out, w.width_out};
        if (!two) {
            leads.erase(leads.begin() + 1);
        }
        if (w.channels_out * w.height_out * w.width_out != to_.size || w.channels_out == 0 ||
            (!to_.shape.empty() && to_.shape != leads)) {
            refuse("to", table_.to,
                   fmt::format("must have neurons for {} x {} points{}: it has {}", w.height_out, w.width_out,
                               pool ? fmt::format(" of {} channels", w.channels_in) : " of every channel",
                               to_.shape.empty() ? fmt::format("{}", to_.size)
                                                 : fmt::format("[{}]", fmt::join(to_.shape, ", "))));
        }
        if (w.channels_in % w.groups != 0 || w.channels_out % w.groups != 0) {
            refuse("groups", w.groups,
                   fmt::format("must divide the channels, {} and {}", w.channels_in, w.channels_out));
        }
        return w;
    }

    const ProjectionTable& table_;
    const Population &from_, &to_;
    DrawKey key_;
    bool onto_itself_;
};

}  // namespace

network::Connect connect_of(const ProjectionTable& table, const Population& from, const Population& to,
                            std::uint64_t run_seed, ProjectionId id) {
    return Connector(
               table, from, to,
               {.seed = seed_of(run_seed, id), .stream = Stream::connectivity, .array = array_number(id)})
        .make();
}

}  // namespace memprop::learning
