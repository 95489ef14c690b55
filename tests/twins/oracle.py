"""The cells a third time, in NumPy and double precision: an oracle that shares no line with those it judges."""

import numpy as np


def logistic(x):
    return 1 / (1 + np.exp(-x))


def lstm(weights, x, h, c):
    """Outputs (B, T, H) and the memory (B, T, H), from weights by torch's names, x (B, T, F) and a state (B, H)."""
    W, U, b, b_h = weights
    outputs, memory = [], []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W.T + h @ U.T + b + b_h, 4, axis=1)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        h = logistic(o) * np.tanh(c)
        outputs.append(h)
        memory.append(c)
    return np.stack(outputs, 1), np.stack(memory, 1)


def gru(weights, x, h):
    """Outputs (B, T, H)."""
    W, U, b, b_h = weights
    outputs = []
    for t in range(x.shape[1]):
        read, kept = np.split(x[:, t] @ W.T + b, 3, axis=1), np.split(h @ U.T + b_h, 3, axis=1)
        r, z = logistic(read[0] + kept[0]), logistic(read[1] + kept[1])
        h = z * h + (1 - z) * np.tanh(read[2] + r * kept[2])
        outputs.append(h)
    return np.stack(outputs, 1)


def rnn(weights, x, h, bend):
    """Outputs (B, T, H)."""
    W, U, b, b_h = weights
    outputs = []
    for t in range(x.shape[1]):
        h = bend(x[:, t] @ W.T + h @ U.T + b + b_h)
        outputs.append(h)
    return np.stack(outputs, 1)
