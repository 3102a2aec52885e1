"""Names in a piece of syntax: which it binds, which it reads, and which of them only later."""

import ast

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def stored_names(*nodes):
    """Names that the nodes bind in their own scope: not inside functions, classes and comprehensions."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif not isinstance(node, (ast.Lambda, *COMPREHENSIONS)):
            found |= {node.name} if isinstance(node, ast.ExceptHandler) and node.name else set()
            found |= stored_names(*ast.iter_child_nodes(node))
    return found


def parameters(node):
    """The parameters of a function or lambda in the order in which a call fills them."""
    a = node.args
    return [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg)))]


def outer(node):
    """What of a function, lambda or class is evaluated where it is defined: defaults, decorators, bases."""
    parts = list(getattr(node, "decorator_list", ()))
    if isinstance(node, ast.ClassDef):
        return parts + node.bases + [keyword.value for keyword in node.keywords]
    return parts + node.args.defaults + [default for default in node.args.kw_defaults if default]


def body(node):
    """The statements of a function or class; a lambda's returns its expression."""
    return [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body


def free(node):
    """Names that a node reads and does not bind itself, those of functions in it included.

    The base of a target (HISTORY in HISTORY[name] = x) is not among them: it is changed, not read.
    """
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, (*FUNCTIONS, ast.Lambda)):
        return late(node).union(*map(free, outer(node)))
    if isinstance(node, COMPREHENSIONS):
        own = stored_names(*(generator.target for generator in node.generators))
        inner = set().union(*map(free, ast.iter_child_nodes(node))) - own
        return inner | free(node.generators[0].iter)
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
        base = set() if isinstance(node.value, ast.Name) else free(node.value)
        return base | (free(node.slice) if isinstance(node, ast.Subscript) else set())
    if isinstance(node, ast.stmt):
        return read_first([node])
    return set().union(*map(free, ast.iter_child_nodes(node)))


def read_first(statements, bound=frozenset()):
    """Names that statements read before they have bound them for sure."""
    found, bound = set(), set(bound)
    for node in statements:
        parts = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.ClassDef):
            found |= read_first(node.body, bound).union(*map(free, outer(node))) - bound
        elif isinstance(node, FUNCTIONS):
            found |= free(node) - bound
        elif isinstance(node, ast.For | ast.AsyncFor):
            found |= (free(node.iter) | free(node.target)) - bound
            found |= read_first(node.body, bound | stored_names(node.target)) | read_first(node.orelse, bound)
            continue
        elif isinstance(node, ast.With | ast.AsyncWith):
            found |= set().union(*map(free, node.items)) - bound
            bound |= stored_names(*node.items)
            found |= read_first(node.body, bound)
        elif blocks := [value for _, value in ast.iter_fields(node) if _statements(value)]:
            found |= set().union(*(free(p) for p in parts if isinstance(p, ast.expr))) - bound
            blocks += [part.body for part in parts if isinstance(part, ast.ExceptHandler | ast.match_case)]
            found |= set().union(*(read_first(block, bound) for block in blocks))
            continue  # which of them was executed is not known
        else:
            found |= set().union(*map(free, parts)) - bound
        bound |= stored_names(node)
    return found


def _statements(value):
    return isinstance(value, list) and value and isinstance(value[0], ast.stmt)


def late(node):
    """Names that a function or class reads when it is used, not where it is defined."""
    if isinstance(node, ast.ClassDef):
        return read_first(node.body)
    shared = {n for g in ast.walk(node) if isinstance(g, ast.Global) for n in g.names}
    own = ({*parameters(node)} | stored_names(*body(node))) - shared
    return shared | read_first(body(node)) - own


def dotted(node, modules):
    """The full name of what an attribute chain says, where it begins with something imported, else None."""
    chain = []
    while isinstance(node, ast.Attribute):
        chain.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id in modules:
        return ".".join([modules[node.id], *reversed(chain)])
    return None


def is_run(call, modules):
    """Whether a call makes a Run."""
    name = dotted(call.func, modules) or ""
    return name.startswith("dlimlib") and name.endswith(".Run")


def looped_over(node):
    """The parameters, by place and by name, over which a function loops; none of a class."""
    if not isinstance(node, FUNCTIONS):
        return set()
    over = {n.iter.id for n in ast.walk(node) if isinstance(n, ast.For) and isinstance(n.iter, ast.Name)}
    places = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    return {k for k, name in enumerate(places) if name in over} | over
