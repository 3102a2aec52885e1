"""dlimlib: data sets, training loops, plots and widgets of the course on deepfake models.

The public names are loaded on first use, so `import dlimlib` needs neither torch nor a tenth of a second.
"""

from importlib import import_module

__version__ = "0.2.0"
_HOMES = {
    "Run": "training",
    "budget": "settings",
    "device": "settings",
    "in_batches": "data",
    "probe": "probing",
    "profile": "settings",
    "results": "report",
    "seed": "settings",
    "steps": "settings",
    "stored": "report",
    "with_recorded": "report",
}
_MODULES = ("data", "explore", "gallery", "metrics", "models", "plot", "pretrained")
__all__ = sorted([*_HOMES, *_MODULES])


def __getattr__(name):
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name in _HOMES:
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"dlimlib has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
