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
