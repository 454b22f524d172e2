"""A kernel's source as the compiler reads it, compiled to Python with every line where it was.

Three things differ between Python and the language of kernels, and a small change of the syntax tree bridges
them: a number that is assigned to a name becomes a typed value (`x = 2.0` makes an fp32 scalar, `x:
tl.constexpr = 2.0` does not); `assert` works on blocks; and some Python does not compile at all. File name
and line numbers stay, so tracebacks and debuggers show the kernel itself.
"""

import ast
import inspect
from types import CodeType, FunctionType

from .errors import UnsupportedOperation

BIND, ASSERT = "__glassbox_bind__", "__glassbox_assert__"
_REFUSED = {
    ast.Break: "break",
    ast.Continue: "continue",
    ast.Try: "try",
    ast.Raise: "raise",
    ast.Lambda: "lambda",
    ast.ClassDef: "class",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.DictComp: "a dictionary comprehension",
    ast.SetComp: "a set comprehension",
    ast.GeneratorExp: "a generator expression",
    ast.NamedExpr: "an assignment expression (:=)",
    ast.Delete: "del",
    ast.Global: "global",
    ast.Nonlocal: "nonlocal",
    ast.Yield: "yield",
    ast.Match: "match",
}
_prepared: dict[tuple, tuple[CodeType, dict[str, int]]] = {}


def prepared(function: FunctionType) -> tuple[CodeType, dict[str, int]]:
    """Return the code of a kernel, ready to run on blocks, and the line where it first uses each name.

    Raises: UnsupportedOperation for Python that Triton's compiler does not accept.
    """
    key = function.__code__, function.__code__.co_filename
    if key not in _prepared:
        _prepared[key] = _compiled(function)
    return _prepared[key]


def _definition(function: FunctionType) -> ast.FunctionDef:
    """Return the syntax tree of a function, with the line numbers of its file."""
    try:
        lines, start = inspect.getsourcelines(function)
    except (OSError, TypeError) as error:
        raise UnsupportedOperation(
            f"the source of {function.__name__} cannot be found: define it in a file or a notebook cell"
        ) from error
    if lines[0][:1].isspace():
        tree = ast.parse("if True:\n" + "".join(lines)).body[0]
        start -= 1
    else:
        tree = ast.parse("".join(lines))
    ast.increment_lineno(tree, start - 1)
    return tree.body[0]


def _compiled(function: FunctionType) -> tuple[CodeType, dict[str, int]]:
    definition = _definition(function)
    _refuse(definition, function)
    names = [n for s in definition.body for n in ast.walk(s) if isinstance(n, ast.Name)]
    assigned = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    used = [(n.id, n.lineno) for n in names if n.id not in assigned]
    definition.decorator_list, definition.returns = [], None
    for argument in ast.walk(definition.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    definition.args.defaults = [ast.copy_location(ast.Constant(None), d) for d in definition.args.defaults]
    definition.body = [_Bridge().visit(statement) for statement in definition.body]
    tree = ast.fix_missing_locations(ast.Module([definition], []))
    module = compile(tree, function.__code__.co_filename, "exec")
    code = next(c for c in module.co_consts if isinstance(c, CodeType) and c.co_name == function.__name__)
    return code, dict(sorted(used, key=lambda use: -use[1]))


def _refuse(definition: ast.FunctionDef, function: FunctionType) -> None:
    """Raise for the first construct that does not compile."""
    for node in ast.walk(definition):
        name = _REFUSED.get(type(node))
        if isinstance(node, ast.FunctionDef) and node is not definition:
            name = "a function inside a kernel"
        elif isinstance(node, ast.Compare) and len(node.ops) > 1:
            name = "a chain of comparisons (a < b < c)"
        elif isinstance(node, ast.Assign) and len(node.targets) > 1:
            name = "a chain of assignments (a = b = c)"
        elif isinstance(node, (ast.For, ast.While)) and node.orelse:
            name = "else after a loop"
        elif isinstance(node, (ast.For, ast.While)) and not _is_unrolled(node):
            node = next((inner for inner in ast.walk(node) if isinstance(inner, ast.Return)), node)
            name = "return inside a loop" if isinstance(node, ast.Return) else None
        if name:
            place = (function.__code__.co_filename, node.lineno)
            raise UnsupportedOperation(
                f"{function.__name__}: Triton's compiler does not accept {name}", frame=place
            )


def _is_unrolled(loop: ast.For | ast.While) -> bool:
    called = loop.iter.func if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "static_range"


class _Bridge(ast.NodeTransformer):
    """Wrap assigned values, and turn `assert` into a device assertion."""

    def visit_Assign(self, node: ast.Assign):
        node.value = _call(BIND, node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign):
        if not isinstance(node.target, ast.Name):
            return node
        old = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        value = ast.copy_location(ast.BinOp(old, node.op, node.value), node)
        return ast.copy_location(ast.Assign([node.target], _call(BIND, value)), node)

    def visit_AnnAssign(self, node: ast.AnnAssign):
        if node.value is not None and "constexpr" not in ast.unparse(node.annotation):
            node.value = _call(BIND, node.value)
        return node

    def visit_Assert(self, node: ast.Assert):
        call = _call(ASSERT, node.test)
        if node.msg is not None:
            call.args.append(node.msg)
        return ast.copy_location(ast.Expr(call), node)


def _call(name: str, value: ast.expr) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), value)
    return ast.copy_location(ast.Call(function, [value], []), value)
