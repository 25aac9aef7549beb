"""The body of a request, no longer than it may be.

Belongs here: reading it piece by piece. Does not belong here: what is in it.
"""

from fastapi import Request

from persona_assets.serving.api.errors import ApiError

STATUSES = (413, 415)
"""What `body_of` may answer."""


async def body_of(request: Request, most: int) -> bytes:
    """All of the body.

    Raises:
        ApiError: 413 where it is longer than `most` bytes, 415 where it is compressed.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(
            415, "unsupported", "compressed bodies are not read; send it as it is",
            "Content-Encoding",
        )  # fmt: skip
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > most:
            raise ApiError(
                413, "too_large", f"the body is longer than {most} bytes; send fewer events at once"
            )
    return bytes(found)
