"""The database against the slow reference, over random histories, in any order and repetition, as known at any time.

MUSTER_MODEL_HISTORIES=N compares N histories (10,000 take some minutes), MUSTER_MODEL_SEED another set of them. A difference is
shrunk to a history of few events, which is printed.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import pytest

from driver import PROGRAM, ROOT, Database, all_expected, differences, all_differences, histories_in, in_rounds, instant_text
from histories import QUESTIONS, ROUNDS, generate, shuffled
from shrink import shrink

HISTORIES = int(os.environ.get("MUSTER_MODEL_HISTORIES", "2000"))
SEED = int(os.environ.get("MUSTER_MODEL_SEED", "20261101"))
CHUNK = 2500  # histories that share a database at a time
FEW = 240  # enough to see most broken rules


@pytest.fixture(scope="module")
def database():
    if not PROGRAM.exists():
        pytest.skip(f"SKIPPED: {PROGRAM} is not built, so there is nothing that applies histories")
    opened = Database(PROGRAM)
    yield opened
    opened.close()


def made(count, first=1):
    return [generate(number, SEED + number) for number in range(first, first + count)]


def explain(database, histories, found):
    """What differs, and the smallest history in which something does."""
    name, at, extra, missing = found[0]
    culprit = histories_in(extra | missing, histories)[0]
    small, small_found = shrink(database, culprit)
    lines = [f"{len(found)} answers differ; first: {name}" + (f" at {instant_text(at)}" if at else "")]
    lines += [f"  event {event.number} in round {event.arrival}: {event.kind} {event.body}" for event in small.events]
    for name, at, extra, missing in small_found[:3]:
        lines += [f"{name}{f' at {instant_text(at)}' if at else ''}:", *(f"  database:  {row}" for row in sorted(extra)),
                  *(f"  reference: {row}" for row in sorted(missing))]
    return "\n".join(lines)


def agree(database, histories, found):
    if found:
        pytest.fail(explain(database, histories, found), pytrace=False)


class Chunk:
    """Histories applied as they arrive, then shuffled and doubled, with the reference computing beside."""

    def __init__(self, database, pool, histories):
        self.database, self.pool, self.histories = database, pool, histories

    def _expect(self, last_round):
        half = len(self.histories) // 2 + 1
        return [self.pool.submit(all_expected, part, last_round, QUESTIONS) for part in (self.histories[:half], self.histories[half:])]

    def _expected(self, tasks):
        first, second = (task.result() for task in tasks)
        return {asked: rows | second.get(asked, set()) for asked, rows in first.items()} if second else first

    def run(self):
        tasks = {number: self._expect(number) for number in range(1, ROUNDS + 1)}
        self.database.forget()
        clocks, answers, right = {}, {}, {}
        for number, told in enumerate(in_rounds(self.histories), 1):
            clocks[number] = self.database.apply(told, derive=number != 2)  # some of it is computed from the facts
            answers[number] = self.database.answers(clocks[number], QUESTIONS)
            right[number] = self._expected(tasks[number])
            agree(self.database, self.histories, differences(answers[number], right[number]))
        self._same_then_as_before(clocks, answers)
        self._same_in_any_order(right[ROUNDS])

    def _same_then_as_before(self, clocks, answers):
        """What was asked before late events is answered the same after them."""
        for number in range(1, ROUNDS):
            agree(self.database, self.histories, differences(self.database.answers(clocks[number], QUESTIONS), answers[number]))

    def _same_in_any_order(self, right):
        self.database.forget()
        rounds = [shuffled(history, SEED + history.number) for history in self.histories]
        for number in range(ROUNDS):
            self.database.apply([(history, event) for history, arrived in zip(self.histories, rounds, strict=True)
                                 for event in arrived[number]], derive=number == 1)
        found = differences(self.database.answers("'infinity'", QUESTIONS), right)
        assert not found, f"another order or repetition gives other tables: {found[0]}"


def test_every_history_gives_the_tables_of_the_reference(database):
    started, events = time.monotonic(), 0
    with ProcessPoolExecutor(2) as pool:
        for first in range(1, HISTORIES + 1, CHUNK):
            histories = made(min(CHUNK, HISTORIES + 1 - first), first)
            events += sum(len(history.events) for history in histories)
            Chunk(database, pool, histories).run()
    print(f"\nmodel: {HISTORIES} histories, {events} events, {len(QUESTIONS)} instants, no difference, "
          f"{time.monotonic() - started:.0f} s")


# ---- the comparison sees what it should ----

# A rule, and what breaks it: (function, its true words, false ones)
BROKEN = {
    "a scan covers a day longer": ("scan_window()", "30 days", "31 days"),
    "a deletion does not end a tag": ("tag_history_known(timestamptz)", "= 'deleted' AND f.known_at <= p_known)),", "= 'none')),"),
    "a run may end before it starts": ("runs_known(timestamptz)", "GREATEST(e.started_at, e.ended_at)", "e.ended_at"),
    "a sight counts more than the start": ("runs_known(timestamptz)", "COALESCE(min(f.started_at), min(f.seen_at))",
                                           "min(COALESCE(f.started_at, f.seen_at))"),
    "what is learned later is known before": ("pods_known(timestamptz)", "r.known_at <= p_known", "true"),
    "a kind is as it is now": ("running_of(uuid[],timestamptz,timestamptz)", "k.until > p_known", "false"),
    "kept places are of any time": ("running_of(uuid[],timestamptz,timestamptz)", "s.known_until > p_known", "true"),
    "where a run is does not change": ("derive_runs(bigint)", "n.image_no, n.place_no, n.started_at", "n.image_no, n.started_at"),
    "what runs is what was kept": ("running_of(uuid[],timestamptz,timestamptz)", "p_known > v_runs", "false"),
    "places are as they were kept": ("running_totals(timestamptz,timestamptz,text)", "p_known > v_runs", "false"),
    "places of what came since count twice": ("running_totals(timestamptz,timestamptz,text)", "-count(*)", "0"),
    "targets are as they were kept": ("coverage_rows_of(uuid[],timestamptz,timestamptz)", "p_known > v_cover", "false"),
    "a platform may not lack its variant": ("platform_fits(text,text)", "OR starts_with(p_platform, p_node || '/')", ""),
    "a name is of any time": ("image_states(image_key[],timestamptz,timestamptz)", "AND t.valid_from <= p_as_of", ""),
    "what runs is not listed": ("live_assets_known(timestamptz)", "AND f.tag IS NULL AND f.known_at <= p_known", "AND false"),
    "kept runs are of any time": ("image_coverage(timestamptz,timestamptz)", "s.known_until > p_known", "true"),
    "what came since is not counted": ("image_coverage(timestamptz,timestamptz)", "p_known > v_runs", "false"),
    "images are as they were kept": ("image_coverage(timestamptz,timestamptz)", "p_known > v_cover", "false"),
    "gaps are of what is known since": ("containers_in_doubt(timestamptz,timestamptz)", "p_known > v_runs", "false"),
    "images are as they are now": ("image_coverage(timestamptz,timestamptz)", "g.known_from <= p_known", "true"),
    "a name holds for ever": ("image_coverage(timestamptz,timestamptz)", "g.valid_from <= p_as_of AND", ""),
    "of several manifests the best counts": ("image_coverage(timestamptz,timestamptz)", "max(coverage_rank(o.state))", "min(coverage_rank(o.state))"),
    "what no scan covers is counted as covered": ("image_coverage(timestamptz,timestamptz)", "g.target_no <> ALL (v_excused)",
                                                   "g.target_no = ANY (v_excused)"),
    "what is excluded is counted as covered": ("image_coverage(timestamptz,timestamptz)", "v_open || v_excluded", "v_open"),
    "images of what came since count twice": ("image_coverage(timestamptz,timestamptz)", "-count(*)", "0"),
    "what is covered is in no total": ("list_totals(timestamptz,timestamptz,text)", "LEFT JOIN worst w", "JOIN worst w"),
    "what images are is kept as it was": ("derive_images()", "image_no = ANY (v_images)", "false"),
    "a run that changes is kept as it was": ("derive_runs(bigint)", "SET known_until = EXCLUDED.known_until", "SET known_until = r.known_until"),
    "a failed scan decides of an attestation": ("target_states(cover_key[],timestamptz,timestamptz)",
                                                "WHEN a.is_attestation THEN 'unresolved'", ""),
    "an old scan hides that the image is gone": ("target_states(cover_key[],timestamptz,timestamptz)",
                                                 "COALESCE(j.finished_at < p_as_of - scan_window(), true)", "j.complete_id IS NULL"),
    "an attestation that runs is never scanned": ("image_coverage(timestamptz,timestamptz)", "f.kind = 'attestation'", "false"),
    "what is computed is on no page": ("list_instances(timestamptz,timestamptz,text,bigint,text,text,text,text,text,text,text)",
                                       "unnest(v_computed)", "unnest('{}'::uuid[])"),
    "a page counts runs of any time": ("running_assets(text[],timestamptz,timestamptz)", "s.known_until > p_known)", "true)"),
    "what is computed is counted as kept too": ("running_kept(uuid[],timestamptz,timestamptz)", "AND s.instance_id <> ALL (p_computed)", ""),
    "what images are is known as it was kept": ("containers_computed(timestamptz,timestamptz)", "p_known > v_cover", "false"),
    "a state began with the last scan": ("states_since(cover_key[],text[],timestamptz,timestamptz)",
                                         "ORDER BY c.at) + scan_window()", "ORDER BY c.at)"),
}


BROKEN_FINDINGS = {
    "runs are as they were kept": ("asset_run_groups(text,timestamptz,timestamptz)", "p_known > v_runs", "false"),
    "images are as they were kept": ("asset_run_groups(text,timestamptz,timestamptz)", "p_known > v_cover", "false"),
    "what runs does not count": ("asset_images_of(asset_run_group[],text,timestamptz)", "AND p.during @> g.hull", ""),
    "a tag that moves lets go at once": ("asset_images_of(asset_run_group[],text,timestamptz)", "WHERE t.turn > 1", "WHERE false"),
    "of equal scans the greatest counts": ("finding_history_alone(asset_image[],timestamptz)", "s.finished_at DESC, s.scan_id)",
                                           "s.finished_at DESC, s.scan_id DESC)"),
    "no look in between opens anew": ("finding_history_alone(asset_image[],timestamptz)", "OR r.uai IS NOT NULL", ""),
}


@contextmanager
def broken(database, function, true, false):
    """The database with other words in a function."""
    right = database.postgres.sql(f"SELECT pg_get_functiondef('{function}'::regprocedure)")
    assert true in right, f"{function} has other words now: {right}"
    database.postgres.sql(right.replace(true, false))
    try:
        yield
    finally:
        database.postgres.sql(right)


def differ(database, histories):
    try:
        return all_differences(database, histories, QUESTIONS[::2])
    except AssertionError as error:
        return any(word in str(error) for word in ("rows come twice", "overlap"))


@pytest.mark.parametrize("mistake", sorted(BROKEN))
def test_a_broken_rule_is_seen(database, mistake):
    with broken(database, *BROKEN[mistake]):
        found = any(differ(database, made(FEW, first)) for first in range(1, 6 * FEW, FEW))
    assert found, "no history tells the broken rule from the right one"


KEPT = "run_spans, run_images, run_images_overruled, run_places, run_spans_clock, image_targets, image_reads, cover_targets, cover_scans, cover_clock"


MIGRATIONS = ROOT / "services/inventory/sql/migrations"
# What was computed repository by repository: migration, function, and its words of which scan is the last of equal ones.
FIRST = (("0035_asset_runs", "asset_runs_known", "", ""),
         ("0020_vulnerabilities", "asset_images_known", "", ""),
         ("0020_vulnerabilities", "finding_history_known", "s.finished_at, s.scan_id)", "s.finished_at, s.scan_id DESC)"),
         ("0035_asset_runs", "repository_findings_known", "s.scan_id DESC LIMIT 1", "s.scan_id LIMIT 1"))
EACH = "SELECT f.* FROM (SELECT DISTINCT repository FROM assets) r, first_words."


def findings_of(database, known, first=False):
    """When images count for assets, the history of findings, and what is open at some instants: of all repositories."""
    instants = [f"'{instant_text(at)}'" for at in QUESTIONS[::2]]
    if first:
        asked = [f"{EACH}asset_images_known(r.repository, {known}) f", f"{EACH}finding_history_known(r.repository, {known}) f",
                 *(f"{EACH}repository_findings_known(r.repository, {at}, {known}) f" for at in instants)]
    else:
        asked = [f"SELECT * FROM asset_images_known(NULL, {known})", f"SELECT * FROM finding_history_known(NULL, {known})",
                 *(f"SELECT * FROM findings_known(NULL, {at}, {known})" for at in instants)]
    return [database.rows(sql) for sql in asked]


def test_findings_are_the_same_kept_or_not(database):
    """As known after each round: with runs and images kept as far as that, further, and not at all."""
    database.forget()
    clocks, then = [], []
    for number, told in enumerate(in_rounds(made(FEW)), 1):
        clocks.append(database.apply(told, derive=number != 2))
        then.append(findings_of(database, clocks[-1]))
    assert all(then[-1]) and then[0] != then[-1]
    assert [findings_of(database, known) for known in clocks] == then
    database.postgres.sql(f"TRUNCATE {KEPT}")
    assert [findings_of(database, known) for known in clocks] == then


def test_findings_of_all_are_those_of_each_by_the_first_definition(database):
    """It went over all runs of a repository, and over all scans of its images."""
    database.forget()
    database.postgres.sql("DROP SCHEMA IF EXISTS first_words CASCADE; CREATE SCHEMA first_words")
    for file, name, last, wanted in FIRST:
        text = (MIGRATIONS / f"{file}.sql").read_text(encoding="utf-8")
        text = text[text.index(f"FUNCTION {name}("):]
        text = text[:text.index("$$;") + 3]
        assert last in text
        for other in FIRST:
            text = text.replace(f"{other[1]}(", f"first_words.{other[1]}(")
        database.postgres.sql(f"CREATE {text.replace(last, wanted) if last else text}")
    for number, told in enumerate(in_rounds(made(FEW)), 1):
        known = database.apply(told, derive=number != 2)
        for found, right in zip(findings_of(database, known), findings_of(database, known, first=True), strict=True):
            assert found and sorted(set(found) ^ set(right)) == []


@pytest.mark.parametrize("mistake", sorted(BROKEN_FINDINGS))
def test_a_broken_rule_of_findings_is_seen(database, mistake):
    """Against what the right rule answers, of which most is computed from the facts."""
    database.forget()
    clocks = [database.apply(told, derive=number == 1) for number, told in enumerate(in_rounds(made(FEW)), 1)]
    right = [findings_of(database, known) for known in clocks]
    with broken(database, *BROKEN_FINDINGS[mistake]):
        found = [findings_of(database, known) for known in clocks]
    assert found != right


def test_a_difference_is_shrunk_to_few_events(database):
    with broken(database, "scan_window()", "30 days", "31 days"):
        histories = made(FEW)
        found = all_differences(database, histories, QUESTIONS)
        small, still = shrink(database, histories_in(found[0][2] | found[0][3], histories)[0])
    assert still
    assert len(small.events) <= 4, [(event.kind, event.body) for event in small.events]
