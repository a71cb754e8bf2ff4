-- What people state and what it moves: an acceptance ends, a word on SSVC has its instant and any name, a baseline is told with its state.

-- As 0021 has it; a vulnerability is accepted until a time, which the request or the approval says.
CREATE OR REPLACE FUNCTION record_deviation(p_known timestamptz, p_fact deviation_facts) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    request deviation_facts;
    problem text;
BEGIN
    IF EXISTS (SELECT FROM deviation_facts f WHERE f.fact_id = p_fact.fact_id) THEN
        RETURN NULL;
    END IF;
    SELECT f.* INTO request FROM deviation_facts f WHERE f.deviation = p_fact.deviation AND f.record = 'request';
    IF p_fact.record = 'request' THEN
        IF FOUND THEN
            RETURN 'deviation: there is a different request of this name; take another name';
        END IF;
    ELSIF NOT FOUND THEN
        RETURN 'deviation: nobody has requested it';
    ELSE
        problem := deviation_problem(p_fact.deviation, p_fact.record, p_fact.at, p_fact."by");
        IF problem IS NOT NULL THEN
            RETURN problem;
        END IF;
        IF p_fact.record = 'approve' AND request.kind = 'accepted'
           AND COALESCE(p_fact.expires_at, request.expires_at) IS NULL THEN
            RETURN 'expires_at: a vulnerability is accepted until a time; say until when';
        END IF;
    END IF;
    IF p_fact.expires_at <= p_fact.at THEN
        RETURN 'expires_at: must be later than at';
    END IF;
    p_fact.known_at := p_known;
    INSERT INTO deviation_facts SELECT p_fact.*;
    RETURN NULL;
END
$$;

-- ---- SSVC ----

-- What people said of SSVC by an instant, under each name that a finding is counted under.
CREATE FUNCTION ssvc_words_known(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (name text, vulnerability text, automatable boolean, total boolean, technical_impact text, at timestamptz, by text,
               evidence text, fact_id uuid)
LANGUAGE sql STABLE ROWS 10 AS $$
    SELECT COALESCE(n.name, f.vulnerability), f.vulnerability, f.automatable = 'yes', f.technical_impact = 'total',
           f.technical_impact, f.at, f.by, f.evidence, f.fact_id
      FROM ssvc_facts f
      LEFT JOIN vulnerability_names_known(p_known) n ON n.vulnerability_id = f.vulnerability
     WHERE f.at <= p_valid AND f.known_at <= p_known AND EXISTS (SELECT FROM ssvc_facts)
$$;

-- Since when the newest word makes an input of BOD 26-04 the worse, where the better counted before: by people's word or a database's.
-- What nobody had stated counted as the worse already.
CREATE FUNCTION ssvc_worse_since(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (name text, automatable_since timestamptz, total_since timestamptz)
LANGUAGE sql STABLE SET jit = off AS $$
    WITH words AS MATERIALIZED (
        SELECT w.name, w.at, i.input, i.worse
          FROM ssvc_words_known(p_valid, p_known) w,
               LATERAL (VALUES ('automatable', w.automatable), ('total', w.total)) AS i (input, worse)
    ), names AS MATERIALIZED (
        SELECT n.* FROM vulnerability_names_known(p_known) n WHERE EXISTS (SELECT FROM ssvc_facts)
    ), since AS MATERIALIZED (
        SELECT w.name, w.input, min(w.at) AS at,
               EXISTS (SELECT FROM words o WHERE o.name = w.name AND o.input = w.input AND NOT o.worse) AS was_better
          FROM words w
         WHERE w.worse
           AND NOT EXISTS (SELECT FROM words o WHERE o.name = w.name AND o.input = w.input AND NOT o.worse AND o.at >= w.at)
         GROUP BY w.name, w.input
    ), said AS ( -- what the databases said when people first spoke
        SELECT s.name, s.input, s.at, s.was_better, bool_or(v.automatable) AS automatable, max(v.technical_impact) AS technical_impact
          FROM since s
         CROSS JOIN LATERAL (SELECT s.name AS id
                              UNION
                             SELECT n.vulnerability_id FROM names n WHERE n.name = s.name) i
         CROSS JOIN LATERAL vulnerability_state(i.id, s.at, p_known) v
         GROUP BY s.name, s.input, s.at, s.was_better
    )
    SELECT s.name, max(s.at) FILTER (WHERE s.input = 'automatable'), max(s.at) FILTER (WHERE s.input = 'total')
      FROM said s
     WHERE s.was_better OR (s.input = 'automatable' AND NOT s.automatable) OR (s.input = 'total' AND s.technical_impact = 'partial')
     GROUP BY s.name
$$;

-- Due by BOD 26-04: the earliest of what each row of its table asks whose inputs hold, from when they did; so no word puts it off.
-- p_from: when detection, listing and exposure were there.
CREATE FUNCTION bod2604_due(p_from timestamptz, p_kev boolean, p_public boolean, p_automatable boolean, p_total boolean,
                            p_automatable_since timestamptz, p_total_since timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT min(GREATEST(p_from, CASE WHEN i.automatable THEN p_automatable_since END, CASE WHEN i.total THEN p_total_since END)
                   + make_interval(days => b.days))
      FROM (VALUES (false, false), (false, true), (true, false), (true, true)) AS i (automatable, total)
     CROSS JOIN LATERAL bod2604(p_kev, p_public, i.automatable, i.total) b
     WHERE (p_automatable OR NOT i.automatable) AND (p_total OR NOT i.total)
$$;

-- What reads them, with nothing else of it changed.
DO $$
DECLARE
    patch record;
    body text;
BEGIN
    FOR patch IN SELECT * FROM (VALUES
        ('findings_known', $old$
        SELECT DISTINCT ON (f.vulnerability) f.vulnerability, f.automatable = 'yes' AS automatable,
               f.technical_impact
          FROM ssvc_facts f
         WHERE f.at <= p_valid AND f.known_at <= p_known
         ORDER BY f.vulnerability, f.at DESC, f.fact_id
$old$, $new$
        SELECT DISTINCT ON (w.name) w.name AS vulnerability, w.automatable, w.technical_impact
          FROM ssvc_words_known(p_valid, p_known) w
         ORDER BY w.name, w.at DESC, w.fact_id
$new$),
        ('finding_clocks_known', $old$
               GREATEST(j.first_detected_at, j.kev_added::timestamp AT TIME ZONE 'UTC',
                        CASE WHEN j.public THEN j.public_since END)
                   + make_interval(days => j.days) AS bod
          FROM judged j
$old$, $new$
               CASE WHEN s.name IS NULL
                    THEN GREATEST(j.first_detected_at, j.kev_added::timestamp AT TIME ZONE 'UTC',
                                  CASE WHEN j.public THEN j.public_since END)
                             + make_interval(days => j.days)
                    ELSE bod2604_due(GREATEST(j.first_detected_at, j.kev_added::timestamp AT TIME ZONE 'UTC',
                                              CASE WHEN j.public THEN j.public_since END),
                                     j.kev_added IS NOT NULL, COALESCE(j.public, true), COALESCE(j.automatable, true),
                                     COALESCE(j.technical_impact, 'total') = 'total', s.automatable_since, s.total_since)
               END AS bod
          FROM judged j
          LEFT JOIN ssvc_worse_since(p_valid, p_known) s ON s.name = j.vulnerability
$new$)) AS p (name, was, becomes) LOOP
        SELECT pg_get_functiondef(p.oid) INTO STRICT body FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace AND p.proname = patch.name;
        IF position(patch.was IN body) = 0 THEN
            RAISE EXCEPTION '% is not as expected', patch.name;
        END IF;
        EXECUTE replace(body, patch.was, patch.becomes);
    END LOOP;
END
$$;

-- As 0022 has it, with moves, SSVC and the ratings of NVD; what is stated of an alias is told too.
CREATE OR REPLACE FUNCTION clock_events_known(p_uai text, p_repository text, p_vulnerability text,
                                              p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (at timestamptz, clock text, subject text, event text, detail text, source text)
LANGUAGE sql STABLE AS $$
    WITH images AS MATERIALIZED (
        SELECT i.manifest, i.active FROM asset_images_known(p_repository, p_known) i WHERE i.uai = p_uai
    ), names AS MATERIALIZED (
        SELECT n.vulnerability_id, n.name FROM vulnerability_names_known(p_known) n
    ), wanted AS MATERIALIZED (
        SELECT p_vulnerability AS name WHERE p_vulnerability IS NOT NULL
         UNION
        SELECT n.name FROM names n WHERE n.vulnerability_id = p_vulnerability
    ), history AS MATERIALIZED (
        SELECT h.* FROM finding_history_known(p_repository, p_known) h
         WHERE h.uai = p_uai AND (p_vulnerability IS NULL OR h.vulnerability IN (SELECT w.name FROM wanted w))
    ), found AS MATERIALIZED (
        SELECT h.vulnerability AS name, min(h.opened_at) AS opened_at FROM history h GROUP BY h.vulnerability
    ), ids AS MATERIALIZED ( -- of what was found, every id
        SELECT f.name, f.name AS id FROM found f
         UNION
        SELECT f.name, n.vulnerability_id FROM found f JOIN names n ON n.name = f.name
    ), scanned AS MATERIALIZED (
        SELECT s.*, i.manifest FROM images i JOIN scans s ON s.digest = i.manifest
         WHERE s.known_at <= p_known AND i.active @> s.finished_at AND s.outcome = 'complete'
    ), rated AS (
        SELECT r.name, r.stated_at, r.score, r.severity, r.event_id,
               lag(r.severity) OVER (PARTITION BY r.name ORDER BY r.stated_at) AS was
          FROM (SELECT v.*, min(v.stated_at) FILTER (WHERE v.by_cvss3) OVER (PARTITION BY v.name) AS cvss3_from
                  FROM (SELECT i.name, v.stated_at, max(v.cvss3) IS NOT NULL AS by_cvss3, min(v.event_id::text) AS event_id,
                               COALESCE(max(v.cvss3), max(v.cvss2)) AS score,
                               COALESCE(cvss3_severity(max(v.cvss3)), cvss2_severity(max(v.cvss2))) AS severity
                          FROM ids i
                          JOIN vulnerability_facts v ON v.vulnerability_id = i.id
                         WHERE v.known_at <= p_known AND num_nonnulls(v.cvss3, v.cvss2) > 0
                         GROUP BY i.name, v.stated_at) v) r
         WHERE r.by_cvss3 OR r.cvss3_from IS NULL OR r.stated_at < r.cvss3_from
    ), deviated AS MATERIALIZED (
        SELECT d.*, d.kind || ' of ' || d.vulnerability AS what, COALESCE(', stated of ' || d.stated_of, '') AS stated
          FROM deviations_applying(p_valid, p_known) d
         WHERE scope_covers(d.asset, p_uai, p_repository)
           AND (p_vulnerability IS NULL OR d.vulnerability IN (SELECT w.name FROM wanted w)
                OR EXISTS (SELECT FROM names n JOIN wanted w ON w.name = n.name WHERE n.vulnerability_id = d.vulnerability))
    ), events AS (
        SELECT s.finished_at AS at, 'scan_window' AS clock, s.manifest AS subject, 'restarted' AS event,
               'a complete scan; expires ' || (to_json(s.finished_at + scan_window()) #>> '{}') AS detail,
               s.scan_id::text AS source
          FROM scanned s
         UNION ALL
        SELECT s.finished_at, 'database_freshness', s.manifest,
               CASE WHEN s.started_at - s.database_built_at <= database_max_age() THEN 'met' ELSE 'missed' END,
               COALESCE('the database was built ' || (to_json(s.database_built_at) #>> '{}'),
                        'the scan does not say when its database was built'), s.scan_id::text
          FROM scanned s
         UNION ALL
        SELECT h.opened_at, 'remediation', h.vulnerability,
               CASE WHEN h.episode > 1 THEN 'reopened' ELSE 'started' END,
               'found; the clock runs from ' || (to_json(h.first_detected_at) #>> '{}'),
               (SELECT min(s.scan_id::text) FROM scanned s WHERE s.finished_at = h.opened_at)
          FROM history h
         UNION ALL
        SELECT h.closed_at, 'remediation', h.vulnerability, 'stopped',
               CASE h.closed_by WHEN 'scan' THEN 'a complete scan has it no more'
                                ELSE 'the asset was gone' END,
               (SELECT min(s.scan_id::text) FROM scanned s WHERE s.finished_at = h.closed_at)
          FROM history h WHERE h.closed_at IS NOT NULL
         UNION ALL
        SELECT m.at, 'remediation', m.repository, 'moved',
               'goes on as ' || m.moved_to || ', what was open keeps its first detection; by ' || m.by, m.evidence
          FROM moves_known(p_known) m
         WHERE m.moved_to = p_repository
            OR m.moved_to IN (SELECT b.repository FROM repositories_before(p_repository, p_known) b)
         UNION ALL
        SELECT r.stated_at, 'rating', r.name, 'rated',
               r.severity || COALESCE(', before ' || r.was, '') || '; CVSS of NVD ' || r.score, r.event_id
          FROM rated r
          JOIN found f ON f.name = r.name
         WHERE r.severity <> r.was OR (r.was IS NULL AND r.stated_at > f.opened_at)
         UNION ALL
        SELECT v.kev_added::timestamp AT TIME ZONE 'UTC', 'kev', i.name, 'listed',
               'due ' || COALESCE(v.kev_due::text, 'at no date'), min(v.event_id::text)
          FROM ids i
          JOIN vulnerability_facts v ON v.vulnerability_id = i.id
         WHERE v.kev_added IS NOT NULL AND v.known_at <= p_known
         GROUP BY 1, 3, 5
         UNION ALL
        SELECT f.at, 'deviation', d.deviation, f.record, d.what || ' by ' || f.by || d.stated, f.evidence
          FROM deviated d
          JOIN deviation_facts f ON f.deviation = d.deviation AND f.known_at <= p_known
         UNION ALL
        SELECT d.expires_at, 'deviation', d.deviation, 'expired', d.what || d.stated, NULL
          FROM deviated d
         WHERE d.state = 'expired'
         UNION ALL
        SELECT f.at, 'exposure', f.asset, CASE f.public WHEN 'yes' THEN 'public' ELSE 'not_public' END,
               'stated by ' || f.by, f.evidence
          FROM exposure_facts f
         WHERE f.known_at <= p_known AND scope_covers(f.asset, p_uai, p_repository)
         UNION ALL
        SELECT w.at, 'ssvc', w.name, 'stated',
               CASE WHEN w.automatable THEN '' ELSE 'not ' END || 'automatable, ' || w.technical_impact || ' by ' || w.by
                   || CASE WHEN w.vulnerability <> w.name THEN ', stated of ' || w.vulnerability ELSE '' END, w.evidence
          FROM ssvc_words_known(p_valid, p_known) w
         WHERE w.name IN (SELECT f.name FROM found f)
    )
    SELECT e.at, e.clock, e.subject, e.event, e.detail, e.source
      FROM events e
     WHERE e.at <= p_valid
     ORDER BY e.at, e.clock, e.subject, e.event
$$;

-- ---- hardening ----

-- As 0021 has it; what the baseline is validated of must be known.
CREATE OR REPLACE FUNCTION record_hardening(p_known timestamptz, p_fact hardening_facts) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    is_asset boolean := EXISTS (SELECT FROM assets a WHERE a.uai = p_fact.asset);
BEGIN
    IF EXISTS (SELECT FROM hardening_facts f WHERE f.fact_id = p_fact.fact_id) THEN
        RETURN NULL;
    END IF;
    IF p_fact.record = 'withdraw' AND NOT EXISTS (
        SELECT FROM hardening_facts f WHERE f.asset = p_fact.asset AND f.baseline = p_fact.baseline
           AND f.record = 'validate' AND f.at <= p_fact.at) THEN
        RETURN 'baseline: nobody has validated this asset against it';
    END IF;
    IF p_fact.record = 'validate' AND NOT is_asset AND p_fact.asset <> '*'
       AND NOT EXISTS (SELECT FROM repositories r WHERE r.repository = p_fact.asset) THEN
        RETURN 'asset: nothing is known of it; write it as the command assets lists it, a repository without its tag, or * for all';
    END IF;
    IF p_fact.digest IS NOT NULL AND NOT is_asset THEN
        RETURN 'digest: is of one asset; write its UAI as asset, or leave the digest out';
    END IF;
    p_fact.known_at := p_known;
    INSERT INTO hardening_facts SELECT p_fact.*;
    RETURN NULL;
END
$$;

-- What people stated of assets; only of which something was stated. Of each baseline the word of the narrowest scope counts.
DROP FUNCTION report_v1.asset_statements(timestamptz, timestamptz);
CREATE FUNCTION report_v1.asset_statements(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (uai text, baseline text, public text, hardening text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH live AS MATERIALIZED (
        SELECT a.uai, a.repository FROM live_assets_known(asset_statements.known_at) a
    ), words AS MATERIALIZED (
        SELECT h.asset, h.baseline, h.state,
               concat(h.baseline, ': ', h.state, ', by ', h.validated_by, ' (' || h.role || ')', ' at ',
                      to_char(h.validated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ', drift ',
                      COALESCE(h.drift, 'not looked for'),
                      ', until ' || to_char(h.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS says
          FROM hardening_known(asset_statements.as_of, asset_statements.known_at) h
    ), scoped AS (
        SELECT l.uai, 3 AS narrow, w.* FROM live l JOIN words w ON w.asset = l.uai
         UNION ALL
        SELECT l.uai, 2, w.* FROM live l JOIN words w ON w.asset = l.repository
         UNION ALL
        SELECT l.uai, 1, w.* FROM live l CROSS JOIN words w WHERE w.asset = '*'
    ), hardened AS MATERIALIZED (
        SELECT n.uai, string_agg(n.baseline, E'\n' ORDER BY n.baseline COLLATE "C") FILTER (WHERE n.state = 'valid') AS baseline,
               string_agg(n.says, E'\n' ORDER BY n.baseline COLLATE "C") AS hardening
          FROM (SELECT DISTINCT ON (s.uai, s.baseline) s.* FROM scoped s ORDER BY s.uai, s.baseline, s.narrow DESC) n
         GROUP BY n.uai
    ), said AS (
        SELECT l.uai, h.baseline, yes_no(e.public) AS public, h.hardening
          FROM live l
          LEFT JOIN hardened h ON h.uai = l.uai
          LEFT JOIN LATERAL asset_exposure(l.uai, l.repository, asset_statements.as_of,
                                           asset_statements.known_at) e ON true
    )
    SELECT s.uai, s.baseline, s.public, s.hardening
      FROM said s
     WHERE s.hardening IS NOT NULL OR s.public IS NOT NULL
     ORDER BY s.uai COLLATE "C"
$$;

REVOKE ALL ON FUNCTION report_v1.asset_statements(timestamptz, timestamptz) FROM PUBLIC;
DO $$
BEGIN
    GRANT EXECUTE ON FUNCTION report_v1.asset_statements(timestamptz, timestamptz) TO muster_report;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'role muster_report is missing: create it and grant it schema report_v1';
END
$$;
