-- A push is told by its registry and again by a listing: what says the same of a tag as was said
-- before it is one interval with that, unless the manifest was deleted in between.

CREATE OR REPLACE FUNCTION tag_history_known(p_known timestamptz)
RETURNS TABLE (repository text, tag text, digest text, valid_from timestamptz,
               valid_to timestamptz, event_id uuid)
LANGUAGE sql STABLE AS $$
    SELECT o.repository, o.tag, o.digest, o.valid_from,
           LEAST((SELECT n.valid_from
                    FROM tag_observations n
                   WHERE n.repository = o.repository AND n.tag = o.tag
                     AND (n.valid_from, n.event_id) > (o.valid_from, o.event_id)
                     AND n.digest IS DISTINCT FROM o.digest AND n.known_at <= p_known
                   ORDER BY n.valid_from, n.event_id
                   LIMIT 1),
                 (SELECT min(f.at)
                    FROM registry_facts f
                   WHERE f.digest = o.digest AND f.repository = o.repository
                     AND f.at > o.valid_from AND f.state = 'deleted' AND f.known_at <= p_known)),
           o.event_id
      FROM tag_observations o
     WHERE o.digest IS NOT NULL AND o.known_at <= p_known
       AND NOT EXISTS (
           SELECT FROM (SELECT b.digest, b.valid_from
                          FROM tag_observations b
                         WHERE b.repository = o.repository AND b.tag = o.tag
                           AND (b.valid_from, b.event_id) < (o.valid_from, o.event_id)
                           AND b.known_at <= p_known
                         ORDER BY b.valid_from DESC, b.event_id DESC
                         LIMIT 1) p
            WHERE p.digest = o.digest
              AND NOT EXISTS (SELECT FROM registry_facts f
                               WHERE f.digest = o.digest AND f.repository = o.repository
                                 AND f.at > p.valid_from AND f.at <= o.valid_from
                                 AND f.state = 'deleted' AND f.known_at <= p_known))
$$;
