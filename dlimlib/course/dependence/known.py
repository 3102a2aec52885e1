"""What is known of functions of Python, PyTorch and dlimlib: what draws, changes, holds or only shows."""

import sys

RANDOM = "random numbers"  # the hidden name that every draw reads and changes, and that a seed binds
DRAWS = {"rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "multinomial",
         "bernoulli", "normal", "poisson", "dropout", "dropout1d", "dropout2d", "gumbel_softmax", "sample",
         "rsample", "shuffle", "choice", "random_", "normal_", "uniform_", "bernoulli_", "exponential_",
         "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_",
         "orthogonal_", "Dropout", "Dropout2d", "AlphaDropout", "RReLU"}  # fmt: skip
WEIGHTLESS = {"Sequential", "ModuleList", "ModuleDict", "Identity", "Flatten", "Unflatten", "Sigmoid",
              "Module", "Parameter", "ReLU", "Upsample"}  # fmt: skip
MUTATORS = {"append", "extend", "insert", "update", "setdefault", "pop", "remove", "clear", "add", "step"}
# Statements that change nothing that a training can see: a gradient is cleared before it is used.
HARMLESS = {"backward", "log", "close", "register_forward_hook", "remove_hook"}
# Functions whose result is a number, a text or a function that keeps nothing: nobody can change it.
PLAIN = {
    "len",
    "int",
    "float",
    "str",
    "round",
    "dlimlib.device",
    "torch.optim.swa_utils.get_ema_multi_avg_fn",
}
NUMBERS = {"shape", "seconds"}  # attributes that are numbers, whoever has them
SHOWS = ("dlimlib.plot", "dlimlib.explore", "dlimlib.results", "dlimlib.probe", "dlimlib.stored")
OPAQUE = {"exec", "eval", "globals", "locals", "vars", "compile", "__import__"}
FRESH = {"batches", "clone"}  # methods whose result does not write back into what they read
HOLDERS = {"partial", "list", "tuple", "dict", "set", "zip", "enumerate", "reversed", "iter", "map",
           "filter", "sorted", "pairwise", "chain", "from_numpy", "as_tensor"}  # fmt: skip
KNOWN = {*sys.stdlib_module_names, "torch", "numpy", "PIL", "matplotlib", "IPython", "dlimlib", "tqdm"}
