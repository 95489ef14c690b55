"""Laws of shades: what is drawn is what was given."""

import numpy as np

from foregate.inspection.pictures import heat_map
from foregate.reporting.canvas import SMALL, own_settings


def test_shades_are_the_numbers():
    """0 and what is not known are empty, 1 is full blue, -1 full orange, 0.5 half of it; steps end at 0."""
    with own_settings():
        figure = heat_map(np.array([[0.0, 1, -1, 0.5, np.nan]]), SMALL, first=-4.0, label="steps", rows="one unit")
    (image,) = figure.axes[0].images
    pixels = np.asarray(image.get_array())[0]
    assert pixels[:, 3].tolist() == [0, 255, 255, 128, 0]
    assert pixels[1].tolist() == [0x00, 0x72, 0xB2, 255]
    assert pixels[2].tolist() == [0xD5, 0x5E, 0x00, 255]
    assert image.get_extent()[:2] == [-4.5, 0.5]
