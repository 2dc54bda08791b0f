"""Draw docs/risk_coverage.svg: how many questions are answered at each threshold, how many answers are wrong.

The points were measured by training/fit_verifier.py and stand in the verifier's file.
"""

import json
from pathlib import Path

from bot.answering.reader import MODEL

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 360, 64, 24, 20, 52
_INK, _LINE, _GRID, _PAPER = "#4a5560", "#1f6feb", "#d7dde3", "#ffffff"


def main() -> None:
    """Read the curve, write the picture."""
    fitted = json.loads((MODEL / "verifier.json").read_text(encoding="utf-8"))
    drawn = picture(fitted["curve"], fitted["threshold"], fitted["answerable"])
    (Path(__file__).parent / "risk_coverage.svg").write_text(drawn, encoding="utf-8")


def picture(curve: list[list[float]], threshold: float, answerable: float) -> str:
    """The SVG: coverage to the right, risk upwards, the shipped threshold marked."""
    top = max(0.1, -(-max(risk for _, _, risk in curve) * 10 // 1) / 10)

    def place(coverage: float, risk: float) -> tuple[float, float]:
        x = LEFT + coverage * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(HEIGHT - BOTTOM - risk / top * (HEIGHT - TOP - BOTTOM), 1)

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{_PAPER}"/>']
    for step in range(6):
        x, y = place(step / 5, top * step / 5)
        x0, y0 = place(0, 0)
        parts += [
            _line(x, y0, x, TOP),
            _line(x0, y, WIDTH - RIGHT, y),
            _text(x, y0 + 18, f"{step * 20} %"),
            _text(x0 - 8, y + 4, f"{100 * top * step / 5:.0f} %", "end"),
        ]
    points = " ".join(f"{x},{y}" for x, y in (place(coverage, risk) for _, coverage, risk in curve))
    parts.append(f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="2.5"/>')
    _, coverage, risk = min(curve, key=lambda point: abs(point[0] - threshold))
    x, y = place(coverage, risk)
    told = f"threshold {threshold:g}: answers {100 * coverage:.0f} %, {100 * risk:.0f} % of them wrong"
    parts += [
        f'<circle cx="{x}" cy="{y}" r="5" fill="{_LINE}"/>',
        _text(x, y - 14, told, "end" if coverage > 0.5 else "start"),
        _text(
            WIDTH / 2,
            HEIGHT - 10,
            f"questions answered ({100 * answerable:.0f} % have an answer in the articles)",
        ),
        _text(14, TOP - 8, "wrong answers", "start"),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_GRID}"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" font-size="13" fill="{_INK}" text-anchor="{anchor}">{text}</text>'


if __name__ == "__main__":
    main()
