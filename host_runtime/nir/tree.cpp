#include "host_runtime/nir/tree.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "crossbar/base/error.hpp"

namespace memprop::host::nir {
namespace {

class Serialiser {
public:
    Serialiser(const Loader& load, const Sink& sink) : load_(load), sink_(sink) {}

    void run(const Group& root) {
        put_group(root, "");
        flush();
    }

private:
    static constexpr std::size_t kBufferBytes = 1 << 20;

    void flush() {
        sink_(buffer_);
        buffer_.clear();
    }

    void append(std::string_view bytes) {
        if (bytes.size() >= kBufferBytes) {
            flush();
            sink_(bytes);
            return;
        }
        buffer_.append(bytes);
        if (buffer_.size() >= kBufferBytes) {
            flush();
        }
    }

    template <class T>
    void put(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        append({reinterpret_cast<const char*>(&value), sizeof value});
    }

    void put_string(std::string_view text) {
        put(static_cast<std::uint64_t>(text.size()));
        append(text);
    }

    void put_dataset(const Group& parent, const Dataset& dataset, const std::string& path) {
        put_string(dataset.name);
        put(dataset.type);
        put(static_cast<std::uint8_t>(dataset.shape.size()));
        for (const std::uint64_t extent : dataset.shape) {
            put(extent);
        }
        const bool fetch = !dataset.loaded() && load_ && dataset.is_number();
        put(static_cast<std::uint8_t>(dataset.loaded() || fetch));
        if (fetch) {
            load_(parent, path, dataset, [this](std::string_view bytes) { append(bytes); });
        }
        std::visit(
            [&](const auto& values) {
                using V = std::decay_t<decltype(values)>;
                if constexpr (std::is_same_v<V, std::vector<std::string>>) {
                    for (const std::string& text : values) {
                        put_string(text);
                    }
                } else if constexpr (!std::is_same_v<V, std::monostate>) {
                    append({reinterpret_cast<const char*>(values.data()),
                            values.size() * sizeof(typename V::value_type)});
                }
            },
            dataset.values);
    }

    void put_group(const Group& group, const std::string& path) {
        put_string(group.name);
        put(static_cast<std::uint64_t>(group.datasets.size()));
        for (const Dataset& dataset : group.datasets) {
            put_dataset(group, dataset, path + "/" + dataset.name);
        }
        put(static_cast<std::uint64_t>(group.groups.size()));
        for (const Group& child : group.groups) {
            put_group(child, path + "/" + child.name);
        }
    }

    const Loader& load_;
    const Sink& sink_;
    std::string buffer_;
};

class Parser {
public:
    explicit Parser(std::span<const char> bytes) : bytes_(bytes) {}

    Group parse() {
        Group root = group(0);
        if (!bytes_.empty()) {
            damaged("bytes are left over");
        }
        return root;
    }

private:
    [[noreturn]] static void damaged(const char* what) {
        throw InputError(std::string("decoded tree is damaged: ") + what);
    }

    std::span<const char> take(std::uint64_t count) {
        if (count > bytes_.size()) {
            damaged("ends early");
        }
        const auto front = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return front;
    }

    template <class T>
    T number() {
        T value;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }

    std::string text() {
        const auto front = take(number<std::uint64_t>());
        return {front.begin(), front.end()};
    }

    std::string name_after(std::string_view previous, bool first) {
        std::string name = text();
        if (name.empty() || name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
            damaged("a name is empty or holds '/' or NUL");
        }
        if (!first && name <= previous) {
            damaged("names are not in order");
        }
        return name;
    }

    template <class T>
    std::vector<T> values(std::uint64_t count) {
        if (count > bytes_.size() / sizeof(T)) {
            damaged("ends early");
        }
        std::vector<T> out(count);
        if (count > 0) {
            std::memcpy(out.data(), take(count * sizeof(T)).data(), count * sizeof(T));
        }
        return out;
    }

    Values values(ElementType type, std::uint64_t count) {
        switch (type) {
            case ElementType::float32:
                return values<float>(count);
            case ElementType::float64:
                return values<double>(count);
            case ElementType::int64:
            case ElementType::boolean:
                return values<std::int64_t>(count);
            case ElementType::unsupported:
                damaged("values of an unsupported type");
            case ElementType::string:
                break;
        }
        if (count > bytes_.size() / sizeof(std::uint64_t)) {
            damaged("ends early");
        }
        std::vector<std::string> out(count);
        for (std::string& entry : out) {
            entry = text();
        }
        return out;
    }

    void count_object() {
        if (++objects_ > kMaxObjects) {
            damaged("too many groups and datasets");
        }
    }

    Dataset dataset(std::string_view previous, bool first) {
        count_object();
        Dataset result;
        result.name = name_after(previous, first);
        const auto type = number<std::uint8_t>();
        if (type > static_cast<std::uint8_t>(ElementType::unsupported)) {
            damaged("unknown element type");
        }
        result.type = static_cast<ElementType>(type);
        result.shape.resize(number<std::uint8_t>());
        for (std::uint64_t& extent : result.shape) {
            extent = number<std::uint64_t>();
        }
        const std::uint64_t count = h5::element_count(result.shape);
        if (count > kMaxParameterElements) {
            damaged("a dataset is too large");
        }
        if (number<std::uint8_t>() != 0) {
            result.values = values(result.type, count);
        } else if (result.is_number()) {
            damaged("the numbers of a dataset are missing");
        }
        return result;
    }

    Group group(unsigned depth) {
        if (depth > kMaxDepth) {
            damaged("groups are nested too deeply");
        }
        count_object();
        Group result;
        result.name = depth == 0 ? text() : name_after({}, true);
        const auto dataset_count = number<std::uint64_t>();
        for (std::uint64_t i = 0; i < dataset_count; ++i) {
            result.datasets.push_back(
                dataset(i == 0 ? std::string_view() : result.datasets.back().name, i == 0));
        }
        const auto group_count = number<std::uint64_t>();
        for (std::uint64_t i = 0; i < group_count; ++i) {
            result.groups.push_back(group(depth + 1));
            if (i > 0 && result.groups[i].name <= result.groups[i - 1].name) {
                damaged("names are not in order");
            }
        }
        return result;
    }

    std::span<const char> bytes_;
    std::uint64_t objects_ = 0;
};

template <class Item>
const Item* find_by_name(const std::vector<Item>& items, std::string_view name) {
    const auto it = std::lower_bound(items.begin(), items.end(), name,
                                     [](const Item& item, std::string_view key) { return item.name < key; });
    return it != items.end() && it->name == name ? &*it : nullptr;
}

}  // namespace

std::string_view to_string(ElementType type) {
    switch (type) {
        case ElementType::float32:
            return "float32";
        case ElementType::float64:
            return "float64";
        case ElementType::int64:
            return "int64";
        case ElementType::boolean:
            return "boolean";
        case ElementType::string:
            return "string";
        case ElementType::unsupported:
            break;
    }
    return "unsupported type";
}

const Dataset* Group::find_dataset(std::string_view dataset_name) const {
    return find_by_name(datasets, dataset_name);
}

const Group* Group::find_group(std::string_view group_name) const {
    return find_by_name(groups, group_name);
}

std::string serialise(const Group& group) {
    std::string out;
    serialise(group, nullptr, [&](std::string_view bytes) { out.append(bytes); });
    return out;
}

void serialise(const Group& group, const Loader& load, const Sink& sink) {
    Serialiser(load, sink).run(group);
}

Group deserialise(std::span<const char> bytes) {
    return Parser(bytes).parse();
}

}  // namespace memprop::host::nir
