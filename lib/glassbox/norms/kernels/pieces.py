"""The pieces that the norm kernels share. A pointer that is None is left out when the kernel is compiled."""

from glassbox.machine import tl, triton


@triton.jit
def stream(x_ptr, added_ptr, x_at, added_at, inside, alpha):
    """Load s = alpha x + added in float32."""
    s = tl.load(x_ptr + x_at, mask=inside, other=0.0).to(tl.float32)
    if alpha is not None:
        s = s * alpha
    if added_ptr is not None:
        s = s + tl.load(added_ptr + added_at, mask=inside, other=0.0).to(tl.float32)
    return s


@triton.jit
def affine(u, gain_ptr, bias_ptr, column, there):
    """Return u gain + bias."""
    if gain_ptr is not None:
        u = u * tl.load(gain_ptr + column, mask=there, other=0.0).to(tl.float32)
    if bias_ptr is not None:
        u = u + tl.load(bias_ptr + column, mask=there, other=0.0).to(tl.float32)
    return u


@triton.jit
def store_gradients(ds, alpha, dtotal_ptr, dtotal_at, dx_ptr, dadded_ptr, at, inside):
    """Store dadded = ds + dtotal and dx = alpha dadded."""
    if dtotal_ptr is not None:
        ds = ds + tl.load(dtotal_ptr + dtotal_at, mask=inside, other=0.0).to(tl.float32)
    if dadded_ptr is not None:
        tl.store(dadded_ptr + at, ds, mask=inside)
    if alpha is not None:
        ds = ds * alpha
    tl.store(dx_ptr + at, ds, mask=inside)


@triton.jit
def store_shares(dgain, dbias, dgain_ptr, dbias_ptr, at, there):
    """Store one program's shares of dgain and dbias."""
    if dgain_ptr is not None:
        tl.store(dgain_ptr + at, dgain, mask=there)
    if dbias_ptr is not None:
        tl.store(dbias_ptr + at, dbias, mask=there)
