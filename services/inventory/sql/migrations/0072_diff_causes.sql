-- What made a state what it is comes from the state's own clock: the last of what it needs. An image that the registry deleted in
-- October is not_in_registry since its scan expired in November, and that is its cause in November. No cause lies before the time
-- that is asked for; where none of what is known moved a state within it, that is said.
CREATE OR REPLACE FUNCTION list_diff(p_known timestamptz, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (change text, subject text, from_image text, to_image text, from_digest text,
               to_digest text, from_state text, to_state text, cause text, cause_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH before AS MATERIALIZED (
        SELECT c.* FROM api_containers(p_from, p_known) c
    ), after AS MATERIALIZED (
        SELECT c.* FROM api_containers(p_to, p_known) c
    ), differing AS MATERIALIZED (
        SELECT COALESCE(b.instance_id, a.instance_id) AS instance_id,
               CASE WHEN b.instance_id IS NULL THEN 'container_started'
                    WHEN a.instance_id IS NULL THEN 'container_stopped'
                    WHEN b.started_at <> a.started_at
                         AND (b.digest, b.uai) IS DISTINCT FROM (a.digest, a.uai)
                         THEN 'image_changed'
                    WHEN (b.digest, b.uai) IS DISTINCT FROM (a.digest, a.uai) THEN 'image_resolved'
                    ELSE 'state_changed' END AS change,
               concat_ws('/', COALESCE(b.cluster, a.cluster), COALESCE(b.namespace, a.namespace),
                         COALESCE(b.pod, a.pod), COALESCE(b.container, a.container)) AS subject,
               b.uai AS from_image, a.uai AS to_image, b.digest AS from_digest,
               a.digest AS to_digest, b.state AS from_state, a.state AS to_state,
               a.started_at, a.repository,
               COALESCE(b.cluster, a.cluster) AS cluster, COALESCE(b.pod_uid, a.pod_uid) AS pod_uid
          FROM before b
          FULL JOIN after a ON a.instance_id = b.instance_id
         WHERE (b.instance_id, b.digest, b.uai, b.state)
               IS DISTINCT FROM (a.instance_id, a.digest, a.uai, a.state)
    ), ended AS MATERIALIZED (
        SELECT r.instance_id, max(r.ended_at) AS at
          FROM runs_known(p_known) r
         WHERE r.ended_at > p_from AND r.ended_at <= p_to
           AND r.instance_id IN (SELECT d.instance_id FROM differing d
                                  WHERE d.change = 'container_stopped')
         GROUP BY r.instance_id
    ), dated AS MATERIALIZED ( -- since when a container has been in its state
        SELECT DISTINCT ON (c.instance_id) c.instance_id, c.since
          FROM coverage_of(ARRAY(SELECT d.instance_id FROM differing d WHERE d.change = 'state_changed'), p_to, p_known) c
         ORDER BY c.instance_id, coverage_rank(c.state) DESC, c.manifest_digest
    ), removed AS MATERIALIZED (
        SELECT r.cluster, r.pod_uid, min(r.removed_at) AS at
          FROM pod_removals r WHERE r.known_at <= p_known
         GROUP BY r.cluster, r.pod_uid
    )
    SELECT d.change, d.subject, d.from_image, d.to_image, d.from_digest, d.to_digest,
           d.from_state, d.to_state, c.cause, c.at
      FROM differing d
      LEFT JOIN ended e ON e.instance_id = d.instance_id
      LEFT JOIN removed m ON m.cluster = d.cluster AND m.pod_uid = d.pod_uid
      LEFT JOIN dated n ON n.instance_id = d.instance_id AND n.since > p_from
     CROSS JOIN LATERAL (
        SELECT (SELECT CASE r.state WHEN 'deleted' THEN 'registry_deleted' WHEN 'missing' THEN 'registry_missing'
                                    ELSE 'registry_pushed' END
                  FROM registry_facts r
                 WHERE r.repository = d.repository AND r.digest = d.to_digest AND r.at = n.since AND r.known_at <= p_known
                 ORDER BY r.event_id DESC LIMIT 1) AS registry,
               (SELECT true FROM exclusions e
                 WHERE e.uai = d.to_image AND e.valid_to = n.since AND e.known_at <= p_known LIMIT 1) AS is_exclusion,
               (SELECT s.outcome FROM scans s
                 WHERE s.digest = d.to_digest AND s.finished_at = n.since AND s.known_at <= p_known
                   AND s.outcome = CASE d.to_state WHEN 'scan_failed' THEN 'failed' ELSE 'complete' END LIMIT 1) AS scan,
               (SELECT true FROM scans s
                 WHERE s.digest = d.to_digest AND s.finished_at + scan_window() = n.since AND s.known_at <= p_known
                   AND s.outcome = 'complete' LIMIT 1) AS is_expiry) AS w
     CROSS JOIN LATERAL (
        SELECT x.cause, x.at FROM (VALUES
            (1, d.change = 'container_started', 'started', d.started_at),
            (2, d.change = 'container_stopped' AND m.at IS NOT DISTINCT FROM e.at, 'pod_removed', e.at),
            (3, d.change = 'container_stopped', 'finished', e.at),
            (4, d.change = 'image_changed', 'restarted', d.started_at),
            (5, d.change = 'image_resolved', 'digest_or_tag_learned', NULL),
            (6, d.to_state = 'excluded', 'exclusion_began', n.since),
            (7, w.is_exclusion, 'exclusion_ended', n.since),
            (8, d.to_state = 'covered' AND w.scan IS NOT NULL, 'scan_completed', n.since),
            (9, d.to_state IN ('scan_expired', 'not_in_registry') AND w.is_expiry, 'scan_expired', n.since),
            (10, d.to_state = 'scan_failed' AND w.scan IS NOT NULL, 'scan_failed', n.since),
            (11, d.to_state NOT IN ('covered', 'excluded') AND w.registry IS NOT NULL, w.registry, n.since),
            (12, d.from_state = 'unresolved', 'digest_resolved', NULL),
            (13, true, 'not_known', NULL)) AS x (rank, applies, cause, at)
         WHERE x.applies ORDER BY x.rank LIMIT 1) c
     UNION ALL
    SELECT CASE WHEN b.digest IS NULL THEN 'tag_created' WHEN a.digest IS NULL THEN 'tag_deleted'
                ELSE 'tag_moved' END,
           t.repository || ':' || t.tag, NULL, NULL, b.digest, a.digest, NULL, NULL,
           CASE WHEN a.digest IS NOT NULL THEN 'pushed' ELSE 'deleted' END,
           COALESCE(a.valid_from, (SELECT max(h.valid_to) FROM tag_history_known(p_known) h
                                    WHERE h.repository = t.repository AND h.tag = t.tag
                                      AND h.valid_to <= p_to))
      FROM (SELECT DISTINCT o.repository, o.tag FROM tag_observations o
             WHERE o.known_at <= p_known AND o.valid_from <= p_to) t
      LEFT JOIN LATERAL (SELECT h.digest, h.valid_from FROM tag_history_known(p_known) h
                          WHERE h.repository = t.repository AND h.tag = t.tag
                            AND h.valid_from <= p_from AND COALESCE(h.valid_to > p_from, true)
                          ORDER BY h.valid_from DESC, h.event_id DESC LIMIT 1) b ON true
      LEFT JOIN LATERAL (SELECT h.digest, h.valid_from FROM tag_history_known(p_known) h
                          WHERE h.repository = t.repository AND h.tag = t.tag
                            AND h.valid_from <= p_to AND COALESCE(h.valid_to > p_to, true)
                          ORDER BY h.valid_from DESC, h.event_id DESC LIMIT 1) a ON true
     WHERE b.digest IS DISTINCT FROM a.digest
$$;
