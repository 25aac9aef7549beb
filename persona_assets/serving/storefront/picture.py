"""Pictures of the demo shop's products: a pattern that follows from the product's identifier.

Belongs here: drawing it. Does not belong here: real pictures, which no table of a home has.
"""

import hashlib

_SHAPES = (
    '<circle cx="80" cy="60" r="{0}" fill="{1}"/>',
    '<rect x="{2}" y="{3}" width="{0}" height="{0}" rx="6" fill="{1}"/>',
    '<path d="M{2} 96 80 {3} 124 96z" fill="{1}"/>',
)


def picture(identifier: str) -> bytes:
    """An SVG, 160 × 120; the same for the same identifier, whatever is in it."""
    digest = hashlib.sha256(identifier.encode()).digest()
    hue = digest[0] * 360 // 256
    shapes = []
    for place in range(2):
        size, across, down = (digest[1 + 4 * place + at] for at in range(3))
        shape = _SHAPES[digest[4 + 4 * place] % len(_SHAPES)]
        colour = f"hsl({(hue + 40 * place) % 360} 45% {58 - 14 * place}%)"
        shapes.append(shape.format(24 + size % 24, colour, 24 + across % 60, 14 + down % 44))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 120" width="160" height="120">'
        f'<rect width="160" height="120" fill="hsl({hue} 45% 90%)"/>{"".join(shapes)}</svg>'
    ).encode()
