"""Whether Windows takes the connection for one that is paid by volume (netlistmgr.h)."""

import ctypes
import uuid
from typing import Any

_MANAGER = uuid.UUID("DCB00C01-570F-4A9B-8D69-199FDBA5723B").bytes_le  # CLSID_NetworkListManager
_COST = uuid.UUID("DCB00008-570F-4A9B-8D69-199FDBA5723B").bytes_le  # IID_INetworkCostManager
_ALL_CONTEXTS = 23  # CLSCTX_ALL
_RELEASE, _GET_COST = 2, 3  # places in the table of methods
# NLM_CONNECTION_COST
_UNRESTRICTED, _FIXED, _VARIABLE, _OVER_LIMIT, _ROAMING = 0x1, 0x2, 0x4, 0x10000, 0x40000


def is_metered(cost: int | None) -> bool | None:
    """Return whether a cost means that bytes are paid for or counted; None = unknown."""
    if not cost:
        return None
    if cost & (_FIXED | _VARIABLE | _OVER_LIMIT | _ROAMING):
        return True
    return False if cost & _UNRESTRICTED else None


def ask(library: Any) -> int | None:
    """Return the cost of the connection to the Internet; None = Windows does not say.

    Args:
        library: ole32.dll; None elsewhere.
    """
    if library is None:
        return None
    begun = library.CoInitializeEx(None, 0)
    manager = ctypes.c_void_p()
    try:
        if library.CoCreateInstance(_MANAGER, None, _ALL_CONTEXTS, _COST, ctypes.byref(manager)) or not manager:
            return None
        cost = ctypes.c_uint32()
        failed = _method(manager, _GET_COST, ctypes.c_void_p, ctypes.c_void_p)(manager, ctypes.byref(cost), None)
        _method(manager, _RELEASE)(manager)
        return None if failed else cost.value
    finally:
        if begun in (0, 1):  # S_OK, S_FALSE: else the thread was set up by somebody else
            library.CoUninitialize()


def _method(thing: ctypes.c_void_p, place: int, *arguments: Any) -> Any:
    table = ctypes.cast(thing, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    return ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, *arguments)(table[place] or 0)
