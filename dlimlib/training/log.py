"""The log of a Run: values wait on their device until somebody looks at them."""

import math

import torch

PENDING = 500  # so many values of one name wait at the most


class Log:
    """Logged numbers: `history` has those that were read, `pending` those that are still on their devices."""

    def __init__(self, history: dict[str, tuple[list[int], list[float]]] | None = None):
        self.history = history or {}
        self.pending: dict[str, list] = {}
        self.bad: tuple[int, str, float] | None = None  # step, name, value of the first NaN or infinite loss

    def add(self, step, losses):
        """Note the losses of a step, numbers or tensors of one element each; ValueError for larger ones."""
        for name, value in losses.items():
            if isinstance(value, torch.Tensor):
                if value.numel() != 1:
                    raise ValueError(f"{name} must be one number, got shape {tuple(value.shape)}")
                value = value.detach().clone()  # a copy, because the loop may go on adding to its tensor
            else:
                value = float(value)
            pending = self.pending.setdefault(name, [])
            pending.append((step, value))
            if len(pending) >= PENDING:
                self.read()

    def read(self):
        """Fetch the pending values, one copy per name; return the history, name -> ([steps], [values])."""
        pending, self.pending = self.pending, {}
        for name, entries in pending.items():
            tensors = [v.reshape(()) if v.dim() else v for _, v in entries if isinstance(v, torch.Tensor)]
            fetched = iter(torch.stack(tensors).tolist() if tensors else ())
            steps, values = self.history.setdefault(name, ([], []))
            for step, value in entries:
                value = float(next(fetched)) if isinstance(value, torch.Tensor) else value
                if not math.isfinite(value) and (self.bad is None or step < self.bad[0]):
                    self.bad = step, name, value
                steps.append(step)
                values.append(value)
        return self.history

    def check(self):
        """Read the pending values; FloatingPointError if any value so far is NaN or infinite."""
        self.read()
        if self.bad:
            step, name, value = self.bad
            raise FloatingPointError(
                f"{name} became {value} at step {step}. A smaller learning rate often helps; otherwise look "
                "for the logarithm of a number that can be 0, or a division by it."
            )
