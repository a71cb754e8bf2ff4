-- What the registry no longer has is said of what was scanned too, and of each asset whether it runs.

-- A scan that is fresh covers whatever the registry says; when it has expired the registry's word goes first: what is gone cannot be
-- scanned again. Read only of what no fresh scan covers, so a fleet is counted as fast as before.
DO $$
DECLARE
    change record;
    was text;
    body text;
BEGIN
    FOR change IN
        SELECT * FROM (VALUES
            ('target_states(cover_key[], timestamptz, timestamptz)',
             $w$                    WHEN j.complete_id IS NOT NULL THEN 'scan_expired'
                    WHEN g.state IN ('missing', 'deleted') THEN 'not_in_registry'$w$,
             $w$                    WHEN g.state IN ('missing', 'deleted') THEN 'not_in_registry'
                    WHEN j.complete_id IS NOT NULL THEN 'scan_expired'$w$),
            ('target_states(cover_key[], timestamptz, timestamptz)',
             $w$                 WHERE j.complete_id IS NULL
                   AND r.repository = j.repository$w$,
             $w$                 WHERE COALESCE(j.finished_at < p_as_of - scan_window(), true)
                   AND r.repository = j.repository$w$),
            ('image_coverage(timestamptz, timestamptz)',
             $w$                    WHEN EXISTS (SELECT FROM scans s
                                  WHERE s.digest = t.digest AND s.outcome = 'complete'$w$,
             $w$                    WHEN g.state IN ('missing', 'deleted') THEN 'not_in_registry'
                    WHEN EXISTS (SELECT FROM scans s
                                  WHERE s.digest = t.digest AND s.outcome = 'complete'$w$),
            ('image_coverage(timestamptz, timestamptz)',
             $w$ THEN 'scan_expired'
                    WHEN g.state IN ('missing', 'deleted') THEN 'not_in_registry'$w$,
             $w$ THEN 'scan_expired'$w$),
            -- Since both: the end of the cover, and the registry's word.
            ('states_since(cover_key[], text[], timestamptz, timestamptz)',
             $w$a.state IN ('covered', 'scan_expired')$w$,
             $w$a.state IN ('covered', 'scan_expired', 'not_in_registry')$w$),
            ('states_since(cover_key[], text[], timestamptz, timestamptz)',
             $w$a.state NOT IN ('excluded', 'covered', 'scan_expired')$w$,
             $w$a.state NOT IN ('excluded', 'covered')$w$),
            ('states_since(cover_key[], text[], timestamptz, timestamptz)',
             $w$WHEN 'scan_expired' THEN s.at + scan_window()$w$,
             $w$WHEN 'scan_expired' THEN GREATEST(s.at + scan_window(), CASE WHEN t.was_absent THEN t.came END)$w$),
            ('states_since(cover_key[], text[], timestamptz, timestamptz)',
             $w$WHEN 'not_in_registry' THEN t.went$w$,
             $w$WHEN 'not_in_registry' THEN GREATEST(s.at + scan_window(), t.went)$w$),
            -- Told while it is still covered: there is time to push it again.
            ('conditions_untold(timestamptz, interval, interval, integer)',
             $w$               i.containers || ' containers run it and ' || i.reason ||
               ': push it again, or stop them',
               p_now, COALESCE(i.manifest_digest, i.reported_digest, ''), NULL, NULL, NULL
          FROM images i WHERE i.state = 'not_in_registry'$w$,
             $w$               i.containers || ' containers run it and ' ||
               CASE g.state WHEN 'deleted' THEN 'the registry deleted it' ELSE 'the registry does not have it' END ||
               ': push it again, or stop them',
               p_now, COALESCE(i.manifest_digest, i.reported_digest, ''), NULL, NULL, NULL
          FROM images i
         CROSS JOIN LATERAL (SELECT registry_state(i.repository, COALESCE(i.manifest_digest, i.reported_digest), p_now,
                                                   'infinity') AS state) g
         WHERE i.state IN ('covered', 'not_in_registry') AND g.state IN ('missing', 'deleted')$w$)
        ) AS c (function, words, others)
    LOOP
        was := pg_get_functiondef(change.function::regprocedure);
        body := replace(was, change.words, change.others);
        IF body = was THEN
            RAISE EXCEPTION '% is otherwise than expected', change.function;
        END IF;
        EXECUTE body;
    END LOOP;
END
$$;

-- How many containers run each asset: counted by image, each named once, and the rest one by one.
CREATE FUNCTION running_assets(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (uai text, containers bigint)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_computed uuid[] := containers_computed(p_valid, p_known);
BEGIN
    RETURN QUERY
    WITH running AS MATERIALIZED (
        SELECT k.image_no, sum(k.containers)::bigint AS containers
          FROM running_kept(v_computed, p_valid, p_known) k
         GROUP BY k.image_no
    ), named AS (
        SELECT r.image_no, max(r.containers) AS containers, max(t.name) AS uai
          FROM running r
          JOIN image_targets g ON g.image_no = r.image_no AND g.known_from <= p_known
                              AND g.valid_from <= p_valid AND g.valid_to > p_valid
          JOIN cover_targets t ON t.target_no = g.target_no
         GROUP BY r.image_no
    )
    SELECT n.uai, sum(n.containers)::bigint
      FROM (SELECT d.uai, d.containers FROM named d
             UNION ALL
            SELECT c.uai, count(DISTINCT c.instance_id)
              FROM coverage_of(v_computed, p_valid, p_known) c
             GROUP BY c.uai) n
     WHERE n.uai IS NOT NULL
     GROUP BY n.uai;
END
$$;
