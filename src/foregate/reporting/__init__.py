"""The report of a forecast as one HTML file, and its charts."""

from foregate.reporting.figures import fan_chart
from foregate.reporting.judged import pit_chart, rank_chart, reliability_chart
from foregate.reporting.report import ReportInput, write_report

__all__ = ["ReportInput", "fan_chart", "pit_chart", "rank_chart", "reliability_chart", "write_report"]
