"""What Foregate does where nothing is said, and what the runs of the claims say of it."""

from __future__ import annotations

from benchmarks.lab.claim import Default

__all__ = ["DEFAULTS"]

DEFAULTS = (
    Default("`model.cell`: LSTM", "gru", "lstm", {"gru": "GRU"}),
    Default(
        "`model.forget`: a bias of 1",
        "forget",
        "1",
        {"0": "a bias of 0", "short": "`forget=short`", "long": "`forget=long`", "chrono": "`chrono=100`"},
    ),
    Default("`model.attention`: none", "attention", "without", {"attention": "`additive` over 96 rows"}),
    Default(
        "`model.encoder`: carried, without a window",
        "length",
        "carried",
        {"48": "a window of 48", "192": "of 192"},
    ),
    Default("`layers`: 2, residual", "layers", "2", {"4": "four", "6": "six"}),
    Default(
        "`model.strategy`: parallel",
        "horizon",
        "parallel",
        {"direct": "`direct`", "recursive": "`recursive`, medians fed back", "encoder–decoder": "`seq2seq`"},
    ),
    Default("`batch`: 16 crops or more", "batch", "own 16", {"own 64": "64 crops, as many in all"}),
    Default(
        "`rate`: 4e-3 from scratch",
        "batch",
        "own 16",
        {
            "own rate 0.0005": "5e-4",
            "own rate 0.001": "1e-3",
            "own rate 0.01": "1e-2",
            "own rate 0.03": "3e-2",
        },
    ),
    Default(
        "`training.stateful`: crops that begin with nothing",
        "truncation",
        "all 96",
        {"48": "`stateful`, in crops of 48"},
    ),
    Default(
        "early stopping, and the best weights are kept", "regularisation", "early stopping", {"none": "neither of them"}
    ),
    Default(
        "`model.dropout`: none, `augment`: none",
        "regularisation",
        "none",
        {
            "dropout": "`dropout=0.2`",
            "recurrent dropout": "`recurrent_dropout=0.2`",
            "augmentation": "jitter of 0.1 and warps of 0.05",
        },
    ),
    Default("`training.decay`: 1e-4", "regularisation", "none", {"weight decay": "1e-2, beside 0"}),
    Default(
        "inputs by causal statistics", "scaling", "causal", {"min–max": "min–max", "standard": "mean and deviation"}, ""
    ),
)
"""Dropout, augmentation and weight decay were tried without early stopping, each alone."""
