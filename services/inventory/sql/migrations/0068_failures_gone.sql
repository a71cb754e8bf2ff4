-- As 0064 has it, but what runs is looked up in the runs that are kept; the runs of all that ever ran the image were computed anew. What
-- the facts since then tell of is not gone yet.
CREATE OR REPLACE FUNCTION failures_gone(p_grace interval, p_limit integer) RETURNS TABLE (failure_id uuid)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_runs timestamptz := run_spans_known();
BEGIN
    RETURN QUERY
    WITH gone AS MATERIALIZED (
        SELECT f.failure_id, ARRAY(SELECT d.digest FROM subject_digests(f.digest, 'infinity') d) AS digests
          FROM detection_failures f
         WHERE p_limit > 0 AND f.closed_at IS NULL AND f.job_id IS NOT NULL AND f.opened_at <= now() - p_grace AND f.code <> 'digest_conflict'
           AND registry_state(f.repository, f.digest, 'infinity', 'infinity') IN ('deleted', 'missing')
    ), told AS MATERIALIZED (
        SELECT DISTINCT COALESCE(f.digest, m.digest) AS digest
          FROM run_facts f
          LEFT JOIN run_image_facts m ON m.image_fact_id = f.image_fact_id
         WHERE f.known_at > v_runs AND EXISTS (SELECT FROM gone)
    )
    SELECT g.failure_id
      FROM gone g
     WHERE NOT EXISTS (SELECT FROM told t WHERE t.digest = ANY (g.digests))
       AND NOT EXISTS (SELECT FROM run_images i
                         JOIN run_spans s ON s.image_no = i.image_no
                        WHERE i.digest = ANY (g.digests) AND s.known_until = 'infinity' AND s.ended_at = 'infinity')
     LIMIT p_limit;
END
$$;
