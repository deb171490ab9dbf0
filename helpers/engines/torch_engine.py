"""The PyTorch engine: gradients by autograd, updates by `torch.optim.SGD`."""

import numpy as np
from numpy.typing import NDArray

from helpers.engines import Advance
from helpers.support.frameworks import torch_import
from helpers.support.threads import OneThread

with torch_import():
    import torch
    from torch.nn.functional import cross_entropy, linear

# Like NumPy's products. PyTorch's threads wait for each other without sleeping: where another
# process uses one of the cores, an update can take a hundred times as long.
one_torch_thread = OneThread(lambda: [torch])
DEVICE = "GPU" if torch.cuda.is_available() else "CPU"


def prepare(
    X: NDArray, Y: NDArray, *, batch_size: int, reg_lambda: float, reduction: str, fit_bias: bool
) -> Advance:
    """See `helpers.engines`."""
    device = {"GPU": "cuda", "CPU": "cpu"}[DEVICE]
    X, Y = torch.tensor(X, device=device), torch.tensor(Y, device=device)

    # An interrupt inside the optimizer would leave PyTorch without gradients, for all that follows.
    @torch.enable_grad()
    @one_torch_thread()
    def advance(W, b, rows, learning_rates):
        # Transposed, as PyTorch's own layers keep it: its products are faster so.
        W = torch.tensor(W.T.copy(), dtype=X.dtype, device=device, requires_grad=True)
        b = torch.tensor(b, dtype=X.dtype, device=device, requires_grad=fit_bias)
        # The optimizer's "weight decay" is the λW of the update; b has none.
        groups = [{"params": [W], "weight_decay": reg_lambda}, {"params": [b]}]
        optimizer = torch.optim.SGD(groups, lr=0.0)
        batches = torch.tensor(rows, device=device).split(batch_size)
        minibatch_loss = []
        for batch, learning_rate in zip(batches, learning_rates.tolist(), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            logits = linear(X.index_select(0, batch), W, b)
            loss = cross_entropy(logits, Y.index_select(0, batch), reduction=reduction)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            # Kept on the device: to look at a number is to wait for it, at every update.
            minibatch_loss.append(loss.detach())
        minibatch_loss = torch.stack(minibatch_loss).numpy(force=True)
        if reduction == "sum":
            minibatch_loss = minibatch_loss / [len(batch) for batch in batches]
        return W.T.numpy(force=True).copy(), b.numpy(force=True), minibatch_loss

    # The first optimizer of a process loads much of PyTorch: here that is outside the clock.
    W, b = np.zeros((X.shape[1], Y.shape[1])), np.zeros(Y.shape[1])
    advance(W, b, np.zeros(1, int), np.zeros(1))
    return advance
