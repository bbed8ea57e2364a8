// memprop._native: the compiled part of the Python package. The package's .py files give its contents
// their public names.
#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "host_runtime/python/bindings.hpp"

PYBIND11_MODULE(_native, module) {
    namespace py = pybind11;
    module.doc() = "Compiled part of memprop; import memprop instead.";
    py::register_exception<memprop::InputError>(module, "InputError", PyExc_ValueError);
    py::register_exception<memprop::RunError>(module, "RunError", PyExc_RuntimeError);
    memprop::apply_simd_environment();
    memprop::host::python::bind_tables(module);
    memprop::host::python::bind_network(module);
    memprop::host::python::bind_training(module);
    memprop::host::python::bind_trainer(module);
    memprop::host::python::bind_simulation(module);
    memprop::host::python::bind_crossbar(module.def_submodule("crossbar"));
}
