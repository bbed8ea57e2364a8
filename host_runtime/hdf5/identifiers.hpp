// What the files of this folder share of the C API: owners of identifiers, types, quiet errors.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <type_traits>

/// The element types of h5.hpp that are numbers, for explicit instantiations: apply(T) for each.
#define MEMPROP_H5_NUMBERS(apply)                                                                        \
    apply(std::uint8_t) apply(std::int16_t) apply(std::int32_t) apply(std::uint32_t) apply(std::int64_t) \
        apply(std::uint64_t) apply(float) apply(double)

namespace memprop::host::h5 {

static_assert(std::is_same_v<hid_t, std::int64_t>);

/// An identifier and the function that gives it back.
class Handle {
public:
    using Close = herr_t (*)(hid_t);
    Handle(hid_t id, Close close) : id_(id), close_(close) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (id_ >= 0) {
            close_(id_);
        }
    }
    operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): passed to C calls
    bool valid() const { return id_ >= 0; }

private:
    hid_t id_;
    Close close_;
};

inline void silence() {
    // The error stack and its printing belong to the thread.
    thread_local const bool done = (H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), true);
    (void)done;
}

template <class T>
hid_t native_type() {
    if constexpr (std::is_same_v<T, std::uint8_t>) {
        return H5T_NATIVE_UINT8;
    } else if constexpr (std::is_same_v<T, std::int16_t>) {
        return H5T_NATIVE_INT16;
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        return H5T_NATIVE_INT32;
    } else if constexpr (std::is_same_v<T, std::uint32_t>) {
        return H5T_NATIVE_UINT32;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return H5T_NATIVE_INT64;
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
        return H5T_NATIVE_UINT64;
    } else if constexpr (std::is_same_v<T, float>) {
        return H5T_NATIVE_FLOAT;
    } else {
        static_assert(std::is_same_v<T, double>);
        return H5T_NATIVE_DOUBLE;
    }
}

inline hid_t string_type(H5T_cset_t charset) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, charset);
    return type;
}

}  // namespace memprop::host::h5
