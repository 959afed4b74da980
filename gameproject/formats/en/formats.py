"""Dates as logs and the API write them: they sort, and nobody asks whether the month comes first."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "Y-m-d H:i:s"
