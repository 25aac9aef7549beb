"""Where a visit came from: the site, and nothing of the page.

Belongs here: what of a referrer is kept. Does not belong here: what is made of it.
"""

from urllib.parse import urlsplit

_LONGEST = 253
"""Of a host's name (RFC 1035)."""


def site_of(referrer: str | None) -> str | None:
    """The host of a URL in lower case, without `www.`; of what is no URL, the text up to a `/`.

    None: nothing is said. A path may hold what somebody searched for, and so is not kept.
    """
    text = (referrer or "").strip()
    if not text:
        return None
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname
    except ValueError:  # half an IPv6 address
        return None
    found = (host or "").removeprefix("www.")[:_LONGEST]
    return found or None
