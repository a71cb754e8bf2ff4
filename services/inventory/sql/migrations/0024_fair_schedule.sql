-- Scheduling for many registries: each gets its turn, none more than its rate; a new vulnerability
-- database and the end of the 30-day window are met spread over time.

CREATE FUNCTION registry_of(p_repository text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT split_part(p_repository, '/', 1)
$$;

ALTER TABLE scan_jobs ADD COLUMN rematch_at timestamptz; -- when a newer database is applied to it
CREATE INDEX scan_jobs_rematch ON scan_jobs (rematch_at) WHERE rematch_at IS NOT NULL AND state = 'complete';
CREATE INDEX scan_jobs_registry ON scan_jobs (priority, registry_of(repository), next_try_at) WHERE state = 'pending';
CREATE INDEX scan_jobs_old_bulk ON scan_jobs (completed_at) WHERE state = 'pending' AND priority = 3;
CREATE INDEX scans_database ON scans (database_built_at) WHERE outcome = 'complete' AND scanner_name = 'muster-scanner';

-- Where in [0, 1) a job lies when many of them are spread over time: always the same.
CREATE FUNCTION job_place(p_job uuid) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || substr(md5(p_job::text), 1, 8))::bit(32)::bigint::double precision / 4294967296
$$;

-- ---- rates ----

-- Token buckets of the registries that have a rate; a bucket holds a minute's worth.
CREATE TABLE registry_budgets (
    registry text COLLATE "C" PRIMARY KEY,
    tokens double precision NOT NULL,
    at timestamptz NOT NULL
);

-- Requests that the registry may get now; NULL: no limit. p_rates are per minute, of p_hosts in order.
CREATE FUNCTION registry_tokens(p_registry text, p_hosts text[], p_rates bigint[],
                                p_default bigint)
RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT LEAST(r.rate, COALESCE(b.tokens + extract(epoch FROM now() - b.at) * r.rate / 60, r.rate))
      FROM (SELECT COALESCE(p_rates[array_position(p_hosts, p_registry)], p_default)::double precision
                   AS rate) r
      LEFT JOIN registry_budgets b ON b.registry = p_registry
     WHERE r.rate > 0
$$;

-- Jobs that become requests now: of each priority as many as may be under way and are not, of each registry no more than
-- p_per_registry at a time and its rate allows. Registries take turns: who has least under way comes first, so
-- a hundred thousand images of one keep nobody else waiting.
CREATE FUNCTION scan_jobs_take(p_in_flight integer, p_per_registry integer, p_hosts text[],
                               p_rates bigint[], p_default bigint)
RETURNS TABLE (job_id uuid) LANGUAGE plpgsql AS $$
DECLARE
    taken uuid[];
BEGIN
    taken := ARRAY(
        WITH RECURSIVE walk (priority, registry) AS (
            SELECT p.priority,
                   (SELECT registry_of(d.repository) FROM scan_jobs d
                     WHERE d.state = 'pending' AND d.priority = p.priority
                     ORDER BY registry_of(d.repository) LIMIT 1)
              FROM generate_series(1, 3) AS p (priority)
             UNION ALL
            SELECT w.priority,
                   (SELECT registry_of(d.repository) FROM scan_jobs d
                     WHERE d.state = 'pending' AND d.priority = w.priority
                       AND registry_of(d.repository) > w.registry
                     ORDER BY registry_of(d.repository) LIMIT 1)
              FROM walk w WHERE w.registry IS NOT NULL
        ), flight AS MATERIALIZED (
            SELECT registry_of(i.repository) AS registry, i.priority, count(*) AS jobs
              FROM scan_jobs i WHERE i.state = 'issued' GROUP BY 1, 2
        ), rooms AS MATERIALIZED (
            SELECT p.priority,
                   GREATEST(0, p_in_flight - COALESCE((SELECT sum(f.jobs) FROM flight f
                                                        WHERE f.priority = p.priority), 0)) AS room
              FROM generate_series(1, 3) AS p (priority)
        ), allowances AS MATERIALIZED (
            SELECT r.registry,
                   GREATEST(0, LEAST(p_per_registry - COALESCE((SELECT sum(f.jobs) FROM flight f
                                                                 WHERE f.registry = r.registry), 0),
                                     floor(registry_tokens(r.registry, p_hosts, p_rates, p_default)))) AS allowed
              FROM (SELECT DISTINCT w.registry FROM walk w WHERE w.registry IS NOT NULL) r
        ), candidates AS (
            SELECT w.priority, w.registry, a.allowed, r.room, j.job_id, j.next_try_at,
                   COALESCE(f.jobs, 0) AS under_way
              FROM walk w
              JOIN rooms r ON r.priority = w.priority AND r.room > 0
              JOIN allowances a ON a.registry = w.registry AND a.allowed > 0
              LEFT JOIN flight f ON f.registry = w.registry AND f.priority = w.priority
             CROSS JOIN LATERAL (
                   SELECT d.job_id, d.next_try_at FROM scan_jobs d
                    WHERE d.state = 'pending' AND d.priority = w.priority
                      AND registry_of(d.repository) = w.registry AND d.next_try_at <= now()
                    ORDER BY d.next_try_at LIMIT LEAST(r.room, a.allowed)::bigint
                      FOR UPDATE SKIP LOCKED) j
        ), ranked AS (
            SELECT c.*,
                   c.under_way + row_number() OVER (PARTITION BY c.priority, c.registry
                                                    ORDER BY c.next_try_at, c.job_id) AS turn,
                   row_number() OVER (PARTITION BY c.registry
                                      ORDER BY c.priority, c.next_try_at, c.job_id) AS of_registry
              FROM candidates c
        ), placed AS (
            SELECT k.*, row_number() OVER (PARTITION BY k.priority
                                           ORDER BY k.turn, k.next_try_at, k.job_id) AS place
              FROM ranked k WHERE k.of_registry <= k.allowed
        )
        SELECT p.job_id FROM placed p WHERE p.place <= p.room);
    INSERT INTO registry_budgets AS b (registry, tokens, at)
    SELECT s.registry, registry_tokens(s.registry, p_hosts, p_rates, p_default) - s.jobs, now()
      FROM (SELECT registry_of(j.repository) AS registry, count(*) AS jobs
              FROM scan_jobs j WHERE j.job_id = ANY (taken) GROUP BY 1) s
     WHERE registry_tokens(s.registry, p_hosts, p_rates, p_default) IS NOT NULL
        ON CONFLICT (registry) DO UPDATE SET tokens = EXCLUDED.tokens, at = EXCLUDED.at;
    RETURN QUERY SELECT unnest(taken);
END
$$;

-- ---- again ----

-- As 0007 has it, but not all that grew old together are due together: spread over p_spread.
DROP FUNCTION scan_jobs_to_rescan(interval, integer);
CREATE FUNCTION scan_jobs_to_rescan(p_age interval, p_spread interval, p_limit integer)
RETURNS TABLE (job_id uuid)
LANGUAGE sql STABLE AS $$
    WITH old AS (
        SELECT j.job_id, j.repository, j.digest FROM scan_jobs j
         WHERE j.state = 'complete' AND j.completed_at <= now() - p_age
           AND j.completed_at <= now() - p_age - p_spread * job_place(j.job_id)
           AND EXISTS (SELECT FROM digest_facts f WHERE f.digest = j.digest AND f.kind = 'manifest')
         UNION ALL
        SELECT j.job_id, j.repository, j.digest FROM scan_jobs j
         WHERE j.state = 'failed_final' AND j.next_try_at <= now() - p_age
    )
    SELECT o.job_id FROM old o
     WHERE COALESCE(registry_state(o.repository, o.digest, 'infinity', 'infinity'), '')
           NOT IN ('deleted', 'missing')
     LIMIT p_limit
$$;

-- Operational: the newest database of our scanner that was seen, and how far its jobs are marked.
CREATE TABLE rematch_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    built_at timestamptz NOT NULL,
    noticed_at timestamptz NOT NULL,
    marked_through uuid -- NULL: all
);

CREATE FUNCTION newest_database() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT max(s.database_built_at) FROM scans s
     WHERE s.outcome = 'complete' AND s.scanner_name = 'muster-scanner'
$$;

CREATE FUNCTION rematch_waits() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT COALESCE(newest_database() > (SELECT r.built_at FROM rematch_state r),
                    newest_database() IS NOT NULL)
        OR EXISTS (SELECT FROM rematch_state r WHERE r.marked_through IS NOT NULL)
        OR EXISTS (SELECT FROM scan_jobs j WHERE j.state = 'complete' AND j.rematch_at <= now())
$$;

CREATE FUNCTION job_database(p_repository text, p_digest text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT s.database_built_at FROM scans s
     WHERE s.digest = p_digest AND s.repository = p_repository AND s.outcome = 'complete'
       AND s.scanner_name = 'muster-scanner'
     ORDER BY s.finished_at DESC, s.scan_id LIMIT 1
$$;

-- One step: notices a new database; marks up to p_limit scanned jobs for it, spread over p_spread; opens those whose
-- time has come, unless another scan has used the database meanwhile. Gives how many were opened.
CREATE FUNCTION rematch_step(p_spread interval, p_limit integer) RETURNS bigint
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

-- Repetitions in bulk that wait until a day before the window of their scan ends go before the rest.
CREATE FUNCTION scan_jobs_hurry() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT now() - scan_window() + interval '1 day'
$$;
