"""Makes a history that shows a difference small: leaves out events for as long as something still differs.

All candidates of a step are histories of their own in one database, so a step costs one application.
"""

from driver import all_differences, histories_in

FIRST_FREE = 0xF0000000  # numbers no generated history has


def _still_differing(database, history, candidates):
    """[(candidate, its differences)], of the event lists that show one."""
    named = [history.renumbered(FIRST_FREE + place, events) for place, events in enumerate(candidates)]
    found = all_differences(database, named)
    guilty = []
    for candidate in named:
        own = [(name, at, extra, missing) for name, at, extra, missing in found if histories_in(extra | missing, [candidate])]
        if own:
            guilty.append((candidate, own))
    return guilty


def _halves(events):
    """Lists with large parts left out, then with single events left out."""
    size = len(events) // 2
    while size >= 1:
        for start in range(0, len(events), size):
            yield events[:start] + events[start + size:]
        size //= 2


def shrink(database, history):
    """(smallest history found, its differences); the history itself when only its own number shows one."""
    small, found = history, _still_differing(database, history, [history.events])
    while True:
        candidates = [events for events in _halves(list(small.events)) if events]
        guilty = _still_differing(database, small, candidates)
        if not guilty or len(small.events) == 1:
            break
        small, found = min(guilty, key=lambda one: len(one[0].events)), guilty
        small = small[0]
    final = _still_differing(database, small, [small.events]) or found
    return small, [one for _, own in final[:1] for one in own]
