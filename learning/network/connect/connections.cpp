#include "learning/network/connect/connections.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"
#include "learning/network/connect/kinds.hpp"

namespace memprop::network {

template <class Real>
std::unique_ptr<Connection<Real>> make_connection(const Network& network, const Projection& projection,
                                                  Slice post) {
    check(fmt::format("projection.{}.slice", projection.name), post, columns_of(network, projection));
    const ConnectKind kind = projection.connect.kind;
    const auto refuse = [&](std::string_view key, auto value, std::string_view rule) {
        throw InputError(fmt::format("projection.{}.{}", projection.name, key), value, rule);
    };
    const bool needs_weights = kind == ConnectKind::dense || kind == ConnectKind::masked ||
                               kind == ConnectKind::convolution ||
                               (kind == ConnectKind::sparse && !projection.connect.column.empty());
    if (needs_weights && size_of(projection.weights) == 0) {
        refuse("weights", "none", "must be given: they are fixed here, not drawn");
    }
    if (kind != ConnectKind::dense && kind != ConnectKind::masked &&
        (projection.unit != 1.0 || projection.rows_at_once != 0)) {
        refuse("unit, rows_at_once", projection.unit, "only dense projections have them");
    }
    switch (kind) {
        case ConnectKind::dense:
        case ConnectKind::masked:
            return make_dense<Real>(network, projection, post);
        case ConnectKind::sparse:
            return make_sparse<Real>(network, projection, post);
        case ConnectKind::one_to_one:
            return make_one_to_one<Real>(network, projection, post);
        case ConnectKind::convolution:
            return make_convolution<Real>(network, projection, post);
        case ConnectKind::pool:
            return make_pool<Real>(network, projection, post);
    }
    return nullptr;
}

template <class Real>
std::unique_ptr<Connection<Real>> make_connection(const Network& network, const Projection& projection) {
    return make_connection<Real>(network, projection, {.first = 0, .count = columns_of(network, projection)});
}

template std::unique_ptr<Connection<float>> make_connection(const Network&, const Projection&, Slice);
template std::unique_ptr<Connection<double>> make_connection(const Network&, const Projection&, Slice);
template std::unique_ptr<Connection<float>> make_connection(const Network&, const Projection&);
template std::unique_ptr<Connection<double>> make_connection(const Network&, const Projection&);

}  // namespace memprop::network
