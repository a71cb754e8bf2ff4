-- What a clock that goes wrong, and a digest that is told of twice, do: each is a detection failure that people see.

-- How far a scanner's clock may be ahead.
CREATE FUNCTION clock_tolerance() RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT interval '5 minutes'
$$;

-- What is known of a digest that cannot be of one content: two configs, or an image and an index. NULL: all agrees.
CREATE FUNCTION digest_contents(p_digest text) RETURNS TABLE (contents text) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN count(DISTINCT f.config_digest) > 1
                THEN 'configs ' || string_agg(DISTINCT left(f.config_digest, 19), ', ')
                WHEN bool_or(f.kind = 'manifest') AND bool_or(f.kind = 'index') THEN 'an image, an index' END
      FROM digest_facts f WHERE f.digest = p_digest
$$;

-- As 0031 has it; what is known to be exploited is found by all names it has, and see above.
CREATE OR REPLACE FUNCTION conditions_untold(p_now timestamptz, p_warn interval, p_grace interval,
                                  p_limit integer)
RETURNS TABLE (kind text, severity text, subject text, message text, occurred_at timestamptz,
               cause text, job_id uuid, repository text, digest text)
LANGUAGE sql STABLE AS $$
    WITH images AS MATERIALIZED (
        SELECT c.uai, c.repository, c.tag, c.manifest_digest, c.reported_digest, c.state, c.reason,
               c.scan_id, count(DISTINCT c.instance_id) AS containers, min(c.started_at) AS since
          FROM coverage_images(p_now, 'infinity') c
         WHERE c.state <> 'excluded'
         GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ), scanned AS MATERIALIZED (
        SELECT i.*, s.finished_at, s.started_at, s.database_built_at, s.evidence_digest
          FROM images i JOIN scans s ON s.scan_id = i.scan_id AND s.outcome = 'complete'
    ), names AS MATERIALIZED (
        SELECT * FROM vulnerability_names_known('infinity')
    ), kev AS MATERIALIZED (
        SELECT v.vulnerability_id, min(v.kev_added) AS added, min(v.kev_due) AS due
          FROM (SELECT DISTINCT f.vulnerability_id FROM vulnerability_facts f WHERE f.kev_added IS NOT NULL) k,
               LATERAL (SELECT k.vulnerability_id, t.* FROM vulnerability_state(k.vulnerability_id, p_now, 'infinity') t) v
         WHERE v.kev_added <= (p_now AT TIME ZONE 'UTC')::date
         GROUP BY v.vulnerability_id
    ), called AS MATERIALIZED (
        SELECT k.vulnerability_id AS id, k.vulnerability_id AS name FROM kev k
         UNION
        SELECT n.vulnerability_id, n.name FROM names n JOIN kev k ON k.vulnerability_id = n.name
    ), conditions AS (
        SELECT 'scan_expiring' AS kind, 'warning' AS severity, s.uai AS subject,
               'its scan expires ' || (to_json(s.finished_at + scan_window()) #>> '{}') || ' and ' ||
               s.containers || ' containers run it: scan it again before' AS message,
               p_now AS occurred_at, s.scan_id::text AS cause, NULL::uuid AS job_id,
               NULL::text AS repository, NULL::text AS digest
          FROM scanned s
         WHERE s.state = 'covered' AND s.finished_at + scan_window() <= p_now + p_warn
         UNION ALL
        SELECT 'scan_expired', 'critical', s.uai,
               'its scan has expired and ' || s.containers ||
               ' containers run it: scan it again, or stop them',
               s.finished_at + scan_window(), s.scan_id::text, NULL, NULL, NULL
          FROM scanned s WHERE s.state = 'scan_expired'
         UNION ALL
        SELECT 'never_scanned', 'critical', i.uai,
               i.containers || ' containers run it and it was never scanned under this name: see '
               'whether a scanner can pull it', min(i.since), COALESCE(i.manifest_digest, i.reported_digest, ''),
               NULL, NULL, NULL
          FROM images i WHERE i.state = 'never_scanned' AND i.since <= p_now - p_grace
         GROUP BY i.uai, i.containers, i.manifest_digest, i.reported_digest
         UNION ALL
        SELECT 'not_in_registry', 'critical', i.uai,
               i.containers || ' containers run it and ' || i.reason ||
               ': push it again, or stop them',
               p_now, COALESCE(i.manifest_digest, i.reported_digest, ''), NULL, NULL, NULL
          FROM images i WHERE i.state = 'not_in_registry'
         UNION ALL
        SELECT DISTINCT 'kev_in_production', 'critical', s.uai,
               COALESCE(n.name, f.vulnerability_id) || ' is known to be exploited' ||
               COALESCE(' (mend it by ' || k.due || ')', '') || ' and runs in production',
               s.finished_at, COALESCE(n.name, f.vulnerability_id) || ' ' || s.manifest_digest,
               NULL::uuid, NULL, NULL
          FROM kev k
          JOIN called c ON c.name = k.vulnerability_id
          JOIN finding_kinds f ON f.vulnerability_id = c.id
          JOIN evidence_findings e ON e.finding_ids @> ARRAY[f.finding_id]
          JOIN scanned s ON s.evidence_digest = e.evidence_digest
          LEFT JOIN names n ON n.vulnerability_id = f.vulnerability_id
         UNION ALL
        SELECT 'running_drift', 'warning', i.uai,
               'containers run ' || left(i.reported_digest, 19) || ', the registry''s tag is ' ||
               left(h.digest, 19) || ' since ' || (to_json(h.valid_from) #>> '{}') ||
               ': roll out the tag, or pin the digest', h.valid_from,
               i.reported_digest || ' ' || h.digest, NULL, NULL, NULL
          FROM (SELECT DISTINCT uai, repository, tag, reported_digest FROM images) i
         CROSS JOIN LATERAL (SELECT o.digest, o.valid_from FROM tag_observations o
                              WHERE o.repository = i.repository AND o.tag = i.tag AND o.valid_from <= p_now
                              ORDER BY o.valid_from DESC, o.event_id DESC LIMIT 1) h
         WHERE i.reported_digest <> h.digest AND h.valid_from <= p_now - p_grace
           AND registry_state(i.repository, h.digest, p_now, 'infinity') IS DISTINCT FROM 'deleted'
           AND NOT EXISTS (SELECT FROM digest_ancestors(i.reported_digest, 'infinity') a
                            WHERE a.digest = h.digest)
           AND NOT EXISTS (SELECT FROM digest_ancestors(h.digest, 'infinity') a
                            WHERE a.digest = i.reported_digest)
         UNION ALL
        SELECT 'detection_failure', 'critical', s.uai,
               'it was scanned with a vulnerability database older than 24 hours: update the '
               'database, it is scanned again by itself',
               s.finished_at, 'database_stale ' || s.scan_id, j.job_id, j.repository, j.digest
          FROM scanned s
          JOIN scan_jobs j ON j.repository = s.repository AND j.digest = s.manifest_digest
         WHERE s.state = 'covered' AND s.started_at - s.database_built_at > database_max_age()
         UNION ALL
        SELECT DISTINCT 'detection_failure', 'critical', i.uai,
               'its scan says that it ended at ' || (to_json(s.finished_at) #>> '{}') || ', which had not come when it was '
               'told: set the clock of the scanner; it is scanned again by itself every hour',
               s.known_at, 'clock_skew ' || j.job_id || ' ' || (s.known_at AT TIME ZONE 'UTC')::date, j.job_id, j.repository,
               j.digest
          FROM images i
          JOIN scan_jobs j ON j.repository = i.repository AND j.digest = i.manifest_digest
         CROSS JOIN LATERAL (SELECT c.finished_at, c.known_at FROM scans c
                              WHERE c.digest = i.manifest_digest AND c.outcome = 'complete'
                                AND c.finished_at > p_now + clock_tolerance()
                              ORDER BY c.known_at DESC, c.scan_id LIMIT 1) s
         WHERE i.state IN ('never_scanned', 'scan_expired', 'scan_failed')
         UNION ALL
        SELECT DISTINCT 'detection_failure', 'critical', i.uai,
               'two contents were told of its digest (' || t.contents || '): a registry or a scanner does not tell the truth; '
               'find out which, and push the image again',
               p_now, 'digest_conflict ' || i.manifest_digest || ' ' || t.contents, j.job_id, j.repository, j.digest
          FROM images i
          JOIN scan_jobs j ON j.repository = i.repository AND j.digest = i.manifest_digest
         CROSS JOIN LATERAL digest_contents(i.manifest_digest) t
         WHERE t.contents IS NOT NULL
         UNION ALL
        SELECT 'detection_failure_closed', 'info',
               COALESCE(f.source, f.repository || '@' || f.digest),
               'the failure ' || f.code || ' of ' || (to_json(f.opened_at) #>> '{}') || ' is over',
               f.closed_at, f.failure_id || ' ' || f.closed_at, NULL, NULL, NULL
          FROM detection_failures f
         WHERE f.closed_known_at > p_now - interval '7 days' AND f.closed_at <= p_now
    )
    SELECT c.*
      FROM conditions c
     WHERE NOT EXISTS (SELECT FROM notification_keys k
                        WHERE k.kind = c.kind AND k.subject = c.subject AND k.cause = c.cause)
     ORDER BY notification_rank(c.severity) DESC, c.occurred_at, c.kind, c.subject, c.cause
     LIMIT p_limit
$$;

-- As 0024 has it, and a scan of the future, which covers nothing yet, is repeated every hour.
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
         WHERE j.state = 'failed_final' AND j.next_try_at <= now() - p_age
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
