-- What the scheduler looks at each round, found by index whatever has piled up.

-- Only complete jobs are opened again; what is no image keeps its mark for good.
DROP INDEX scan_jobs_recheck;
CREATE INDEX scan_jobs_recheck ON scan_jobs (job_id) WHERE recheck AND state = 'complete';
CREATE INDEX scan_jobs_given_up ON scan_jobs (next_try_at) WHERE state = 'failed_final';

-- Jobs whose newest complete scan, or whose giving up, is older than p_age, of what the registry still
-- holds. An index has no scan of its own and is never due.
CREATE FUNCTION scan_jobs_to_rescan(p_age interval, p_limit integer) RETURNS TABLE (job_id uuid)
LANGUAGE sql STABLE AS $$
    WITH old AS (
        SELECT j.job_id, j.repository, j.digest FROM scan_jobs j
         WHERE j.state = 'complete' AND j.completed_at <= now() - p_age
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
