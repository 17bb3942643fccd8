"""Where people tend to look first: schematic marks on a photo and on a page of text, not a measurement."""

from __future__ import annotations

from html import escape

from PIL import Image, ImageDraw, ImageFont

from ui.i18n import t

# Centres and radii in shares of the astronaut photo's width: face, model of the shuttle, mission patch.
_PLACES = ((0.435, 0.225, 0.115), (0.81, 0.27, 0.135), (0.335, 0.755, 0.09))
_MARK = (213, 94, 0)


def photo(image: Image.Image, revealed: bool) -> Image.Image:
    """The photo, with numbered rings in the usual order of looking when `revealed`."""
    if not revealed:
        return image
    side = image.width
    marked = image.convert("RGBA")
    layer = Image.new("RGBA", marked.size)
    draw = ImageDraw.Draw(layer)
    font = ImageFont.load_default(size=side * 0.06)
    for order, (x, y, radius) in enumerate(_PLACES, start=1):
        box = [side * (x - radius), side * (y - radius), side * (x + radius), side * (y + radius)]
        draw.ellipse(box, fill=(*_MARK, 70), outline=(*_MARK, 255), width=max(side // 120, 2))
        draw.text((box[0], box[1]), str(order), fill=(255, 255, 255, 255), font=font, stroke_width=3, stroke_fill=_MARK)
    return Image.alpha_composite(marked, layer).convert("RGB")


def text_page(revealed: bool) -> str:
    """A short article as HTML; headline and first sentence are marked when `revealed`."""

    def marked(text: str, order: int) -> str:
        if not revealed:
            return escape(text)
        ring = f'<sup style="color:#d55e00;font-weight:700"> {order}</sup>'
        return f'<span style="background:rgba(213,94,0,.22);border-radius:4px">{escape(text)}</span>{ring}'

    rest = "".join(f'<p style="margin:.5em 0">{escape(t(f"home.article.rest_{i}"))}</p>' for i in (1, 2))
    headline, first = marked(t("home.article.headline"), 1), marked(t("home.article.first"), 2)
    return (
        '<div style="border:1px solid rgba(128,138,150,.5);border-radius:8px;padding:1.1em 1.3em;line-height:1.65">'
        f'<div style="font-size:1.35em;font-weight:700;margin-bottom:.4em">{headline}</div>'
        f'<p style="margin:.5em 0">{first} {escape(t("home.article.second"))}</p>{rest}</div>'
    )
