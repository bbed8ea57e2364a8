// Image files: what is written is read back, anything else is refused, and so is other hardware.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "hw_models/chip/image_file.hpp"

using namespace memprop::hw::chip;
using memprop::InputError;

namespace {

ImageFile small_image() {
    ImageFile image;
    image.resources = {.mesh_width = 2,
                       .mesh_height = 3,
                       .neurons_per_core = 10,
                       .tiles_per_core = 4,
                       .axon_ranges = 5,
                       .delay_slots = 6,
                       .multicast_trees = 7};
    image.time_step_seconds = 0.1;
    image.settles = true;
    image.sources = {{.first_address = 0, .size = 4, .spikes = true, .name = std::string("input")}};
    image.outputs = {{.first_address = 4, .size = 9, .spikes = true, .name = std::string("neurons")},
                     {.first_address = 13, .size = 1, .spikes = false, .name = std::string()}};
    image.arrays = {{.projection = 2, .tile_rows = 16, .tile_columns = 8, .name = std::string("w_in")}};
    image.bursts = {{.address = 0x400, .words = {1, 2, 0xFFFF'FFFF}}, {.address = 8, .words = {7}}};
    return image;
}

}  // namespace

TEST_CASE("image files are read back; every damaged word is noticed") {
    const ImageFile image = small_image();
    const std::vector<std::uint32_t> words = words_of(image);
    CHECK(decode_image_file(words, "here") == image);
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::vector<std::uint32_t> damaged = words;
        damaged[i] ^= 1U << (i % 32);
        CAPTURE(i);
        CHECK_THROWS_AS(decode_image_file(damaged, "here"), InputError);
    }
    for (std::size_t length = 0; length < words.size(); ++length) {
        CHECK_THROWS_AS(decode_image_file(std::span(words).first(length), "here"), InputError);
    }
    CHECK(bytes_of(std::vector<std::uint32_t>{0x0403'0201}) == std::string("\x01\x02\x03\x04"));
}

TEST_CASE("image files name the resource that another chip lacks") {
    const ImageFile image = small_image();
    ChipConfig chip;
    chip.mesh_width = 2;
    chip.mesh_height = 3;
    CHECK_NOTHROW(check_fits(image, chip));
    chip.tiles_per_core = 3;
    CHECK_THROWS_WITH_AS(check_fits(image, chip), "chip.tiles_per_core = 3: is too little: the image needs 4",
                         InputError);
    chip.tiles_per_core = 4;
    chip.multicast_trees = 6;
    CHECK_THROWS_WITH_AS(check_fits(image, chip),
                         "chip.multicast_trees = 6: is too little: the image needs 7", InputError);
    chip.mesh_width = 3;
    CHECK_THROWS_AS(check_fits(image, chip), InputError);
}
