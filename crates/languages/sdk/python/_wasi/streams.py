"""Bytes in and out of WASI's streams, waiting where there are none or no room."""

from typing import Optional

from componentize_py_types import Err
from wit_world.imports import wasi_io_streams_0_2_12 as streams

CHUNK = 64 * 1024


def read(stream: streams.InputStream, most: int = CHUNK) -> Optional[bytes]:
    """The next bytes, at least one; none at the end. :class:`OSError` where the stream broke."""
    try:
        while True:
            bytes_read = stream.blocking_read(most)
            if bytes_read:
                return bytes_read
    except Err as error:
        if isinstance(error.value, streams.StreamError_Closed):
            return None
        raise OSError("the stream broke: " + error.value.value.to_debug_string()) from None


def write(stream: streams.OutputStream, data: bytes) -> None:
    """All of the bytes. :class:`BrokenPipeError` where nobody reads them any more."""
    rest = memoryview(data)
    try:
        while rest:
            room = stream.check_write()
            if room == 0:
                with stream.subscribe() as ready:
                    ready.block()
                continue
            stream.write(bytes(rest[:room]))
            rest = rest[room:]
        stream.blocking_flush()
    except Err:
        raise BrokenPipeError("nobody reads what is written") from None
