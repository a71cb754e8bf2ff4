-- Runs of a repository, from what is kept of runs and images: findings ask for them again and again.

CREATE INDEX run_images_repository ON run_images (repository) WHERE repository IS NOT NULL;
CREATE INDEX run_spans_image ON run_spans (image_no);

-- Runs of what belongs to a repository, each with the manifests it may be and its asset. What was learned since runs and images were
-- kept, and what is named by when it started, is computed from the facts.
CREATE OR REPLACE FUNCTION asset_runs_known(p_repository text, p_known timestamptz)
RETURNS TABLE (repository text, uai text, manifest text, instance_id uuid, during tstzrange)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_runs timestamptz := run_spans_known();
    v_cover timestamptz := cover_known();
    v_late uuid[];
    v_changed integer[];
    v_keys image_key[];
BEGIN
    IF p_known > v_runs THEN
        v_late := NULLIF(ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_runs, p_known) l), '{}');
    END IF;
    IF p_known > v_cover THEN
        v_changed := NULLIF(ARRAY(SELECT l.image_no FROM images_learned(v_cover, p_known) l), '{}');
    END IF;
    RETURN QUERY
    SELECT i.repository, c.name, c.digest, s.instance_id, tstzrange(s.started_at, NULLIF(s.ended_at, 'infinity'))
      FROM run_images i
      JOIN image_targets g ON g.image_no = i.image_no AND g.known_from <= p_known AND g.valid_to = 'infinity'
      JOIN cover_targets c ON c.target_no = g.target_no AND c.is_manifest
      JOIN run_spans s ON s.image_no = i.image_no
     WHERE i.repository = p_repository AND (v_changed IS NULL OR i.image_no <> ALL (v_changed))
       AND s.ended_at > s.started_at AND s.known_from <= p_known
       AND (s.known_until > p_known OR s.known_until = 'infinity')
       AND (v_late IS NULL OR s.instance_id <> ALL (v_late));

    -- The rest, each image by how it is named and, where its name depends on that, since when.
    RETURN QUERY
    WITH runs AS MATERIALIZED (
        SELECT i.tag, i.digest, i.platform, s.instance_id, s.started_at, NULLIF(s.ended_at, 'infinity') AS ended_at
          FROM run_images i
          JOIN run_spans s ON s.image_no = i.image_no
         WHERE i.repository = p_repository AND i.digest IS NOT NULL AND s.known_from <= p_known
           AND (s.known_until > p_known OR s.known_until = 'infinity')
           AND (v_late IS NULL OR s.instance_id <> ALL (v_late))
           AND (i.image_no = ANY (v_changed)
                OR NOT EXISTS (SELECT FROM image_targets g
                                WHERE g.image_no = i.image_no AND g.known_from <= p_known AND g.valid_to = 'infinity'))
         UNION ALL
        SELECT r.tag, r.digest, n.platform, r.instance_id, r.started_at, r.ended_at
          FROM runs_of(v_late, p_known) r
          JOIN LATERAL (SELECT max(f.platform) AS platform
                          FROM instances i
                          JOIN pod_facts f ON f.cluster = i.cluster AND f.pod_uid = i.pod_uid
                         WHERE i.instance_id = r.instance_id AND f.known_at <= p_known) n ON true
         WHERE r.repository = p_repository AND r.digest IS NOT NULL
    ), keys AS MATERIALIZED (
        SELECT k.*, row_number() OVER () AS place
          FROM (SELECT DISTINCT r.tag, r.digest, r.platform, CASE WHEN r.tag IS NULL THEN r.started_at END AS pinned_at
                  FROM runs r) k
    ), images AS MATERIALIZED (
        SELECT k.*, s.uai, s.manifest_digest
          FROM image_states((SELECT array_agg((p_repository, k.tag, k.digest, k.platform, '', k.pinned_at)::image_key
                                              ORDER BY k.place) FROM keys k), 'infinity', p_known) s
          JOIN keys k ON k.place = s.place
         WHERE s.manifest_digest IS NOT NULL
    )
    SELECT p_repository, i.uai, i.manifest_digest, r.instance_id, tstzrange(r.started_at, r.ended_at)
      FROM runs r
      JOIN images i ON COALESCE(i.tag, '') = COALESCE(r.tag, '') AND i.digest = r.digest
                   AND COALESCE(i.platform, '') = COALESCE(r.platform, '')
                   AND (r.tag IS NOT NULL OR i.pinned_at = r.started_at)
     WHERE r.ended_at IS NULL OR r.ended_at > r.started_at;
END
$$;

-- As before, but what is joined to each finding is computed once.
-- Vulnerabilities per asset of a repository that were open at p_valid, one row each whatever scanners call them.
-- `instances`: running containers whose own image has it.
CREATE OR REPLACE FUNCTION repository_findings_known(p_repository text, p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (repository text, uai text, vulnerability text, reported_as text[],
               packages text[], package_names text[], fixed_versions text[], severity text,
               severity_source text, cvss numeric, scanner_severity text, kev_added date,
               kev_due date, kev_ransomware boolean, epss numeric, epss_percentile numeric,
               exploitation text, automatable boolean, technical_impact text, public boolean,
               public_since timestamptz, detected_at timestamptz, first_detected_at timestamptz,
               episode integer, manifests text[], instances bigint)
LANGUAGE sql STABLE AS $$
    WITH open AS MATERIALIZED (
        SELECT h.* FROM finding_history_known(p_repository, p_known) h
         WHERE h.opened_at <= p_valid AND (h.closed_at IS NULL OR h.closed_at > p_valid)
    ), names AS MATERIALIZED (
        SELECT * FROM vulnerability_names_known(p_known)
    ), images AS MATERIALIZED (
        SELECT i.repository, i.uai, i.manifest, s.evidence_digest
          FROM asset_images_known(p_repository, p_known) i
         CROSS JOIN LATERAL (SELECT s.evidence_digest FROM scans s
                              WHERE s.digest = i.manifest AND s.outcome = 'complete'
                                AND s.finished_at <= p_valid AND s.known_at <= p_known
                              ORDER BY s.finished_at DESC, s.scan_id DESC LIMIT 1) s
         WHERE i.active @> p_valid
    ), running AS MATERIALIZED (
        SELECT r.uai, r.manifest, r.instance_id FROM asset_runs_known(p_repository, p_known) r
         WHERE r.during @> p_valid
    ), seen AS MATERIALIZED (
        SELECT i.uai, i.manifest, COALESCE(n.name, f.vulnerability_id) AS name,
               f.vulnerability_id, f.package_name, f.package_version, f.fixed_version, f.severity
          FROM images i
          JOIN findings f ON f.evidence_digest = i.evidence_digest
          LEFT JOIN names n ON n.vulnerability_id = f.vulnerability_id
    ), shown AS (
        SELECT s.uai, s.name,
               array_agg(DISTINCT s.vulnerability_id ORDER BY s.vulnerability_id) AS reported_as,
               array_agg(DISTINCT s.package_name || ' ' || s.package_version) AS packages,
               array_agg(DISTINCT s.package_name) AS package_names,
               array_agg(DISTINCT s.package_name || ' ' || s.fixed_version)
                   FILTER (WHERE s.fixed_version IS NOT NULL) AS fixed_versions,
               (array_agg(s.severity ORDER BY severity_rank(s.severity) DESC NULLS LAST))[1] AS severity,
               array_agg(DISTINCT s.manifest) AS manifests
          FROM seen s GROUP BY s.uai, s.name
    ), classes AS MATERIALIZED ( -- a container may be one of several manifests
        SELECT r.uai, r.manifests, count(*) AS instances
          FROM (SELECT r.uai, r.instance_id, array_agg(DISTINCT r.manifest) AS manifests
                  FROM running r GROUP BY r.uai, r.instance_id) r
         GROUP BY r.uai, r.manifests
    ), counted AS MATERIALIZED (
        SELECT s.uai, s.name, sum(c.instances)::bigint AS instances
          FROM shown s
          JOIN classes c ON c.uai = s.uai AND c.manifests && s.manifests
         GROUP BY s.uai, s.name
    ), vulnerabilities AS MATERIALIZED (
        SELECT v.name, max(t.cvss3) AS cvss3, max(t.cvss2) AS cvss2, min(t.kev_added) AS kev_added,
               min(t.kev_due) AS kev_due, bool_or(t.kev_ransomware) AS kev_ransomware,
               max(t.epss) AS epss, max(t.epss_percentile) AS epss_percentile,
               max(t.exploitation) AS exploitation, bool_or(t.automatable) AS automatable,
               max(t.technical_impact) AS technical_impact
          FROM (SELECT DISTINCT s.name, u.id
                  FROM shown s, LATERAL unnest(s.reported_as || s.name) AS u (id)) v,
               LATERAL vulnerability_state(v.id, p_valid, p_known) t
         GROUP BY v.name
    ), stated AS MATERIALIZED (
        SELECT DISTINCT ON (f.vulnerability) f.vulnerability, f.automatable = 'yes' AS automatable,
               f.technical_impact
          FROM ssvc_facts f
         WHERE f.at <= p_valid AND f.known_at <= p_known
         ORDER BY f.vulnerability, f.at DESC, f.fact_id
    ), exposed AS MATERIALIZED (
        SELECT o.uai, e.public, e.since
          FROM (SELECT DISTINCT o.uai, o.repository FROM open o) o,
               LATERAL asset_exposure(o.uai, o.repository, p_valid, p_known) e
    )
    SELECT o.repository, o.uai, o.vulnerability, s.reported_as, s.packages, s.package_names,
           s.fixed_versions,
           COALESCE(cvss3_severity(v.cvss3), cvss2_severity(v.cvss2), s.severity),
           CASE WHEN v.cvss3 IS NOT NULL THEN 'nvd_cvss3' WHEN v.cvss2 IS NOT NULL THEN 'nvd_cvss2'
                ELSE 'scanner' END,
           COALESCE(v.cvss3, v.cvss2), s.severity,
           CASE WHEN v.kev_added <= (p_valid AT TIME ZONE 'UTC')::date THEN v.kev_added END,
           CASE WHEN v.kev_added <= (p_valid AT TIME ZONE 'UTC')::date THEN v.kev_due END,
           v.kev_ransomware, v.epss, v.epss_percentile, v.exploitation,
           COALESCE(t.automatable, v.automatable), COALESCE(t.technical_impact, v.technical_impact),
           e.public, e.since, o.opened_at, o.first_detected_at, o.episode, s.manifests,
           COALESCE(c.instances, 0)
      FROM open o
      JOIN shown s ON s.uai = o.uai AND s.name = o.vulnerability
      LEFT JOIN counted c ON c.uai = o.uai AND c.name = o.vulnerability
      JOIN vulnerabilities v ON v.name = o.vulnerability
      LEFT JOIN stated t ON t.vulnerability = o.vulnerability
      LEFT JOIN exposed e ON e.uai = o.uai
$$;
