# %% losses
def discriminator_game(real, fake):
    bce = F.binary_cross_entropy_with_logits
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))

def minimax(fake):
    return -F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))

def non_saturating(fake):
    return nn.BCEWithLogitsLoss()(fake, torch.ones_like(fake))
# %% gradient_penalty
def gradient_penalty(logits, x):
    n = logits.numel()
    one = torch.eye(n, dtype=logits.dtype, device=logits.device).view(n, *logits.shape)
    (slope,) = torch.autograd.grad(logits, x, one, create_graph=True, is_grads_batched=True)
    return slope.square().flatten(1).sum(1).mean()
# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    x_real, x_fake = x_real.clone().detach().requires_grad_(), x_fake.clone().detach().requires_grad_()
    real, fake = D(torch.cat([x_real, x_fake])).split([len(x_real), len(x_fake)])
    loss = game.loss_D(real, fake)
    if game.penalty:
        loss = loss + game.penalty(D, x_real, real, x_fake, fake)
    return loss
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    real, fake = D(torch.cat([x_real.detach(), x_fake])).split([len(x_real), len(x_fake)])
    return game.loss_G(real.detach(), fake)
# %% slerp
def slerp(a, b, t):
    u, v = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    omega = (2 * torch.atan2((u - v).norm(dim=-1), (u + v).norm(dim=-1)))[None, :, None]
    t = t.reshape(-1, 1, 1)
    small = omega.sin() < 1e-6
    safe = torch.where(small, torch.ones_like(omega), omega)
    w_a = torch.where(small, 1 - t, torch.sin((1 - t) * safe) / torch.sin(safe))
    w_b = torch.where(small, t, torch.sin(t * safe) / torch.sin(safe))
    return w_a * a + w_b * b
