// libsystemc asks every program for an sc_main. Programs that only build chips through this library have a
// main of their own and none of these; CMakeLists.txt makes them link this one.
#include <systemc>

__attribute__((weak)) int sc_main(int, char*[]) {
    return 0;
}
