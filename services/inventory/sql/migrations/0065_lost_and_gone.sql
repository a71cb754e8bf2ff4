-- As 0057 has it, and since when the registry no longer has it: the tag, or the digest without one.
DROP FUNCTION list_assets(timestamptz, timestamptz);
CREATE FUNCTION list_assets(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (uai text, asset_id uuid, repository text, tag text, floating boolean, digest text,
               digests bigint, known_since timestamptz, gone_since timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT a.uai, a.asset_id, a.repository, a.tag, a.floating,
           CASE WHEN a.tag IS NULL THEN a.digest ELSE t.digest END,
           (SELECT count(*) FROM asset_digests d
             WHERE d.asset_id = a.asset_id AND d.known_at <= p_known),
           a.known_at, CASE WHEN a.tag IS NULL THEN f.at ELSE t.gone_since END
      FROM live_assets_known(p_known) a
      LEFT JOIN LATERAL (SELECT CASE WHEN l.is_gone THEN NULL ELSE l.digest END AS digest,
                                CASE WHEN l.is_gone THEN l.valid_to END AS gone_since
                           FROM (SELECT h.digest, h.valid_to, COALESCE(h.valid_to <= p_valid, false) AS is_gone
                                   FROM tag_history_known(p_known) h
                                  WHERE h.repository = a.repository COLLATE "C"
                                    AND h.tag = a.tag COLLATE "C" -- as the index has them
                                    AND h.valid_from <= p_valid
                                  ORDER BY h.valid_from DESC, h.event_id DESC LIMIT 1) l) t ON true
      LEFT JOIN LATERAL (SELECT l.at
                           FROM (SELECT r.at, r.state FROM registry_facts r
                                  WHERE a.tag IS NULL AND r.digest = a.digest AND r.repository = a.repository
                                    AND r.at <= p_valid AND r.known_at <= p_known
                                  ORDER BY r.at DESC, r.event_id DESC LIMIT 1) l
                          WHERE l.state IN ('deleted', 'missing')) f ON true
     WHERE api_asset_was(a.asset_id, a.repository, a.tag, a.digest, p_valid, p_known)
        OR (a.repository, a.asset_id) IN (SELECT f.repository, d.asset_id
                                            FROM run_facts_told f
                                            JOIN asset_digests d ON d.digest = f.digest
                                           WHERE f.known_at > (SELECT run_spans_known()) AND f.known_at <= p_known
                                             AND COALESCE(f.started_at, f.seen_at) <= p_valid)
$$;

-- As 0047 has it, and a repository that moved on and is pushed to all the same is told, once: its UAIs are not for anything else.
DO $$
DECLARE
    body text;
    last text := $p$         UNION ALL
        SELECT 'detection_failure_closed', 'info',$p$;
BEGIN
    SELECT pg_get_functiondef(p.oid) INTO STRICT body FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'conditions_untold';
    IF position(last IN body) = 0 THEN
        RAISE EXCEPTION 'conditions_untold does not tell of failures that are closed';
    END IF;
    EXECUTE replace(body, last, $p$         UNION ALL
        SELECT 'moved_repository_pushed', 'warning', m.repository,
               'it moved to ' || m.moved_to || ' and its tag ' || p.tag || ' was pushed with a new image (' || left(p.digest, 19) ||
               '): push to the new name, or withdraw the move', p.valid_from, m.fact_id::text, NULL, NULL, NULL
          FROM moves_known('infinity') m
         CROSS JOIN LATERAL (SELECT o.tag, o.digest, o.valid_from FROM tag_observations o
                              WHERE o.repository = m.repository AND o.digest IS NOT NULL
                                AND o.valid_from > m.at AND o.valid_from <= p_now
                                AND NOT EXISTS (SELECT FROM tag_observations e
                                                 WHERE e.digest = o.digest AND e.repository = o.repository AND e.valid_from <= m.at)
                              ORDER BY o.valid_from, o.event_id LIMIT 1) p
$p$ || last);
END
$$;

-- Of the digest that a runtime reported, too: what is told as an image and as an index is never a manifest behind an image.
DO $$
DECLARE
    body text;
    asked text := $p$'digest_conflict ' || i.manifest_digest || ' ' || t.contents, j.job_id, j.repository, j.digest
          FROM images i
          JOIN scan_jobs j ON j.repository = i.repository AND j.digest = i.manifest_digest
         CROSS JOIN LATERAL digest_contents(i.manifest_digest) t
$p$;
BEGIN
    SELECT pg_get_functiondef(p.oid) INTO STRICT body FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.proname = 'conditions_untold';
    IF position(asked IN body) = 0 THEN
        RAISE EXCEPTION 'conditions_untold does not ask what a digest is told to be';
    END IF;
    EXECUTE replace(body, asked, $p$'digest_conflict ' || j.digest || ' ' || t.contents, j.job_id, j.repository, j.digest
          FROM images i
          JOIN scan_jobs j ON j.repository = i.repository AND j.digest IN (i.manifest_digest, i.reported_digest)
         CROSS JOIN LATERAL digest_contents(j.digest) t
$p$);
END
$$;
