"""Why something was skipped is said in a line of its own."""


def pytest_terminal_summary(terminalreporter):
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", [])]
    for reason in dict.fromkeys(reasons):
        terminalreporter.write_line(f"{reason} ({reasons.count(reason)} tests)")
