"""What an exported table has a row for, and what a format is good for."""

from typing import Final

from collector.web.language.i18n import later
from collector.web.words.terms import Words

ROWS: Final[Words] = {
    "measurements": later("One row for each speed test, good or set aside"),
    "schools": later("One row for each school of the registry, without telephones"),
    "school_days": later("One row for each school and day"),
    "availability": later("One row for each school and day: was the line up?"),
    "local_outages": later("One row for each time that one school was down"),
    "evaluations": later("One row for each school, target and evaluation"),
    "flags": later("One row for each case"),
    "flag_events": later("One row for each step in the history of a case"),
    "outages": later("One row for each outage of many schools"),
    "devices": later("One row for each enrolled computer"),
    "diary": later("One row for each stretch of time that a computer wrote down"),
    "browser_tests": later("One row for each test by hand in a browser; they never count"),
    "sites": later("One row for each school, day and learning site"),
    "networks": later("One row for each school, day and network that it was seen on"),
}
FORMATS: Final = {"csv": "CSV", "parquet": "Parquet", "jsonl": "JSON Lines", "xlsx": "XLSX", "geojson": "GeoJSON"}
FORMATS_GOOD_FOR: Final[Words] = {
    "csv": later("opens anywhere"),
    "parquet": later("small; for pandas, DuckDB, Spark"),
    "jsonl": later("one object a line"),
    "xlsx": later("up to 1 million rows"),
    "geojson": later("schools and outages"),
}
