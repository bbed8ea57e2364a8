// The resistances around the devices of a crossbar.
//
// m word lines (row i from the top), n bit lines (column j from the left). Device (i, j) joins
// word-line node W(i,j) to bit-line node B(i,j):
//
//   source i --driver--r_wl-- W(i,0) --r_wl-- W(i,1) -- ... --r_wl-- W(i,n-1)
//   B(0,j) --r_bl-- B(1,j) -- ... --r_bl-- B(m-1,j) --r_bl--sense-- virtual ground j (0 V)
//
// Sources are ideal, at the left; bit lines are held at 0 V at the bottom; the other ends float. With
// both ends driven (sensed), the same source (ground) reaches the far end too, through one more
// segment and one more driver (sense) resistance. A resistance of zero joins the nodes.
#pragma once

#include <string_view>

namespace memprop::crossbar {

struct WireParameters {
    double r_wl_ohm = 0.0;      ///< one word-line segment
    double r_bl_ohm = 0.0;      ///< one bit-line segment
    double r_driver_ohm = 0.0;  ///< between a source and the first segment of its word line
    double r_sense_ohm = 0.0;   ///< between the last segment of a bit line and its virtual ground
    bool drive_both_ends = false;
    bool sense_both_ends = false;

    /// Throws InputError naming the field (after `where` and a dot, if not empty) and its value if a
    /// resistance is neither 0 nor in [1e-9, 1e12] ohm.
    void validate(std::string_view where = "") const;

    bool operator==(const WireParameters&) const = default;
};

}  // namespace memprop::crossbar
