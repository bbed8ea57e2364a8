// A training sample allocates nothing per step: counted by replacing the global operator new.
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "learning/trainer.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

using namespace memprop;
using namespace memprop::learning;

TEST_CASE("a training sample of 1000 steps allocates at most a few times") {
    for (const char* scheme : {"vanilla", "mixed_precision", "multi_device", "batch_accumulate"}) {
        CAPTURE(scheme);
        ExperimentConfig config;
        config.update.scheme = scheme;
        Trainer trainer(config);
        for (int i = 0; i < 3; ++i) {
            trainer.train_sample();
        }
        const std::size_t before = allocations;
        for (int i = 0; i < 30; ++i) {
            trainer.train_sample();
        }
        // History of epochs and the buffers of three refreshes; nothing that grows with the 30 000 steps.
        CHECK(allocations - before < 300);
    }
}

TEST_CASE("a network of many models and connections allocates nothing per step") {
    ExperimentConfig config;
    config.update.scheme = "vanilla";
    config.network.inputs = 20;
    const auto population = [&](const char* name, const char* model, std::int64_t size) {
        PopulationTable table;
        table.name = name;
        table.model = model;
        table.size = size;
        config.tables.populations.push_back(table);
    };
    population("in", "input", 20);
    population("cuba", "cuba_lif", 30);
    population("fire", "if", 30);
    population("adex", "adex", 10);
    population("values", "li", 10);
    population("out", "leaky_readout", 1);
    const auto projection = [&](const char* from, const char* to, network::ConnectKind kind,
                                std::int64_t delay, const char* rule) {
        ProjectionTable table;
        table.name = std::string(from) + "_" + to;
        table.from = from;
        table.to = to;
        table.connect = kind;
        table.delay_steps = delay;
        table.rule = rule;
        config.tables.projections.push_back(table);
    };
    using network::ConnectKind;
    projection("in", "cuba", ConnectKind::dense, 0, "eprop");
    projection("cuba", "cuba", ConnectKind::sparse, 1, "eprop");
    projection("cuba", "fire", ConnectKind::one_to_one, 0, "");
    projection("fire", "adex", ConnectKind::masked, 2, "eprop");
    projection("fire", "values", ConnectKind::sparse, 0, "");
    projection("values", "out", ConnectKind::dense, 0, "eprop");
    projection("cuba", "out", ConnectKind::dense, 3, "eprop");
    config.tables.projections.back().delay = network::DelayKind::dendritic;
    ObjectiveTable objective;
    objective.name = "answer";
    objective.population = "out";
    config.tables.objectives = {objective};
    Trainer trainer(config);
    for (int i = 0; i < 3; ++i) {
        trainer.train_sample();
    }
    const std::size_t before = allocations;
    for (int i = 0; i < 10; ++i) {
        trainer.train_sample();
    }
    CHECK(allocations - before < 300);  // of 10 000 steps
}
