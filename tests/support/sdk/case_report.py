"""A pytest plugin that tells, case by case and as JSON lines in the file $CASE_REPORT, what was collected and how it ended."""

import json
import os

_PATH = os.environ["CASE_REPORT"]
_CUT = 6_000


def _tell(line):
    with open(_PATH, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _name(nodeid):
    """`FILE::CASE`, without the folder."""
    return nodeid.rsplit("/", 1)[-1]


def pytest_collection_finish(session):
    for item in session.items:
        _tell({"case": _name(item.nodeid), "outcome": "collected", "detail": ""})


def pytest_runtest_logreport(report):
    name = _name(report.nodeid)
    is_expected = hasattr(report, "wasxfail")
    if report.when == "call" and report.outcome != "skipped":
        # A case that its authors expect to fail, and that passes, is said to pass.
        outcome = "passed" if report.outcome == "passed" else "failed"
        _tell({"case": name, "outcome": outcome, "detail": report.longreprtext[-_CUT:]})
    elif report.outcome == "skipped":
        outcome = "failed" if is_expected else "skipped"
        _tell({"case": name, "outcome": outcome, "detail": str(report.longrepr)[-_CUT:]})
    elif report.outcome == "failed":
        _tell({"case": name, "outcome": "failed", "detail": f"{report.when}: {report.longreprtext[-_CUT:]}"})
