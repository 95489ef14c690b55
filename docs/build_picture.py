"""Draw the README's picture from the model that `foregate demo` leaves: python docs/build_picture.py [demo/model]."""

from __future__ import annotations

import sys
from pathlib import Path

from foregate import load
from foregate.reporting import fan_chart

if __name__ == "__main__":
    model = load(sys.argv[1] if len(sys.argv) > 1 else "demo/model")
    forecast = model.forecast(level=[80, 95])
    figure = fan_chart(model.panel_, forecast, history=260, title="CO2 above Mauna Loa, ppm: a year ahead, weekly")
    place = Path(__file__).parent / "images" / "forecast.svg"
    place.parent.mkdir(exist_ok=True)
    figure.savefig(place, metadata={"Date": None}, facecolor="white")
