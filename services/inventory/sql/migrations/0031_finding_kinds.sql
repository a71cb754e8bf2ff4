-- What scanners find is much the same in all images (one base, one package, one vulnerability): each finding is
-- kept once, and evidence lists the ids of those it has. `findings` shows them as before.

CREATE TABLE finding_kinds (
    finding_id uuid PRIMARY KEY, -- stable id of the columns up to status, and which of them are NULL
    vulnerability_id text COLLATE "C" NOT NULL,
    package_name text COLLATE "C" NOT NULL,
    package_version text COLLATE "C" NOT NULL,
    package_ecosystem text COLLATE "C",
    package_purl text COLLATE "C",
    fixed_version text COLLATE "C",
    severity text COLLATE "C" NOT NULL,
    status text COLLATE "C",
    known_at timestamptz NOT NULL
);

CREATE TABLE evidence_findings (
    evidence_digest text COLLATE "C" NOT NULL,
    ordinals integer[] NOT NULL, -- places in the raw result
    finding_ids uuid[] NOT NULL  -- of the same order
);

-- As mu_stable_id makes it (common/base/sha256.h).
CREATE FUNCTION pg_temp.finding_id(VARIADIC p_parts text[]) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(set_byte(set_byte(h.id, 6, (get_byte(h.id, 6) & 15) | 128), 8, (get_byte(h.id, 8) & 63) | 128), 'hex')::uuid
      FROM (SELECT substring(sha256(string_agg(convert_to(COALESCE(u.part, ''), 'UTF8') || '\x00'::bytea, ''::bytea ORDER BY u.place))
                             FROM 1 FOR 16) AS id
              FROM unnest(ARRAY['muster.finding'] || p_parts) WITH ORDINALITY u (part, place)) h
$$;

CREATE TEMP TABLE numbered ON COMMIT DROP AS
SELECT f.*, pg_temp.finding_id(f.vulnerability_id, f.package_name, f.package_version, f.package_ecosystem, f.package_purl,
                               f.fixed_version, f.severity, f.status,
                               '111' || (f.package_ecosystem IS NOT NULL)::int || (f.package_purl IS NOT NULL)::int ||
                               (f.fixed_version IS NOT NULL)::int || '1' || (f.status IS NOT NULL)::int) AS finding_id
  FROM findings f;
INSERT INTO finding_kinds
SELECT DISTINCT ON (n.finding_id) n.finding_id, n.vulnerability_id, n.package_name, n.package_version, n.package_ecosystem,
       n.package_purl, n.fixed_version, n.severity, n.status, COALESCE(l.known_at, '-infinity')
  FROM numbered n LEFT JOIN evidence_loads l ON l.evidence_digest = n.evidence_digest
 ORDER BY n.finding_id, l.known_at NULLS FIRST;
INSERT INTO evidence_findings
SELECT n.evidence_digest, array_agg(n.ordinal ORDER BY n.ordinal), array_agg(n.finding_id ORDER BY n.ordinal)
  FROM numbered n GROUP BY n.evidence_digest;
ALTER TABLE evidence_findings ADD PRIMARY KEY (evidence_digest);
CREATE INDEX finding_kinds_vulnerability ON finding_kinds (vulnerability_id);
CREATE INDEX evidence_findings_ids ON evidence_findings USING gin (finding_ids);

DROP TABLE findings;
CREATE VIEW findings AS
SELECT e.evidence_digest, o.ordinal, k.vulnerability_id, k.package_name, k.package_version, k.package_ecosystem, k.package_purl,
       k.fixed_version, k.severity, k.status
  FROM evidence_findings e
 CROSS JOIN LATERAL unnest(e.ordinals, e.finding_ids) AS o (ordinal, finding_id)
  JOIN finding_kinds k ON k.finding_id = o.finding_id;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'muster_inventory') THEN
        REVOKE UPDATE, DELETE ON finding_kinds, evidence_findings FROM muster_inventory;
        REVOKE INSERT, UPDATE, DELETE ON findings FROM muster_inventory;
    END IF;
END
$$;

-- As 0021 has it; the severities are in fewer rows now.
CREATE OR REPLACE FUNCTION vulnerability_severity(p_name text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT COALESCE(cvss3_severity(max(s.cvss3)), cvss2_severity(max(s.cvss2)),
                    (SELECT f.severity FROM finding_kinds f WHERE f.vulnerability_id = p_name
                      ORDER BY severity_rank(f.severity) DESC NULLS LAST LIMIT 1))
      FROM vulnerability_state(p_name, 'infinity', 'infinity') s
$$;

-- As 0023 has it; evidence with a known exploited vulnerability is found by the findings that are of it.
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
          JOIN finding_kinds f ON f.vulnerability_id = k.vulnerability_id
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
