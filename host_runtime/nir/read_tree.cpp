#include "host_runtime/nir/read_tree.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/network.hpp"

namespace memprop::host::nir {
namespace {

constexpr std::uint64_t kMaxStrings = 1U << 20;
constexpr std::uint64_t kUncheckedBytes = 1U << 16;  // claims this small need no backing
// deflate cannot shrink data more than 1032 times; what claims more was never stored.
constexpr std::uint64_t kMaxCompression = 1100;
constexpr std::uint64_t kBlockElements = 1U << 20;

class TreeReader {
public:
    TreeReader(const h5::File& file, std::uint64_t loaded_at_once, std::uint64_t max_loaded)
        : file_(file),
          file_bytes_(std::filesystem::file_size(file.name())),
          loaded_at_once_(loaded_at_once),
          left_(max_loaded) {}

    Group everything() {
        Group result;
        add_links("/", "", 1, result);
        return result;
    }

    Group root() {
        Group result;
        for (const h5::Link& link : links("/")) {
            if (link.name == "version" && link.kind == h5::LinkKind::dataset) {
                result.datasets.push_back(dataset(link.name, link.name));
            } else if (link.name == "node" && link.kind == h5::LinkKind::group) {
                result.groups.push_back(group(link, link.name, 1));
            }
        }
        return result;
    }

private:
    [[noreturn]] void fail(const std::string& path, std::string_view reason) const {
        throw InputError(fmt::format("{}: {}: {}", file_.name(), path, reason));
    }

    std::vector<h5::Link> links(const std::string& path) {
        objects_ += file_.child_count(path);
        if (objects_ > kMaxObjects) {
            fail(path, fmt::format("more than {} groups and datasets in the file", kMaxObjects));
        }
        std::vector<h5::Link> result = file_.children(path);
        for (const h5::Link& link : result) {
            if (link.kind == h5::LinkKind::other) {
                fail(path == "/" ? link.name : path + "/" + link.name,
                     "is a soft or external link or a named type; only groups and datasets are allowed");
            }
        }
        return result;
    }

    Group group(const h5::Link& self, const std::string& path, unsigned depth) {
        if (depth > kMaxDepth) {
            fail(path, fmt::format("groups are nested more than {} deep", kMaxDepth));
        }
        if (!visited_.insert(self.object).second) {
            fail(path, "the group is linked more than once");
        }
        Group result;
        result.name = self.name;
        add_links(path, path + "/", depth + 1, result);
        return result;
    }

    void add_links(const std::string& path, const std::string& prefix, unsigned depth, Group& result) {
        for (const h5::Link& link : links(path)) {
            const std::string child_path = prefix + link.name;
            if (link.kind == h5::LinkKind::dataset) {
                result.datasets.push_back(dataset(child_path, link.name));
            } else {
                result.groups.push_back(group(link, child_path, depth));
            }
        }
    }

    static ElementType type_of(const h5::DatasetInfo& info) {
        if (info.empty_space) {
            return ElementType::unsupported;
        }
        switch (info.kind) {
            case h5::ElementKind::integer:
            case h5::ElementKind::unsigned_integer:
                return ElementType::int64;
            case h5::ElementKind::boolean:
                return ElementType::boolean;
            case h5::ElementKind::floating:
                return info.element_bytes <= 4 ? ElementType::float32 : ElementType::float64;
            case h5::ElementKind::string:
                return ElementType::string;
            default:
                return ElementType::unsupported;
        }
    }

    /// Refuses claims without backing before anything is read.
    void check_claim(const std::string& path, const h5::DatasetInfo& info) const {
        const auto shape = fmt::format("[{}]", fmt::join(info.shape, ", "));
        if (info.elsewhere) {
            fail(path, "its data lies in other files (external or virtual storage)");
        }
        const std::uint64_t count = h5::element_count(info.shape);
        const std::uint64_t limit =
            info.kind == h5::ElementKind::string ? kMaxStrings : kMaxParameterElements;
        if (count > limit) {
            fail(path, fmt::format("claims shape {}, at most {} elements are allowed", shape, limit));
        }
        std::uint64_t bytes = 0;
        if (__builtin_mul_overflow(count, info.element_bytes, &bytes)) {
            fail(path, fmt::format("claims elements of {} bytes", info.element_bytes));
        }
        if (info.stored_bytes > file_bytes_) {
            fail(path,
                 fmt::format("claims {} stored bytes, the file has {}", info.stored_bytes, file_bytes_));
        }
        if (bytes > kUncheckedBytes && bytes / kMaxCompression > info.stored_bytes) {
            fail(path, fmt::format("claims shape {} ({} bytes), the file stores only {} bytes of it", shape,
                                   bytes, info.stored_bytes));
        }
    }

    /// Without asking again what it is: opening objects is most of the work of a file with many nodes.
    template <class T>
    std::vector<T> whole(const std::string& path, const h5::DatasetInfo& info) const {
        return file_.read_block<T>(path, Shape(info.shape.size(), 0), info.shape);
    }

    Dataset dataset(const std::string& path, const std::string& name) {
        const h5::DatasetInfo info = file_.info(path);
        Dataset result{name, type_of(info), info.shape, {}};
        if (result.type == ElementType::unsupported) {
            return result;
        }
        check_claim(path, info);
        if (result.type == ElementType::string) {
            result.values = whole<std::string>(path, info);
        } else if (const std::uint64_t count = h5::element_count(info.shape); count <= loaded_at_once_) {
            if (count > left_) {
                fail(path, "the file has too many numbers");
            }
            left_ -= count;
            if (result.type == ElementType::float32) {
                result.values = whole<float>(path, info);
            } else if (result.type == ElementType::float64) {
                result.values = whole<double>(path, info);
            } else {
                result.values = whole<std::int64_t>(path, info);
            }
        }
        return result;
    }

    const h5::File& file_;
    std::uint64_t file_bytes_;
    std::uint64_t loaded_at_once_;
    std::uint64_t left_;  // numbers that may still be loaded
    std::uint64_t objects_ = 0;
    std::set<std::uint64_t> visited_;
};

template <class T>
void send_block(const h5::File& file, std::string_view node_type, const std::string& path,
                const Dataset& dataset, const Shape& offset, const Shape& count, std::uint64_t first,
                const Sink& sink) {
    Values values = file.read_block<T>(path, offset, count);
    check_values(node_type, dataset.name, values, first, fmt::format("{}: {}", file.name(), path));
    const auto& numbers = std::get<std::vector<T>>(values);
    sink({reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)});
}

}  // namespace

Group read_tree(const h5::File& file) {
    return TreeReader(file, kLoadedAtOnce, UINT64_MAX).root();
}

Group read_everything(const h5::File& file, std::uint64_t max_elements) {
    return TreeReader(file, max_elements, max_elements).everything();
}

void send_values(const h5::File& file, const Group& parent, const std::string& path, const Dataset& dataset,
                 const Sink& sink) {
    std::string node_type;
    if (const Dataset* type = parent.find_dataset("type")) {
        if (const auto* names = std::get_if<std::vector<std::string>>(&type->values);
            names && names->size() == 1) {
            node_type = names->front();
        }
    }
    // Blocks are ranges of the first axis whose rows are not too long to be read at once: all axes
    // in front of it are walked one index at a time.
    const Shape& shape = dataset.shape;
    h5::expect_bytes(h5::element_count(shape) * sizeof(double));
    std::size_t axis = 0;
    std::uint64_t row = h5::element_count(shape) / shape[0];
    while (row > kBlockElements && axis + 1 < shape.size()) {
        ++axis;
        row /= shape[axis];
    }
    const std::uint64_t rows_at_once = std::max<std::uint64_t>(1, kBlockElements / row);
    Shape offset(shape.size(), 0), count = shape;
    std::fill_n(count.begin(), axis, 1);
    std::uint64_t first = 0;
    for (bool more = true; more;) {
        for (offset[axis] = 0; offset[axis] < shape[axis]; offset[axis] += rows_at_once) {
            count[axis] = std::min(rows_at_once, shape[axis] - offset[axis]);
            switch (dataset.type) {
                case ElementType::float32:
                    send_block<float>(file, node_type, path, dataset, offset, count, first, sink);
                    break;
                case ElementType::float64:
                    send_block<double>(file, node_type, path, dataset, offset, count, first, sink);
                    break;
                default:
                    send_block<std::int64_t>(file, node_type, path, dataset, offset, count, first, sink);
                    break;
            }
            first += count[axis] * row;
        }
        more = false;
        for (std::size_t i = axis; i-- > 0 && !more;) {
            more = ++offset[i] < shape[i];
            if (!more) {
                offset[i] = 0;
            }
        }
    }
}

}  // namespace memprop::host::nir
