-- Questions about one thing are answered in less time than their planning takes: they are planned once a session. image_states is
-- planned as its caller wants it.

ALTER FUNCTION subject_digests(text, timestamptz) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION subject_uais(text, timestamptz) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION subject_instances(text, timestamptz) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION image_states(image_key[], timestamptz, timestamptz) RESET plan_cache_mode;
ALTER FUNCTION coverage_rows(timestamptz, timestamptz) SET plan_cache_mode = force_custom_plan;

-- coverage_clocks of some containers only. Of many it is planned anew: what is right for ten is not for a hundred thousand.
CREATE OR REPLACE FUNCTION coverage_of(p_instances uuid[], p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, cluster text, namespace text, pod text, pod_uid text,
               container text, container_kind text, image text, repository text, tag text,
               reported_digest text, node text, owner_kind text, owner_name text,
               started_at timestamptz, uai text, manifest_digest text, platform text,
               scan_id uuid, state text, reason text, expires_at timestamptz, cause_id uuid,
               since timestamptz)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
    IF cardinality(p_instances) > 500 THEN
        PERFORM set_config('plan_cache_mode', 'force_custom_plan', true); -- until the function's end
    END IF;
    RETURN QUERY
    WITH running AS MATERIALIZED (
        SELECT DISTINCT ON (r.instance_id) r.*, n.platform AS node_platform, n.cluster, n.namespace, n.pod,
               n.pod_uid, n.container, n.container_kind, n.node, n.owner_kind, n.owner_name
          FROM runs_of(p_instances, p_known) r
          JOIN instances_of(p_instances, p_known) n ON n.instance_id = r.instance_id
         WHERE r.started_at <= p_as_of AND (r.ended_at IS NULL OR r.ended_at > p_as_of)
         ORDER BY r.instance_id, r.started_at DESC, r.run_key DESC
    ), placed AS MATERIALIZED (
        SELECT r.*, row_number() OVER () AS place FROM running r
    ), states AS MATERIALIZED (
        SELECT s.*
          FROM image_states((SELECT array_agg((p.repository, p.tag, p.digest, p.node_platform, p.image,
                                               p.started_at)::image_key ORDER BY p.place)
                               FROM placed p), p_as_of, p_known) s
    ), changed AS MATERIALIZED (
        SELECT d.*, state_since(d.repository, d.digest, d.is_manifest, d.uai, d.state, p_as_of,
                                p_known) AS since
          FROM (SELECT DISTINCT p.repository, COALESCE(s.manifest_digest, p.digest) AS digest,
                       s.manifest_digest IS NOT NULL AS is_manifest, s.uai, s.state
                  FROM placed p JOIN states s ON s.place = p.place) d
    )
    SELECT p.instance_id, p.cluster, p.namespace, p.pod, p.pod_uid, p.container, p.container_kind,
           p.image, p.repository, p.tag, p.digest, p.node, p.owner_kind, p.owner_name, p.started_at,
           s.uai, s.manifest_digest, s.platform, s.scan_id, s.state, s.reason, s.expires_at, s.cause_id,
           GREATEST(p.started_at, c.since)
      FROM placed p
      JOIN states s ON s.place = p.place
      JOIN changed c ON c.uai = s.uai AND c.state = s.state
                    AND COALESCE(c.repository, '') = COALESCE(p.repository, '')
                    AND COALESCE(c.digest, '') = COALESCE(s.manifest_digest, p.digest, '')
                    AND c.is_manifest = (s.manifest_digest IS NOT NULL);
END
$$;
