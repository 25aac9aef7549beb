"""Files for browsers, as the package ships them.

Belongs here: their names, types and headers. Does not belong here: which paths they have
(`routes.py`).
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from fastapi import Request, Response

from persona_assets.errors import InfrastructureError

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content security policy of the demo: nothing from elsewhere, and no script or style inside the
page."""


@dataclass(frozen=True)
class StaticFile:
    """A file, read once.

    Attributes:
        content: its bytes.
        media_type: by the end of its name.
        tag: changes with the content.
    """

    content: bytes
    media_type: str
    tag: str

    def answer(self, request: Request, headers: dict[str, str]) -> Response:
        """The file, or 304 where the browser has it already."""
        known = {"etag": self.tag, "cache-control": "no-cache", **headers}
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=known)
        return Response(self.content, media_type=self.media_type, headers=known)


def static_file(name: str) -> StaticFile:
    """A file of the package's folder `static`.

    Raises:
        InfrastructureError: the installation lacks it.
    """
    place = files(__package__) / "static" / name
    try:
        content = place.read_bytes()
    except OSError as error:
        raise InfrastructureError(
            f"the installation lacks {name} of the storefront; install persona_assets again"
        ) from error
    ending = name[name.rindex(".") :]
    digest = hashlib.sha256(content).hexdigest()[:32]
    return StaticFile(content, _TYPES[ending], f'"{digest}"')
