"""What numba has no name for: eight bytes at once, at any place, and the number of zeros below the lowest one."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

HIGH = 0x8080808080808080  # the highest bit of each of eight bytes
SEVEN = 0x7F7F7F7F7F7F7F7F  # the others
_WORD = ir.IntType(64)


@intrinsic  # type: ignore[untyped-decorator]
def load_chunk(_typing: Any, array: Any, index: Any) -> Any:  # noqa: ARG001
    """Eight bytes of a uint8 array from ``index`` on, the first the lowest; the caller sees to it that they are there."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_place(context, builder, signature, arguments), align=1)

    return types.uint64(array, types.int64), build


@intrinsic  # type: ignore[untyped-decorator]
def store_chunk(_typing: Any, array: Any, index: Any, chunk: Any) -> Any:  # noqa: ARG001
    """Write eight bytes into a uint8 array from ``index`` on, the lowest first; the caller sees to it that there is room."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _place(context, builder, signature, arguments), align=1)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), build


@intrinsic  # type: ignore[untyped-decorator]
def trailing_zeros(_typing: Any, value: Any) -> Any:  # noqa: ARG001
    """Zeros below the lowest one of a uint64 that is not 0."""

    def build(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), build


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), _WORD.as_pointer())
