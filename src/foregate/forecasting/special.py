"""Distribution functions and their inverses in NumPy alone, element by element and in double precision.

Letters: p probability, z normal score, ν degrees of freedom, M components of a mixture.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["mixture_quantiles", "normal_cdf", "normal_score", "stirling_error", "student_quantiles", "student_table"]

FloatArray = NDArray[np.float64]

# Wichura 1988, AS 241: (numerator, denominator), each from the highest power down
CENTRAL = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
OUTER = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258,
        3.64784832476320460504,
        5.76949722146069140550,
        4.63033784615654529590,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940,
        2.05319162663775882187,
        1.0,
    ),
)
FAR = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580,
        5.46378491116411436990,
        6.65790464350110377720,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)
MIDWAY = 3.75
"""k of `_normal`."""
MILLS = (
    4.745831919681813e-9,
    1.399727482376299e-8,
    -3.003080274280277e-8,
    -1.4242176119480478e-7,
    3.2075143378396045e-8,
    7.861938608820746e-7,
    5.921303882967645e-7,
    -3.2942308630223714e-6,
    -5.699865103157108e-6,
    1.2604266024553062e-5,
    3.757820363489365e-5,
    -5.4810122642420076e-5,
    -2.2844575866996428e-4,
    3.636624963205916e-4,
    1.334568857481992e-3,
    -3.8166008329078814e-3,
    -4.4638989816367216e-3,
    4.360741710106853e-2,
    -1.1771150248844177e-1,
    1.8518538713183524e-1,
    -1.6935657643814783e-1,
    2.470497642178937e-2,
    1.040393377550322,
)
"""Of a polynomial in (z - 3.75) / (z + 3.75), highest power first: the Chebyshev interpolant of degree 22."""
ROOT = math.sqrt(2 * math.pi)
SHIFT = 12
"""Stirling's series is taken at arguments no smaller than this."""
STIRLING = (1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
CERTAIN = 1e-15
"""Quantiles of Student's t are not told apart beyond this probability and its complement."""
FAR_TAIL = 0.0228
"""P(Z > 2): beyond it tails are integrated from infinity, before it from the middle."""
MIDDLE_RATIO = ROOT**-1 / 0.375
"""Of quantiles next to the median, those for 4 degrees of freedom to normal ones: of the densities there."""
NEAR_NODES, FAR_NODES = 12, 24
NEAR_STEPS, FAR_STEPS = 2, 6
TABLE_NODES, TABLE_TAIL, TABLE_FREEDOM = 32, 1e-6, 2.005
"""Quantiles up to this far into the tails are interpolated between so many numbers of degrees of freedom, from this one
on."""
REACH = 5.5
"""A tail is integrated until it has fallen by exp(-5.5²)."""
MOST_STEPS = 120
"""Of the search for a quantile of a mixture; each one that Newton's method does not take halves an interval."""


def normal_score(p: ArrayLike) -> FloatArray:
    """Quantiles of the standard normal distribution (Wichura 1988, AS 241), to 15 digits.

    Args:
        p: probabilities between 0 and 1, of any shape.

    Examples:
        >>> normal_score([0.025, 0.5]).round(4).tolist()
        [-1.96, 0.0]
    """
    p = np.asarray(p, np.float64)
    q = p - 0.5
    ratio = 0.180625 - q * q
    z: FloatArray = np.asarray(_rational(CENTRAL, ratio) * q)
    out = np.abs(q) > 0.425
    if out.any():
        r = np.sqrt(-np.log(np.minimum(p[out], 1 - p[out])))
        z[out] = np.copysign(np.where(r <= 5, _rational(OUTER, r - 1.6), _rational(FAR, r - 5)), q[out])
    return z


def normal_cdf(z: ArrayLike) -> FloatArray:
    """P(Z ≤ z) of the standard normal distribution, to 14 digits in the lower tail too.

    Examples:
        >>> normal_cdf([-1.96, 0.0]).round(4).tolist()
        [0.025, 0.5]
    """
    return _normal(np.asarray(z, np.float64))[0]


def _normal(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P(Z ≤ z) and exp(-z²/2).

    Mills' ratio times 1 + √(2π) z is a polynomial in (z - k) / (z + k) for all z ≥ 0 (after Shepherd and Laframboise
    1981, who did so for erfc).
    """
    size = np.minimum(np.abs(z), 1e100)
    fall = np.exp(-0.5 * np.square(np.minimum(size, 40)))
    tail = fall * _polynomial(MILLS, (size - MIDWAY) / (size + MIDWAY)) / (1 + ROOT * size)
    return np.where(z > 0, 1 - tail, tail), fall


def _polynomial(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    """By Horner's rule, without new memory for every step."""
    value = np.full_like(x, coefficients[0])
    for each in coefficients[1:]:
        value *= x
        value += each
    return value


def _rational(parts: tuple[tuple[float, ...], tuple[float, ...]], x: FloatArray) -> FloatArray:
    return _polynomial(parts[0], x) / _polynomial(parts[1], x)


def stirling_error(x: FloatArray) -> FloatArray:
    """What log Γ(x + 1) has beyond (x + 1/2) log x - x + log √(2π), for x > 0 (Loader 2000).

    Examples:
        >>> stirling_error(np.array([1.0])).round(6).tolist()
        [0.081061]
    """
    value: FloatArray = np.zeros_like(x)
    small = x < SHIFT
    if small.any():
        low = x[small]
        value[small] = sum((low + i + 0.5) * np.log1p(1 / (low + i)) - 1 for i in range(SHIFT))
    high = np.where(small, x + SHIFT, x)
    return value + _polynomial(STIRLING, 1 / high / high) / high


@cache
def _legendre(nodes: int) -> tuple[FloatArray, FloatArray]:
    """Points and weights of the Gauss-Legendre rule on 0 to 1."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return (points + 1) / 2, weights / 2


def student_quantiles(freedom: FloatArray, p: FloatArray) -> FloatArray:
    """Quantiles of Student's t by Newton's method, to 9 digits.

    It begins between the closed forms for 2, for 4 and for infinitely many degrees of freedom. In the middle it solves
    P(0 < T < t) = |p - 1/2|, in the tails log P(T > e^u) = log p, nearly a straight line.

    Args:
        freedom: ν above 2.
        p: probabilities between 0 and 1, broadcast against them.

    Examples:
        >>> student_quantiles(np.array([4.0]), np.array([0.05, 0.5, 0.95])).round(4).tolist()
        [-2.1318, 0.0, 2.1318]
    """
    freedom, p = np.broadcast_arrays(freedom, np.clip(p, CERTAIN, 1 - CERTAIN))
    tail = np.minimum(p, 1 - p)
    t, inner = np.zeros(p.shape), tail < 0.5
    near, far = inner & (tail > FAR_TAIL), inner & (tail <= FAR_TAIL)
    t[near] = _near(freedom[near], tail[near])
    t[far] = _far(freedom[far], tail[far])
    return np.copysign(t, p - 0.5)


def student_table(freedom: FloatArray, p: FloatArray) -> FloatArray:
    """The same quantiles for many degrees of freedom at few probabilities, a hundred times quicker.

    The logarithm of a quantile is a smooth function of 1/ν: its interpolation at Chebyshev's nodes has 13 digits. What
    lies further out than `TABLE_TAIL` is reckoned one by one.

    Args:
        freedom: (...,) ν above `TABLE_FREEDOM`.
        p: (P,) probabilities between 0 and 1.

    Returns:
        (..., P)

    Examples:
        >>> student_table(np.array([4.0]), np.array([0.05, 0.5, 0.95])).round(4).tolist()
        [[-2.1318, 0.0, 2.1318]]
    """
    tail = np.minimum(p, 1 - p)
    inner = (tail >= TABLE_TAIL) & (tail < 0.5)
    out = np.zeros_like(freedom, shape=(*freedom.shape, len(p)))
    levels, which = np.unique(tail[inner], return_inverse=True)
    x = _chebyshev(2 * TABLE_FREEDOM / freedom - 1)
    out[..., inner] = np.copysign(np.exp(x @ _table(tuple(levels.tolist())))[..., which], p[inner] - 0.5)
    far = tail < TABLE_TAIL
    if far.any():
        out[..., far] = student_quantiles(freedom[..., None], p[far])
    return out


def _chebyshev(x: FloatArray) -> FloatArray:
    """The first TABLE_NODES polynomials of Chebyshev at x (...,): (..., TABLE_NODES)."""
    every, twice = [x * 0 + 1, x], 2 * x
    for _ in range(TABLE_NODES - 2):
        every.append(twice * every[-1] - every[-2])
    return np.moveaxis(np.stack(every), 0, -1)


@lru_cache(16)
def _table(tails: tuple[float, ...]) -> FloatArray:
    """(TABLE_NODES, P) Chebyshev coefficients of log t, where P(T > t) is each of the tails."""
    x = np.polynomial.chebyshev.chebpts1(TABLE_NODES)
    t = -student_quantiles(2 * TABLE_FREEDOM / (x + 1)[:, None], np.array(tails))
    return np.asarray(np.polynomial.chebyshev.chebfit(x, np.log(t), TABLE_NODES - 1))


def _begin(freedom: FloatArray, tail: FloatArray) -> FloatArray:
    """About where P(T > t) = p: a cubic polynomial of 1/ν through three distributions and one slope."""
    z, even = -normal_score(tail), 4 * tail * (1 - tail)
    two = (1 - 2 * tail) * np.sqrt(2 / even)
    four = np.cos(np.arccos(np.sqrt(np.minimum(even, 1))) / 3) / np.sqrt(even)  # 1 + t²/4
    four = np.where(tail > 0.49, MIDDLE_RATIO * z, 2 * np.sqrt(np.maximum(four - 1, 0)))
    x, a, b, c = 4 / freedom, np.log(z), np.log(four), np.log(two)
    bend = ((z * z + 1) / 4 / 4 - (-3 * a + 4 * b - c) / 2) / 2
    through = a * (x - 1) * (x - 2) / 2 - b * x * (x - 2) + c * x * (x - 1) / 2
    return np.asarray(np.exp(through + bend * x * (x - 1) * (x - 2)))


def _density(freedom: FloatArray, t: FloatArray) -> FloatArray:
    """Of Student's t."""
    a = freedom / 2  # log Γ(a) - log Γ(a + 1/2), the large terms taken together
    ratio = -0.5 * np.log(a) - a * np.log1p(-0.5 / a) - 0.5 + stirling_error(a) - stirling_error(a - 0.5)
    return np.exp(-ratio - (a + 0.5) * np.log1p(t * t / freedom)) / np.sqrt(math.pi * freedom)


def _near(freedom: FloatArray, tail: FloatArray) -> FloatArray:
    """t where P(0 < T < t) = 1/2 - p, with P(0 < T < t) = f(0) √ν ∫ cos^{ν-1} φ dφ from 0 to atan(t / √ν)."""
    t, wanted, root = _begin(freedom, tail), 0.5 - tail, np.sqrt(freedom)
    points, weights = _legendre(NEAR_NODES)
    highest = _density(freedom, np.zeros_like(t))
    for _ in range(NEAR_STEPS):
        angle = np.arctan(t / root)
        inner = sum(
            w * np.exp((freedom - 1) / 2 * np.log1p(-np.square(np.sin(angle * x))))
            for x, w in zip(points, weights, strict=True)
        )
        density = highest * np.exp(-(freedom + 1) / 2 * np.log1p(np.square(t / root)))
        t = t + (wanted - highest * root * angle * inner) / density
    return t


def _far(freedom: FloatArray, tail: FloatArray) -> FloatArray:
    """t where P(T > t) = p, with 1 + x²/ν = (1 + t²/ν) exp(2 s²/(ν-1)) put into the integral from t on.

    P(T > t) = f(t) (ν + t²) / (ν - 1) ∫ exp(-s²) 2 s / x ds,   s from 0 on
    """
    u, wanted = np.log(_begin(freedom, tail)), np.log(tail)
    points, weights = _legendre(FAR_NODES)
    points, weights = points * REACH, weights * REACH
    weights = weights * 2 * points * np.exp(-(points**2))
    constant = np.log(_density(freedom, np.zeros_like(u)))
    for _ in range(FAR_STEPS):
        t = np.exp(u)
        beyond = freedom + t * t
        inner = sum(
            w / np.sqrt(t * t + beyond * np.expm1(2 * s * s / (freedom - 1)))
            for s, w in zip(points, weights, strict=True)
        )
        ratio = beyond / (freedom - 1) * inner  # P(T > t) / f(t)
        log_tail = constant - (freedom + 1) / 2 * np.log1p(t * t / freedom) + np.log(ratio)
        u = u + (log_tail - wanted) * ratio / t
    return np.exp(u)


def mixture_quantiles(weights: FloatArray, means: FloatArray, spreads: FloatArray, p: FloatArray) -> FloatArray:
    """Quantiles of mixtures of normal distributions: Newton's method within an interval that closes around them.

    The smaller of the two tails is solved for, by its logarithm. The quantile lies between the least and the greatest
    quantile of the components; where a step would leave that interval, or is not half the step before, it is halved.

    Args:
        weights: (M, C) of the components, summing to 1.
        means: (M, C)
        spreads: (M, C) standard deviations.
        p: (C,) probabilities between 0 and 1.

    Returns:
        (C,)

    Examples:
        >>> two = np.array([[0.5], [0.5]]), np.array([[-5.0], [5.0]]), np.array([[1.0], [1.0]])
        >>> mixture_quantiles(*two, np.array([0.25])).round(4).tolist()
        [-5.0]
    """
    side, tail = np.where(p > 0.5, -1.0, 1.0), np.minimum(p, 1 - p)
    m, s, w, wanted = side * means, spreads, weights, np.log(tail)
    ends = m + s * normal_score(tail)
    low, high = ends.min(0), ends.max(0)
    y, rows, last = (w * ends).sum(0), np.arange(len(p)), high - low
    found = y.copy()
    for _ in range(MOST_STEPS):
        z = (y - m) / s
        upto, fall = _normal(z)
        upto, density = (w * upto).sum(0), (w / s * fall).sum(0) / ROOT
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            missing = wanted - np.log(upto)
            step = missing * upto / density
        low, high = np.where(missing >= 0, y, low), np.where(missing >= 0, high, y)
        taken = (y + step >= low) & (y + step <= high) & (np.abs(step) <= last / 2)
        before, y = y, np.where(taken, y + step, low + (high - low) / 2)
        last = np.where(taken, np.abs(step), high - low)
        found[rows] = y
        moving = np.abs(y - before) > 1e-15 * np.abs(y) + 1e-13 * s.min(0)
        if not moving.any():
            break
        rows, y, low, high, last, wanted = (each[moving] for each in (rows, y, low, high, last, wanted))
        m, s, w = (each[:, moving] for each in (m, s, w))
    return np.asarray(side * found)
