# %% losses
def discriminator_game(real, fake):
    def soft(s):
        return s.clamp(min=0) + torch.log1p(torch.exp(-s.abs()))
    return soft(-real).mean() + soft(fake).mean()

def minimax(fake):
    return -F.softplus(fake).mean()

def non_saturating(fake):
    return F.softplus(-fake).mean()
# %% gradient_penalty
def gradient_penalty(logits, x):
    total = 0
    for s in logits.flatten():
        total = total + torch.autograd.grad(s, x, create_graph=True)[0].square().sum()
    return total / logits.numel()
# %% discriminator_loss
def discriminator_loss(game, D, x_real, x_fake):
    x_real, x_fake = x_real.detach(), x_fake.detach()
    if game.penalty:
        x_real.requires_grad_()
        x_fake.requires_grad_()
    real, fake = D(x_real), D(x_fake)
    price = game.penalty(D, x_real, real, x_fake, fake) if game.penalty else 0
    return game.loss_D(real, fake) + price
# %% generator_loss
def generator_loss(game, D, x_real, x_fake):
    return game.loss_G(D(x_real.detach()), D(x_fake))
# %% slerp
def slerp(a, b, t):
    ways = []
    for a_i, b_i in zip(a, b):
        cos = (a_i @ b_i / (a_i.norm() * b_i.norm())).clamp(-1, 1)
        omega = torch.acos(cos)
        share = t[:, None]
        way = torch.sin((1 - share) * omega) * a_i + torch.sin(share * omega) * b_i
        straight = (1 - share) * a_i + share * b_i
        ways.append(torch.where(torch.sin(omega) < 1e-3, straight, way / torch.sin(omega)))
    return torch.stack(ways, 1)
