-- The removal of a run's pod is found by the pod's uid, whatever plans its reader forbids. As a join below each run it was a hash of
-- all removals in coverage, which turns nested loops off: one reading of the table for each run that is not kept yet.
CREATE OR REPLACE FUNCTION runs_of(p_instances uuid[], p_known timestamptz)
RETURNS TABLE (instance_id uuid, run_key text, image text, image_id text, repository text, tag text, digest text,
               started_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT e.instance_id, e.run_key, e.image, e.image_id, e.repository, e.tag, e.digest, e.started_at,
           CASE WHEN e.ended_at IS NOT NULL THEN GREATEST(e.started_at, e.ended_at) END
      FROM (SELECT m.*, LEAST(m.finished_at,
                              lead(m.started_at) OVER (PARTITION BY m.instance_id
                                                       ORDER BY m.started_at, m.run_key),
                              (SELECT min(r.removed_at)
                                 FROM pod_removals r
                                WHERE r.pod_uid = (SELECT i.pod_uid FROM instances i WHERE i.instance_id = m.instance_id)
                                  AND r.cluster = (SELECT i.cluster FROM instances i WHERE i.instance_id = m.instance_id)
                                  AND r.known_at <= p_known)) AS ended_at
              FROM (SELECT f.instance_id, f.run_key, max(f.image) AS image, max(f.image_id) AS image_id,
                           COALESCE(max(f.repository) FILTER (WHERE f.image_id IS NOT NULL),
                                    max(f.repository)) AS repository,
                           max(f.tag) AS tag,
                           COALESCE(max(f.digest) FILTER (WHERE f.image_id IS NOT NULL),
                                    max(f.digest)) AS digest,
                           COALESCE(min(f.started_at), min(f.seen_at)) AS started_at,
                           min(f.finished_at) AS finished_at
                      FROM run_facts_told f
                     WHERE f.known_at <= p_known AND f.instance_id = ANY (p_instances)
                     GROUP BY f.instance_id, f.run_key) m) e
$$;
