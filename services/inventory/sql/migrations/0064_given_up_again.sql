-- What was given up is tried again; a fleet in which nothing is scanned hears of a new database; a database of the future counts
-- for nothing; failures of what is gone end.

ALTER TABLE scan_jobs
    ADD COLUMN given_up integer NOT NULL DEFAULT 0, -- times in a row
    ADD COLUMN given_up_at timestamptz;             -- the last of them; next_try_at of what is given up is when it is tried again
UPDATE scan_jobs SET given_up = 1, given_up_at = next_try_at,
                     next_try_at = next_try_at + CASE WHEN failure_final THEN interval '25 days' ELSE interval '1 hour' END
 WHERE state = 'failed_final';

-- As 0047 has it, and of what was given up each when it is due.
CREATE OR REPLACE FUNCTION scan_jobs_to_rescan(p_age interval, p_spread interval, p_limit integer)
RETURNS TABLE (job_id uuid)
LANGUAGE sql STABLE AS $$
    WITH old AS (
        SELECT j.job_id, j.repository, j.digest FROM scan_jobs j
         WHERE j.state = 'complete' AND j.completed_at <= now() - p_age
           AND j.completed_at <= now() - p_age - p_spread * job_place(j.job_id)
           AND EXISTS (SELECT FROM digest_facts f WHERE f.digest = j.digest AND f.kind = 'manifest')
         UNION ALL
        SELECT j.job_id, j.repository, j.digest FROM scan_jobs j
         WHERE j.state = 'failed_final' AND j.next_try_at <= now()
         UNION ALL
        SELECT j.job_id, j.repository, j.digest FROM scan_jobs j
         WHERE j.state = 'complete' AND j.completed_at > now() + clock_tolerance()
           AND j.next_try_at <= now() - interval '1 hour'
           AND EXISTS (SELECT FROM digest_facts f WHERE f.digest = j.digest AND f.kind = 'manifest')
    )
    SELECT o.job_id FROM old o
     WHERE COALESCE(registry_state(o.repository, o.digest, 'infinity', 'infinity'), '')
           NOT IN ('deleted', 'missing')
     LIMIT p_limit
$$;

-- ---- databases ----

-- A database that says it was built after it was told of: the clock of who built it was wrong.
CREATE FUNCTION database_is_of_the_future(p_built timestamptz, p_known timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_built > p_known + clock_tolerance()
$$;

CREATE OR REPLACE FUNCTION newest_database() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT max(s.database_built_at) FROM scans s
     WHERE s.outcome = 'complete' AND s.scanner_name = 'muster-scanner'
       AND NOT database_is_of_the_future(s.database_built_at, s.known_at)
$$;

-- As 0024 has it; one of the future counts as of when it was told of, so the next true one is newer.
CREATE OR REPLACE FUNCTION job_database(p_repository text, p_digest text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN database_is_of_the_future(s.database_built_at, s.known_at) THEN s.known_at ELSE s.database_built_at END
      FROM scans s
     WHERE s.digest = p_digest AND s.repository = p_repository AND s.outcome = 'complete'
       AND s.scanner_name = 'muster-scanner'
     ORDER BY s.finished_at DESC, s.scan_id LIMIT 1
$$;

ALTER TABLE rematch_state ADD COLUMN looked_at timestamptz NOT NULL DEFAULT now(); -- when a scan was last heard of, or a probe opened
-- Where one of the future held up the ones that followed, the newest is noticed now.
UPDATE rematch_state SET built_at = '-infinity' WHERE built_at > COALESCE(newest_database(), '-infinity');

-- As 0024 has it; a new database opens what failed for the want of one, too.
CREATE OR REPLACE FUNCTION rematch_step(p_spread interval, p_limit integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    state rematch_state;
    last uuid;
    opened bigint;
BEGIN
    INSERT INTO rematch_state (built_at, noticed_at)
    SELECT n.at, now() FROM (SELECT newest_database() AS at) n WHERE n.at IS NOT NULL
        ON CONFLICT (singleton) DO UPDATE
           SET built_at = EXCLUDED.built_at, noticed_at = now(), marked_through = '00000000-0000-0000-0000-000000000000'
         WHERE rematch_state.built_at < EXCLUDED.built_at;
    IF FOUND THEN
        UPDATE scan_jobs j SET next_try_at = now()
         WHERE j.state = 'failed_final' AND j.failure_code = 'stale_database' AND j.next_try_at > now();
    END IF;
    SELECT * INTO state FROM rematch_state;
    IF state.marked_through IS NOT NULL THEN
        SELECT max(b.job_id::text)::uuid INTO last
          FROM (SELECT j.job_id FROM scan_jobs j WHERE j.job_id > state.marked_through
                 ORDER BY j.job_id LIMIT p_limit) b;
        UPDATE scan_jobs j SET rematch_at = state.noticed_at + p_spread * job_place(j.job_id)
         WHERE j.job_id > state.marked_through AND j.job_id <= last AND j.completed_at IS NOT NULL
           AND job_database(j.repository, j.digest) < state.built_at;
        UPDATE rematch_state SET marked_through = last;
    END IF;
    WITH due AS (
        SELECT j.job_id, j.repository, j.digest FROM scan_jobs j
         WHERE j.state = 'complete' AND j.rematch_at <= now()
         ORDER BY j.rematch_at LIMIT p_limit
    ), judged AS (
        SELECT d.job_id,
               job_database(d.repository, d.digest) < state.built_at
               AND COALESCE(registry_state(d.repository, d.digest, 'infinity', 'infinity'), '')
                   NOT IN ('deleted', 'missing') AS again
          FROM due d
    ), moved AS (
        UPDATE scan_jobs j
           SET rematch_at = NULL,
               state = CASE WHEN g.again THEN 'pending' ELSE j.state END,
               reason = CASE WHEN g.again THEN 'rematch' ELSE j.reason END,
               priority = CASE WHEN g.again THEN 3 ELSE j.priority END,
               attempts = CASE WHEN g.again THEN 0 ELSE j.attempts END,
               next_try_at = CASE WHEN g.again THEN now() ELSE j.next_try_at END
          FROM judged g WHERE j.job_id = g.job_id
        RETURNING g.again
    )
    SELECT count(*) FILTER (WHERE m.again) INTO opened FROM moved m;
    RETURN opened;
END
$$;

-- Scans tell which database there is: when none has come for p_after (0: never), one image is scanned again.
CREATE FUNCTION probe_waits(p_after interval) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_after > interval '0' AND EXISTS (SELECT FROM rematch_state r WHERE r.looked_at <= now() - p_after)
$$;

-- Of what our scanner has scanned and the registry still holds the oldest scan, of what runs if there is one.
CREATE FUNCTION probe_step(p_after interval) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    heard timestamptz;
    runs boolean;
    probe uuid;
BEGIN
    IF NOT probe_waits(p_after) THEN
        RETURN;
    END IF;
    heard := (SELECT max(s.known_at) FROM scans s
               WHERE s.known_at > now() - p_after AND s.outcome = 'complete' AND s.scanner_name = 'muster-scanner');
    FOREACH runs IN ARRAY ARRAY[true, false] LOOP
        EXIT WHEN heard IS NOT NULL OR probe IS NOT NULL;
        probe := (SELECT j.job_id FROM scan_jobs j
                   WHERE j.state = 'complete' AND j.completed_at IS NOT NULL
                     AND (NOT runs OR (j.repository, j.digest) IN (
                           SELECT t.repository, t.digest FROM run_spans r
                             JOIN image_targets i ON i.image_no = r.image_no AND i.valid_to = 'infinity'
                             JOIN cover_targets t ON t.target_no = i.target_no
                            WHERE r.known_until = 'infinity' AND r.ended_at = 'infinity'))
                     AND job_database(j.repository, j.digest) IS NOT NULL
                     AND COALESCE(registry_state(j.repository, j.digest, 'infinity', 'infinity'), '')
                         NOT IN ('deleted', 'missing')
                   ORDER BY j.completed_at LIMIT 1);
    END LOOP;
    UPDATE scan_jobs j SET state = 'pending', reason = 'rematch', priority = 3, attempts = 0, next_try_at = now()
     WHERE j.job_id = probe;
    UPDATE rematch_state SET looked_at = COALESCE(heard, now());
END
$$;

-- ---- failures ----

-- Open failures of scans whose digest the registry does not hold and no container runs: no scan will end them. That a digest has
-- two contents stays true.
CREATE FUNCTION failures_gone(p_grace interval, p_limit integer) RETURNS TABLE (failure_id uuid) LANGUAGE sql STABLE AS $$
    WITH gone AS MATERIALIZED (
        SELECT f.failure_id, f.digest FROM detection_failures f
         WHERE f.closed_at IS NULL AND f.job_id IS NOT NULL AND f.opened_at <= now() - p_grace AND f.code <> 'digest_conflict'
           AND registry_state(f.repository, f.digest, 'infinity', 'infinity') IN ('deleted', 'missing')
    )
    SELECT g.failure_id FROM gone g
     WHERE NOT EXISTS (SELECT FROM runs_of(ARRAY(SELECT s.instance_id FROM subject_instances(g.digest, 'infinity') s), 'infinity') r
                        WHERE r.ended_at IS NULL)
     LIMIT p_limit
$$;

-- What people answer for: failures that nothing else ends.
CREATE TABLE failure_acknowledgements (
    failure_id uuid PRIMARY KEY,
    author text COLLATE "C" NOT NULL CHECK (length(author) BETWEEN 1 AND 200),
    reason text COLLATE "C" NOT NULL CHECK (length(reason) BETWEEN 1 AND 4000),
    at timestamptz NOT NULL DEFAULT now(),
    known_at timestamptz NOT NULL
);

-- Closes it; gives why it cannot be, or NULL.
CREATE FUNCTION failure_acknowledge(p_failure text, p_author text, p_reason text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_known timestamptz := ledger_tick();
    f detection_failures;
BEGIN
    SELECT * INTO f FROM detection_failures d WHERE d.failure_id::text = p_failure FOR UPDATE;
    IF f.failure_id IS NULL THEN
        RETURN 'there is no such failure';
    ELSIF f.closed_at IS NOT NULL THEN
        RETURN 'it is closed already';
    ELSIF f.code = 'source_silent' THEN
        RETURN 'it ends when the source speaks or is removed';
    ELSIF f.job_id IS NOT NULL AND f.code <> 'digest_conflict' THEN
        RETURN 'it ends with a complete scan, or when the image is gone';
    END IF;
    INSERT INTO failure_acknowledgements (failure_id, author, reason, known_at)
    VALUES (f.failure_id, p_author, p_reason, v_known);
    UPDATE detection_failures d SET closed_at = GREATEST(now(), d.opened_at), closed_known_at = v_known
     WHERE d.failure_id = f.failure_id;
    RETURN NULL;
END
$$;

-- As 0019 has it, and who closed it and why.
CREATE OR REPLACE FUNCTION list_failures(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (failure_id uuid, state text, code text, message text, repository text, digest text,
               source text, attempts integer, opened_at timestamptz, closed_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT f.failure_id, CASE WHEN c.closed_at IS NULL THEN 'open' ELSE 'closed' END, f.code,
           f.message || COALESCE(' (closed by ' || a.author || ': ' || a.reason || ')', ''), f.repository, f.digest, f.source,
           f.attempts, f.opened_at, c.closed_at
      FROM detection_failures f
      LEFT JOIN LATERAL (SELECT f.closed_at WHERE f.closed_at <= p_valid
                            AND f.closed_known_at <= p_known) c ON true
      LEFT JOIN failure_acknowledgements a ON a.failure_id = f.failure_id AND c.closed_at IS NOT NULL
     WHERE f.opened_at <= p_valid AND f.known_at <= p_known
$$;

DO $$
DECLARE
    body text := pg_get_functiondef('muster_grant_roles'::regproc);
BEGIN
    IF position('exclusion_facts, move_facts,' IN body) = 0 THEN
        RAISE EXCEPTION 'muster_grant_roles does not tell of move_facts';
    END IF;
    EXECUTE replace(body, 'exclusion_facts, move_facts,', 'exclusion_facts, move_facts, failure_acknowledgements,');
    PERFORM muster_grant_roles();
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'roles of muster are missing: see 0014_roles.sql';
END
$$;
