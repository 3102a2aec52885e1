# %% losses
def discriminator_game(real, fake):
    return -(F.logsigmoid(real).mean() + F.logsigmoid(-fake).mean())

def minimax(fake):
    return F.logsigmoid(-fake).mean()

def non_saturating(fake):
    return -F.logsigmoid(fake).mean()
# %% gradient_penalty
def gradient_penalty(logits, x):
    slope = torch.autograd.grad(logits, x, torch.ones_like(logits), create_graph=True)[0]
    return slope.reshape(logits.numel(), -1).pow(2).sum(1).mean()
# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    x_real = x_real.detach().clone().requires_grad_(True)
    x_fake = x_fake.detach().clone().requires_grad_(True)
    real = D(x_real)
    fake = D(x_fake)
    loss = game.loss_D(real, fake)
    if game.penalty is not None:
        loss += game.penalty(D, x_real, real, x_fake, fake)
    return loss
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    with torch.no_grad():
        real = D(x_real)
    return game.loss_G(real, D(x_fake))
# %% slerp
def slerp(a, b, t):
    cos = torch.einsum('bz,bz->b', F.normalize(a, dim=1), F.normalize(b, dim=1)).clamp(-1, 1)
    omega, t = torch.acos(cos)[None, :, None] / math.pi, t.view(-1, 1, 1)
    return ((1 - t) * torch.sinc((1 - t) * omega) * a + t * torch.sinc(t * omega) * b) / torch.sinc(omega)
