"""Networks of populations: the tables of experiment files as values.

Every key of a table is an attribute; what is not given has its default. Keys of tables in tables are items:
device["adc.noise_lsb"] = 0.5. A value is checked when it is set.
"""

from ._native import InputError, Network, experiment_tables, table_values

_KEYWORDS = {"from_": "from"}  # keys that Python has as words of its own


def _name_of(value):
    return value.name if isinstance(value, _Table) else value


class _Table:
    """A table with a name; `given` holds the keys that are not at their defaults."""

    kind = ""

    def __init__(self, name, /, **keys):
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "given", {})
        self.update(**keys)

    def update(self, /, **keys):
        """Sets several keys at once, such as a model and its parameters."""
        given = {**self.given, **{_KEYWORDS.get(key, key): _name_of(value) for key, value in keys.items()}}
        table_values(self.kind, self.name, given)
        object.__setattr__(self, "given", given)

    def keys(self):
        """The names of all keys."""
        return list(table_values(self.kind, self.name, self.given))

    def __getitem__(self, key):
        try:
            return table_values(self.kind, self.name, self.given)[key]
        except KeyError:
            raise InputError(f"{self.kind}.{self.name}: has no key {key}") from None

    def __setitem__(self, key, value):
        self.update(**{key: value})

    def __getattr__(self, key):
        if key.startswith("__"):
            raise AttributeError(key)
        values = table_values(self.kind, self.name, self.given)
        try:
            return values[_KEYWORDS.get(key, key)]
        except KeyError:
            raise AttributeError(f"{self.kind}.{self.name} has no key {key}") from None

    def __setattr__(self, key, value):
        self.update(**{key: value})

    def __dir__(self):
        words = {key: word for word, key in _KEYWORDS.items()}
        return [*object.__dir__(self), *(words.get(key, key) for key in self.keys() if "." not in key)]

    def __eq__(self, other):
        return (type(self) is type(other) and self.name == other.name
                and table_values(self.kind, self.name, self.given) == table_values(other.kind, other.name, other.given))

    __hash__ = None

    def __repr__(self):
        keys = "".join(f", {key}={value!r}" for key, value in self.given.items())
        return f"{type(self).__name__}({self.name!r}{keys})"


class Population(_Table):
    """Neurons of one model: size, model and the parameters of the model, one value or one per neuron."""

    kind = "population"


class Projection(_Table):
    """Synapses from one population to another. `weights` are those to start from, in NumPy's hands:
    [pre, post] (the bias last), or one per synapse where they are no matrix; None: drawn."""

    kind = "projection"

    def __init__(self, name, from_, to, /, *, weights=None, **keys):
        object.__setattr__(self, "weights", weights)
        super().__init__(name, **{"from": from_, "to": to}, **keys)

    def __setattr__(self, key, value):
        if key == "weights":
            object.__setattr__(self, key, value)
        else:
            super().__setattr__(key, value)


class Objective(_Table):
    """What a population's activity is compared with."""

    kind = "objective"

    def __init__(self, name, population, /, **keys):
        super().__init__(name, population=population, **keys)


class Device(_Table):
    """The devices that hold weights; starts from what is published of `device`."""

    kind = "device"


class Rule(_Table):
    """A learning rule with its parameters; e-prop has the keys of [learning]."""

    kind = "rule"


class Update(_Table):
    """How weight changes are written; starts from [update] of the experiment."""

    kind = "update"


_CLASSES = {table.kind: table for table in (Population, Projection, Objective, Device, Rule, Update)}


# The key that decides which others there are, of kinds whose defaults do not depend on the experiment.
_DECIDES = {"population": "model", "projection": "connect", "device": "device"}


def _make(kind, name, values):
    keys = dict(values)
    if kind in _DECIDES:
        decides = _DECIDES[kind]
        defaults = table_values(kind, name, {decides: values[decides]})
        keys = {key: value for key, value in values.items()
                if value != defaults[key] or key in (decides, "size", "from", "to")}
    if kind == "projection":
        return Projection(name, keys.pop("from"), keys.pop("to"), **keys)
    if kind == "objective":
        return Objective(name, keys.pop("population"), **keys)
    return _CLASSES[kind](name, **keys)


def network_of_experiment(path, overrides=None):
    """The network of an experiment, of [network] too, as tables."""
    return Network(*(_make(*table) for table in experiment_tables(path, overrides)))


def _tables_of(network, kind):
    return {table.name: table for table in network.tables if table.kind == kind}


for _kind in _CLASSES:
    setattr(Network, f"{_kind}s",
            property(lambda self, kind=_kind: _tables_of(self, kind), doc=f"The tables of kind {_kind}, by name."))
Network.of_experiment = staticmethod(network_of_experiment)
del _kind
for _class in _CLASSES.values():
    _class.__module__ = "memprop"
del _class
