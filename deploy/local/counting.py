"""How many tests a ctest run had: cmocka and pytest programs print counts of their own."""

import re

CMOCKA = re.compile(r"\[  (PASSED|FAILED|SKIPPED) +\] (?:\w+: )?(\d+) test")
PYTEST = re.compile(r"^(?:=+ )?(?=.*\b(?:passed|failed|skipped|errors?)\b).* in [\d.]+s")
WORD = re.compile(r"(?<![\w.])(\d+) (passed|failed|skipped|error)")
CTEST = re.compile(r"^\s*\d+/\d+ Test +#(\d+): (\S+) .*?(Passed|\*\*\*\S.*?) +[\d.]+ sec")


def programs(log):
    """{program: ({passed, failed, skipped}, how it ended, its output)} of a verbose ctest log.

    Programs may have run side by side: every line carries the number of its own. One that prints no count is one test; one
    that ctest calls failed has at least one failure, whatever it printed before it died.
    """
    found, said = {}, {}
    for line in log.splitlines():
        if output := re.match(r"(\d+): (.*)", line):
            said.setdefault(output[1], []).append(output[2])
        elif ended := CTEST.match(line):
            own, lines = dict.fromkeys(("passed", "failed", "skipped"), 0), said.pop(ended[1], [])
            pytest = [WORD.findall(text) for text in lines if PYTEST.match(text)][-1:]  # its last words
            cmocka = [[(n, word.lower()) for word, n in CMOCKA.findall(text)] for text in lines]
            for number, word in sum(pytest or cmocka, []):
                own["failed" if word == "error" else word] += int(number)
            if ended[3] != "Passed":
                own["failed"] = max(own["failed"], 1)
            elif not any(own.values()):
                own["passed"] = 1
            found[ended[2]] = own, ended[3].strip("*: "), lines
    return found


def after_again(found, again):
    """`found` after a second try of what failed. A try of fewer tests than the first was of the failed ones alone."""
    merged = dict(found)
    for name, (own, ended, lines) in again.items():
        first = found[name][0]
        if sum(own.values()) < sum(first.values()):
            own = {"passed": first["passed"] + own["passed"], "failed": own["failed"], "skipped": first["skipped"] + own["skipped"]}
        merged[name] = own, ended, lines
    return merged


def total(found):
    """{passed, failed, skipped} of what programs() found."""
    return {word: sum(own[word] for own, _, _ in found.values()) for word in ("passed", "failed", "skipped")}


def count(log):
    """({passed, failed, skipped}, {failed program: its output})."""
    found = programs(log)
    return total(found), {f"{name} ({ended})": lines for name, (_, ended, lines) in found.items() if ended != "Passed"}
