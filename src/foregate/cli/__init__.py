"""The command line: one module per verb.

app        the verbs together, and `main`
verb       what every verb shares: options in groups, errors as exit codes
options    the options, each defined once
job        audit, backtest, fit and forecast in a row, for `forecast` and `demo`
outputs    all of the files, or none
tables     results as CSV, JSON or Parquet
streams    streams that are closed, or whose reader has gone
screen     what people read: progress on standard error, results on standard output

Asking for help must be instant, so no module here imports anything heavy but inside functions.
"""

from foregate.cli.app import app, main

__all__ = ["app", "main"]
