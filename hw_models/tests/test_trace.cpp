// The writer of value change dumps.
#include <doctest/doctest.h>

#include <string>

#include "crossbar/base/error.hpp"
#include "hw_models/trace/vcd_writer.hpp"

using memprop::hw::trace::VcdWriter;

TEST_CASE("vcd_writer: declarations, first values and changes, in whole periods") {
    std::string text;
    VcdWriter writer([&](std::string_view piece) { text += piece; }, 2.5);
    const auto busy = writer.add("chip.core_0", "busy");
    const auto level = writer.add("chip.core_0", "level", 12);
    const auto other = writer.add("chip.core_1", "busy");
    writer.set(level, 3, 0);  // before it begins: the first value
    writer.begin(4);
    writer.set(busy, 1, 4);
    writer.set(level, 3, 5);  // no change
    writer.set(level, 10, 6);
    writer.set(other, 1, 6);
    writer.set(level, 0, 7);
    writer.finish(9);
    CHECK(text ==
          "$timescale 1 ps $end\n"
          "$scope module chip $end\n$scope module core_0 $end\n"
          "$var wire 1 ! busy $end\n$var wire 12 \" level [11:0] $end\n"
          "$upscope $end\n$scope module core_1 $end\n$var wire 1 # busy $end\n$upscope $end\n$upscope $end\n"
          "$enddefinitions $end\n"
          "#10000\n$dumpvars\n0!\nb11 \"\n0#\n$end\n"
          "1!\n#15000\nb1010 \"\n1#\n#17500\nb0 \"\n#22500\n");
}

TEST_CASE("vcd_writer: periods of parts of a picosecond, names of any characters, many variables") {
    std::string text;
    VcdWriter writer([&](std::string_view piece) { text += piece; }, 0.0125);
    for (int i = 0; i < 9000; ++i) {
        writer.add("all", std::to_string(i));
    }
    writer.begin(3);
    writer.finish(4);
    CHECK(text.starts_with("$timescale 1 fs $end\n"));
    CHECK(text.find("$var wire 1 ~ 93 $end\n$var wire 1 !! 94 $end\n$var wire 1 \"! 95 $end\n") !=
          std::string::npos);
    CHECK(text.find("#37500\n") != std::string::npos);
    CHECK(text.ends_with("#50000\n"));
    CHECK(VcdWriter::scope_name("0.lif a[1]\xC3\xBC") == "0_lif_a_1___");
    CHECK_THROWS_AS(VcdWriter([](std::string_view) {}, 1e-7), memprop::InputError);
}
