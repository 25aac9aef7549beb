"""The body of a request, no longer than it may be.

Belongs here: reading it piece by piece, and unpacking it. Does not belong here: what is in it.
"""

import zlib

from fastapi import Request

from persona_assets.serving.api.errors import ApiError

STATUSES = (413, 415)
"""What `body_of` may answer."""
_GZIP = 16 + zlib.MAX_WBITS
"""zlib's number for gzip (RFC 1952) with its header and checksum."""


async def body_of(request: Request, most: int) -> bytes:
    """All of the body, unpacked where it is compressed with gzip.

    Raises:
        ApiError: 413 where it is longer than `most` bytes, packed or unpacked: no more is unpacked
            than that, whatever it would become; 415 where it is compressed otherwise, or is not
            what its header says.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise _unsupported("only gzip is unpacked; send the body as it is, or with gzip")
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > most:
            raise _too_large(most)
    return bytes(found) if coding == "identity" else _unpacked(bytes(found), most)


def _unpacked(packed: bytes, most: int) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        found = unpacking.decompress(packed, most + 1)
    except zlib.error:
        raise _unsupported("the body is not gzip, as its header says; send it as it is") from None
    if len(found) > most:
        raise _too_large(most)
    if not unpacking.eof or unpacking.unused_data:
        raise _unsupported("the body is not one whole gzip member; send all of it, once")
    return found


def _too_large(most: int) -> ApiError:
    return ApiError(
        413, "too_large", f"the body is longer than {most} bytes; send fewer events at once"
    )


def _unsupported(why: str) -> ApiError:
    return ApiError(415, "unsupported", why, "Content-Encoding")
