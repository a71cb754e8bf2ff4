-- What people are told, once each, and the webhooks that tell it.

-- What has been told: the same cause is told once, whoever looks.
CREATE TABLE notification_keys (
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    cause text COLLATE "C" NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject, cause)
);

-- Operational, not history: one row per target of the configuration, from when on it is told.
CREATE TABLE webhook_targets (
    target text COLLATE "C" PRIMARY KEY,
    told_through timestamptz NOT NULL,      -- known_at of notifications
    paused_until timestamptz NOT NULL DEFAULT '-infinity', -- after a failure
    failures integer NOT NULL DEFAULT 0     -- one after another
);

CREATE TABLE webhook_deliveries (
    delivery_id uuid PRIMARY KEY, -- stable id of (target, notification): what a receiver drops twins by
    target text COLLATE "C" NOT NULL,
    notification_id uuid NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL,
    lease_until timestamptz, -- somebody is sending it
    status integer,          -- of the last answer
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    UNIQUE (target, notification_id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (target, next_try_at) WHERE state = 'pending';

CREATE FUNCTION notification_rank(p_severity text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['info', 'warning', 'critical'], p_severity)
$$;

-- What is wrong now and was not told yet, at most p_limit. `cause` is what makes it another case:
-- another scan, another image, another failure.
CREATE FUNCTION conditions_untold(p_now timestamptz, p_warn interval, p_grace interval,
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
          JOIN findings f ON f.vulnerability_id = k.vulnerability_id
          JOIN scanned s ON s.evidence_digest = f.evidence_digest
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

-- Gives a target its row, and a delivery to every notification since; one beyond p_max that wait
-- drops the oldest. One snapshot: what commits later has a later known_at (see 0001).
CREATE FUNCTION webhook_enqueue(p_target text, p_kinds text[], p_severity text, p_max integer)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    added bigint;
BEGIN
    INSERT INTO webhook_targets (target, told_through)
    SELECT p_target, c.known_at FROM ledger_clock c ON CONFLICT DO NOTHING;
    PERFORM FROM webhook_targets t WHERE t.target = p_target FOR UPDATE;
    WITH clock AS (
        SELECT c.known_at FROM ledger_clock c
    ), found AS (
        SELECT n.notification_id
          FROM webhook_targets t, clock c, notifications n
         WHERE t.target = p_target AND n.known_at > t.told_through AND n.known_at <= c.known_at
           AND (p_kinds IS NULL OR n.kind = ANY (p_kinds))
           AND notification_rank(n.severity) >= notification_rank(p_severity)
    ), moved AS (
        UPDATE webhook_targets t SET told_through = c.known_at
          FROM clock c WHERE t.target = p_target AND t.told_through < c.known_at
    )
    INSERT INTO webhook_deliveries (delivery_id, target, notification_id, state, next_try_at)
    SELECT md5(p_target || ' ' || f.notification_id)::uuid, p_target, f.notification_id, 'pending', now()
      FROM found f ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added > 0 THEN
        UPDATE webhook_deliveries d
           SET state = 'dropped', ended_at = now(), error = 'too many wait'
         WHERE d.delivery_id IN (SELECT o.delivery_id FROM webhook_deliveries o
                                  WHERE o.target = p_target AND o.state = 'pending'
                                  ORDER BY o.created_at DESC, o.delivery_id OFFSET p_max);
    END IF;
    RETURN added;
END
$$;

-- The next delivery of a target that is due, leased to the caller.
CREATE FUNCTION webhook_take(p_target text, p_lease interval)
RETURNS TABLE (delivery_id uuid, attempts integer, kind text, severity text, subject text,
               message text, occurred_at timestamptz)
LANGUAGE sql VOLATILE AS $$
    WITH taken AS (
        UPDATE webhook_deliveries d
           SET attempts = d.attempts + 1, lease_until = now() + p_lease
         WHERE d.delivery_id = (SELECT o.delivery_id
                                  FROM webhook_deliveries o
                                  JOIN webhook_targets t ON t.target = o.target
                                 WHERE o.target = p_target AND o.state = 'pending'
                                   AND o.next_try_at <= now() AND t.paused_until <= now()
                                   AND COALESCE(o.lease_until <= now(), true)
                                 ORDER BY o.next_try_at, o.delivery_id LIMIT 1
                                   FOR UPDATE OF o SKIP LOCKED)
        RETURNING d.*
    )
    SELECT t.delivery_id, t.attempts, n.kind, n.severity, n.subject, n.message, n.occurred_at
      FROM taken t JOIN notifications n ON n.notification_id = t.notification_id
$$;
