"""The data door: from a file, an address, a database or a frame to a panel, checked on the way in.

sources    where a table comes from (delimited: CSV and TSV, web, database, native: frames of other libraries)
roles      which column is the id, which the time and which the target
numbers    decimal commas, thousands marks, and what is no number
dates      date formats, zones, and times as the panel holds them
assemble   sorting into series and flat arrays
door       `read`, which calls them in this order
"""

from foregate.data.read.door import read, read_rows
from foregate.data.read.options import ReadOptions

__all__ = ["ReadOptions", "read", "read_rows"]
