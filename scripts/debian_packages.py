"""Python modules that Debian packs by themselves: where one is missing, a script names the package."""

import importlib.util
import pathlib
import sys

_PACKAGES = {
    "h5py": "python3-h5py",
    "matplotlib": "python3-matplotlib",
    "numpy": "python3-numpy",
    "sklearn": "python3-sklearn",
}


def need(*modules: str) -> None:
    """Ends the script with exit status 2 and says what to install, unless the interpreter has all modules."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if not missing:
        return
    script = pathlib.Path(sys.argv[0]).name
    packages = " ".join(_PACKAGES[module] for module in missing)
    print(
        f"{script}: {sys.executable} has no module {', '.join(missing)}; install it for /usr/bin/python3 with: "
        f"sudo apt-get install {packages}",
        file=sys.stderr,
    )
    sys.exit(2)
