-- Reads of whole fleets: what belongs together is asked for once, and what is not kept is found by the images first.

-- What asset_run_groups tells of a group.
CREATE TYPE asset_run_group AS (group_no bigint, image_no integer, repository text, uai text, manifest text, hull tstzrange,
                               during tstzmultirange, instances bigint);
-- As 0043 has it; the rest is looked up by its images.
CREATE OR REPLACE FUNCTION asset_run_groups(p_repository text, p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (group_no bigint, image_no integer, repository text, uai text, manifest text, hull tstzrange,
               during tstzmultirange, instances bigint)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_runs timestamptz := run_spans_known();
    v_cover timestamptz := cover_known();
    v_late uuid[];
    v_changed integer[];
    v_rest integer[]; -- images that are not kept as they are known
BEGIN
    IF p_known > v_runs THEN
        v_late := NULLIF(ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_runs, p_known) l), '{}');
    END IF;
    IF p_known > v_cover THEN
        v_changed := NULLIF(ARRAY(SELECT l.image_no FROM images_learned(v_cover, p_known) l), '{}');
    END IF;
    v_rest := ARRAY(SELECT i.image_no
                      FROM run_images i
                     WHERE (p_repository IS NULL OR i.repository = p_repository) AND i.repository IS NOT NULL AND i.digest IS NOT NULL
                       AND (i.image_no = ANY (v_changed)
                            OR NOT EXISTS (SELECT FROM image_targets g
                                            WHERE g.image_no = i.image_no AND g.known_from <= p_known
                                              AND g.valid_to = 'infinity')));
    RETURN QUERY
    WITH spans AS (
        SELECT s.image_no, min(s.started_at) AS started_at, max(s.ended_at) AS ended_at,
               count(*) FILTER (WHERE s.started_at <= p_valid AND s.ended_at > p_valid) AS instances
          FROM run_spans s
         WHERE s.ended_at > s.started_at AND s.known_from <= p_known
           AND (s.known_until > p_known OR s.known_until = 'infinity')
           AND (v_late IS NULL OR s.instance_id <> ALL (v_late))
           AND (p_repository IS NULL
                OR s.image_no = ANY (ARRAY(SELECT i.image_no FROM run_images i WHERE i.repository = p_repository)))
         GROUP BY s.image_no
    )
    SELECT s.image_no::bigint, s.image_no, i.repository, c.name, c.digest,
           tstzrange(s.started_at, NULLIF(s.ended_at, 'infinity')), NULL::tstzmultirange, s.instances
      FROM spans s
      JOIN run_images i ON i.image_no = s.image_no AND i.repository IS NOT NULL
      JOIN image_targets g ON g.image_no = i.image_no AND g.known_from <= p_known AND g.valid_to = 'infinity'
      JOIN cover_targets c ON c.target_no = g.target_no AND c.is_manifest
     WHERE v_changed IS NULL OR i.image_no <> ALL (v_changed);

    -- The rest, each image by how it is named and, where its name depends on that, since when.
    RETURN QUERY
    WITH runs AS MATERIALIZED (
        SELECT i.repository, i.tag, i.digest, i.platform, s.started_at, NULLIF(s.ended_at, 'infinity') AS ended_at
          FROM run_images i
          JOIN run_spans s ON s.image_no = i.image_no
         WHERE s.image_no = ANY (v_rest) AND s.known_from <= p_known
           AND (s.known_until > p_known OR s.known_until = 'infinity')
           AND (v_late IS NULL OR s.instance_id <> ALL (v_late))
         UNION ALL
        SELECT r.repository, r.tag, r.digest, n.platform, r.started_at, r.ended_at
          FROM runs_of(v_late, p_known) r
          JOIN LATERAL (SELECT max(f.platform) AS platform
                          FROM instances i
                          JOIN pod_facts f ON f.cluster = i.cluster AND f.pod_uid = i.pod_uid
                         WHERE i.instance_id = r.instance_id AND f.known_at <= p_known) n ON true
         WHERE (p_repository IS NULL OR r.repository = p_repository) AND r.repository IS NOT NULL AND r.digest IS NOT NULL
    ), keys AS MATERIALIZED (
        SELECT k.*, row_number() OVER () AS place
          FROM (SELECT r.repository, r.tag, r.digest, r.platform, CASE WHEN r.tag IS NULL THEN r.started_at END AS pinned_at,
                       range_agg(tstzrange(r.started_at, r.ended_at)) AS during,
                       count(*) FILTER (WHERE r.started_at <= p_valid AND COALESCE(r.ended_at > p_valid, true)) AS instances
                  FROM runs r
                 WHERE r.ended_at IS NULL OR r.ended_at > r.started_at
                 GROUP BY 1, 2, 3, 4, 5) k
    )
    SELECT -k.place, NULL::integer, k.repository, s.uai, s.manifest_digest, range_merge(k.during), k.during, k.instances
      FROM image_states((SELECT array_agg((k.repository, k.tag, k.digest, k.platform, '', k.pinned_at)::image_key ORDER BY k.place)
                           FROM keys k), 'infinity', p_known) s
      JOIN keys k ON k.place = s.place
     WHERE s.manifest_digest IS NOT NULL;
END
$$;

-- As 0043 has asset_images_known, from groups that were asked for already; of which instant their instances are does not matter.
CREATE FUNCTION asset_images_of(p_groups asset_run_group[], p_repository text, p_known timestamptz)
RETURNS TABLE (repository text, uai text, manifest text, active tstzmultirange)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH tagged AS MATERIALIZED (
        SELECT a.uai, a.repository, h.digest, h.valid_from, h.valid_to, h.event_id,
               lead(h.valid_from) OVER w AS next_from, row_number() OVER w AS turn
          FROM assets a
          JOIN tag_history_known(p_known) h ON h.repository = a.repository AND h.tag = a.tag
         WHERE (p_repository IS NULL OR a.repository = p_repository) AND a.known_at <= p_known
        WINDOW w AS (PARTITION BY a.uai ORDER BY h.valid_from, h.event_id)
    ), manifests AS MATERIALIZED (
        SELECT b.root AS digest, b.digest AS manifest
          FROM digests_below(ARRAY(SELECT t.digest FROM tagged t
                                    UNION
                                   SELECT a.digest FROM assets a
                                    WHERE (p_repository IS NULL OR a.repository = p_repository)
                                      AND a.digest IS NOT NULL AND a.known_at <= p_known), p_known) b
         WHERE b.is_manifest
    ), scanned AS MATERIALIZED ( -- what a tag moved to, when all of it was scanned
        SELECT d.digest,
               CASE WHEN bool_and(s.at IS NOT NULL) THEN max(s.at) END AS at
          FROM (SELECT DISTINCT t.digest FROM tagged t WHERE t.turn > 1) d
          LEFT JOIN manifests m ON m.digest = d.digest
          LEFT JOIN LATERAL (SELECT min(s.finished_at) AS at FROM scans s
                              WHERE s.digest = m.manifest AND s.outcome = 'complete' AND s.known_at <= p_known) s ON true
         GROUP BY d.digest
    ), held AS MATERIALIZED (
        SELECT t.uai, t.repository, t.digest, t.valid_from,
               CASE WHEN t.valid_to IS NOT NULL AND t.valid_to IS DISTINCT FROM t.next_from
                    THEN t.valid_to -- deleted
                    ELSE min(CASE WHEN s.at < COALESCE(t.valid_to, 'infinity') THEN GREATEST(s.at, t.valid_from) END)
                             OVER (PARTITION BY t.uai ORDER BY t.valid_from, t.event_id
                                   ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
               END AS held_until
          FROM tagged t
          LEFT JOIN scanned s ON s.digest = t.digest
    ), parts AS MATERIALIZED (
        SELECT h.repository, h.uai, m.manifest, tstzrange(h.valid_from, h.held_until) AS during
          FROM held h
          JOIN manifests m ON m.digest = h.digest
         WHERE h.held_until IS NULL OR h.held_until > h.valid_from
         UNION ALL -- a digest that no tag names
        SELECT a.repository, a.uai, m.manifest,
               tstzrange(NULL, (SELECT min(f.at) FROM registry_facts f
                                 WHERE f.repository = a.repository AND f.digest = a.digest
                                   AND f.state = 'deleted' AND f.known_at <= p_known))
          FROM assets a
          JOIN manifests m ON m.digest = a.digest
         WHERE (p_repository IS NULL OR a.repository = p_repository) AND a.digest IS NOT NULL AND a.known_at <= p_known
           AND (EXISTS (SELECT FROM asset_digests d
                         WHERE d.asset_id = a.asset_id AND d.digest = a.digest AND d.known_at <= p_known)
                OR EXISTS (SELECT FROM asset_reaches(a.repository, a.digest, p_known) r WHERE r.uai = a.uai))
    ), outside AS MATERIALIZED ( -- runs that add something to that
        SELECT g.*
          FROM unnest(p_groups) g
         WHERE NOT EXISTS (SELECT FROM parts p
                            WHERE p.uai = g.uai COLLATE "C" AND p.manifest = g.manifest COLLATE "C" AND p.during @> g.hull)
    )
    SELECT p.repository, p.uai, p.manifest, range_agg(p.during)
      FROM (SELECT p.repository, p.uai, p.manifest, p.during FROM parts p
             UNION ALL
            SELECT o.repository, o.uai, o.manifest, u.during FROM outside o, LATERAL unnest(o.during) AS u (during)
             WHERE o.image_no IS NULL
             UNION ALL
            SELECT o.repository, o.uai, o.manifest, tstzrange(s.started_at, NULLIF(s.ended_at, 'infinity'))
              FROM outside o
              JOIN run_spans s ON s.image_no = o.image_no
             WHERE s.ended_at > s.started_at AND s.known_from <= p_known
               AND (s.known_until > p_known OR s.known_until = 'infinity')
               AND (p_known <= run_spans_known()
                    OR s.instance_id NOT IN (SELECT l.instance_id FROM instances_learned(run_spans_known(), p_known) l))) p
     GROUP BY p.repository, p.uai, p.manifest;
END
$$;

CREATE OR REPLACE FUNCTION asset_images_known(p_repository text, p_known timestamptz)
RETURNS TABLE (repository text, uai text, manifest text, active tstzmultirange)
LANGUAGE sql STABLE ROWS 10000 AS $$
    SELECT i.*
      FROM asset_images_of(ARRAY(SELECT g::asset_run_group FROM asset_run_groups(p_repository, 'infinity', p_known) g),
                           p_repository, p_known) i
$$;

-- As 0043 has it; scans are found by a set of manifests, and only what ended is looked at twice. `&& '(,)'` is true of every piece: it
-- tells the planner to expect one of each, not a hundred.
CREATE OR REPLACE FUNCTION finding_history_alone(p_images asset_image[], p_known timestamptz)
RETURNS TABLE (repository text, uai text, vulnerability text, episode integer,
               opened_at timestamptz, closed_at timestamptz, closed_by text,
               first_detected_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_manifests text[] COLLATE "C" := ARRAY(SELECT DISTINCT i.manifest FROM unnest(p_images) i);
BEGIN
    RETURN QUERY
    WITH images AS MATERIALIZED (
        SELECT i.repository COLLATE "C" AS repository, i.uai COLLATE "C" AS uai, i.manifest COLLATE "C" AS manifest, i.active
          FROM unnest(p_images) AS i (repository, uai, manifest, active)
    ), spans AS ( -- the hash goes first in the sort: digests begin alike
        SELECT s.digest AS manifest, s.evidence_digest, tstzrange(s.finished_at, lag(s.finished_at) OVER w) AS during
          FROM scans s
         WHERE s.digest = ANY (v_manifests) AND s.outcome = 'complete' AND s.known_at <= p_known
        WINDOW w AS (PARTITION BY hashtextextended(s.digest, 0), s.digest ORDER BY s.finished_at DESC, s.scan_id)
    ), found AS MATERIALIZED ( -- what scan after scan finds is one
        SELECT s.manifest, e.finding_ids, range_agg(s.during) AS during
          FROM spans s
          JOIN evidence_findings e ON e.evidence_digest = s.evidence_digest
         WHERE NOT isempty(s.during)
         GROUP BY s.manifest, e.finding_ids
    ), names AS MATERIALIZED (
        SELECT * FROM vulnerability_names_known(p_known)
    ), kinds AS MATERIALIZED (
        SELECT k.finding_id, COALESCE(n.name, k.vulnerability_id) AS name
          FROM finding_kinds k
          LEFT JOIN names n ON n.vulnerability_id = k.vulnerability_id
    ), present AS MATERIALIZED (
        SELECT i.repository, i.uai, k.name, range_agg(i.during) AS during
          FROM (SELECT i.repository, i.uai, f.finding_ids, f.during * i.active AS during
                  FROM images i
                  JOIN found f ON f.manifest = i.manifest AND f.during && i.active) i
         CROSS JOIN LATERAL unnest(i.finding_ids) AS u (finding_id)
          JOIN kinds k ON k.finding_id = u.finding_id
         GROUP BY i.repository, i.uai, k.name
    ), pieces AS MATERIALIZED (
        SELECT p.repository, p.uai, p.name, u.during,
               lag(upper(u.during)) OVER (PARTITION BY p.uai, p.name ORDER BY u.during) AS previous
          FROM present p
          JOIN LATERAL unnest(p.during) AS u (during) ON u.during && '(,)'
    ), line_pieces AS MATERIALIZED (
        SELECT p.repository, p.name, u.during,
               lag(upper(u.during)) OVER (PARTITION BY p.repository, p.name ORDER BY u.during) AS previous
          FROM (SELECT p.repository, p.name, range_agg(p.during) AS during
                  FROM present p GROUP BY p.repository, p.name) p
          JOIN LATERAL unnest(p.during) AS u (during) ON u.during && '(,)'
    ), ended AS MATERIALIZED (
        SELECT DISTINCT p.repository FROM pieces p WHERE NOT upper_inf(p.during)
    ), looked AS MATERIALIZED (
        SELECT i.repository, i.uai, i.manifest, i.active, s.finished_at
          FROM images i
          JOIN ended e ON e.repository = i.repository
          JOIN scans s ON s.digest = i.manifest AND s.outcome = 'complete' AND s.known_at <= p_known
    ), looks AS MATERIALIZED (
        SELECT l.repository, l.uai, l.finished_at AS at
          FROM looked l
         WHERE l.active @> l.finished_at
         UNION
        SELECT l.repository, l.uai, lower(a.during)
          FROM (SELECT l.repository, l.uai, l.active, min(l.finished_at) AS at
                  FROM looked l GROUP BY l.repository, l.uai, l.active, l.manifest) l
          JOIN LATERAL unnest(l.active) AS a (during) ON a.during && '(,)'
         WHERE l.at < lower(a.during)
    ), reopened AS MATERIALIZED ( -- a look between two pieces saw nothing
        SELECT DISTINCT p.uai, p.name, p.during
          FROM pieces p
          JOIN looks l ON l.uai = p.uai AND l.at >= p.previous AND l.at < lower(p.during)
    ), episodes AS (
        SELECT n.repository, n.uai, n.name, n.episode::integer AS episode,
               min(lower(n.during)) AS opened_at,
               CASE WHEN bool_and(NOT upper_inf(n.during)) THEN max(upper(n.during)) END AS closed_at
          FROM (SELECT p.*, count(*) FILTER (WHERE p.previous IS NULL OR r.uai IS NOT NULL)
                                OVER (PARTITION BY p.uai, p.name ORDER BY p.during) AS episode
                  FROM pieces p
                  LEFT JOIN reopened r ON r.uai = p.uai AND r.name = p.name AND r.during = p.during) n
         GROUP BY n.repository, n.uai, n.name, n.episode
    ), resumed AS MATERIALIZED (
        SELECT DISTINCT p.repository, p.name, p.during
          FROM line_pieces p
          JOIN looks l ON l.repository = p.repository AND l.at >= p.previous AND l.at < lower(p.during)
    ), lines AS (
        SELECT n.repository, n.name, min(lower(n.during)) AS opened_at,
               CASE WHEN bool_and(NOT upper_inf(n.during)) THEN max(upper(n.during)) END AS closed_at
          FROM (SELECT p.*, count(*) FILTER (WHERE p.previous IS NULL OR r.repository IS NOT NULL)
                                OVER (PARTITION BY p.repository, p.name ORDER BY p.during) AS line
                  FROM line_pieces p
                  LEFT JOIN resumed r ON r.repository = p.repository AND r.name = p.name AND r.during = p.during) n
         GROUP BY n.repository, n.name, n.line
    )
    SELECT e.repository, e.uai, e.name, e.episode, e.opened_at, e.closed_at,
           CASE WHEN e.closed_at IS NULL THEN NULL WHEN k.uai IS NOT NULL THEN 'scan' ELSE 'gone' END,
           l.opened_at
      FROM episodes e
      JOIN lines l ON l.repository = e.repository AND l.name = e.name AND l.opened_at <= e.opened_at
                  AND (l.closed_at IS NULL OR l.closed_at >= e.closed_at)
      LEFT JOIN looks k ON k.uai = e.uai AND k.at = e.closed_at;
END
$$;

-- As 0043 has it; what ran is asked for once, and scans and containers are looked up of what has findings.
CREATE OR REPLACE FUNCTION findings_known(p_repository text, p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (repository text, uai text, vulnerability text, reported_as text[],
               packages text[], package_names text[], fixed_versions text[], severity text,
               severity_source text, cvss numeric, scanner_severity text, kev_added date,
               kev_due date, kev_ransomware boolean, epss numeric, epss_percentile numeric,
               exploitation text, automatable boolean, technical_impact text, public boolean,
               public_since timestamptz, detected_at timestamptz, first_detected_at timestamptz,
               episode integer, manifests text[], instances bigint)
LANGUAGE plpgsql STABLE ROWS 10000
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_groups asset_run_group[] := ARRAY(SELECT g::asset_run_group FROM asset_run_groups(p_repository, p_valid, p_known) g);
    v_images asset_image[] := ARRAY(SELECT (i.repository, i.uai, i.manifest, i.active)::asset_image
                                      FROM asset_images_of(v_groups, p_repository, p_known) i);
BEGIN
    RETURN QUERY
    WITH open AS MATERIALIZED (
        SELECT h.* FROM finding_history_of(v_images, p_known) h
         WHERE h.opened_at <= p_valid AND (h.closed_at IS NULL OR h.closed_at > p_valid)
    ), names AS MATERIALIZED (
        SELECT * FROM vulnerability_names_known(p_known)
    ), images AS MATERIALIZED (
        SELECT i.uai COLLATE "C" AS uai, i.manifest COLLATE "C" AS manifest, s.evidence_digest
          FROM unnest(v_images) AS i (repository, uai, manifest, active)
         CROSS JOIN LATERAL (SELECT s.evidence_digest FROM scans s
                              WHERE s.digest = i.manifest COLLATE "C" AND s.outcome = 'complete'
                                AND s.finished_at <= p_valid AND s.known_at <= p_known
                              ORDER BY s.finished_at DESC, s.scan_id LIMIT 1) s
         WHERE i.active @> p_valid AND i.uai COLLATE "C" IN (SELECT o.uai FROM open o)
    ), seen AS MATERIALIZED (
        SELECT i.uai, i.manifest, COALESCE(n.name, f.vulnerability_id) AS name,
               f.vulnerability_id, f.package_name, f.package_version, f.fixed_version, f.severity
          FROM images i
          JOIN findings f ON f.evidence_digest = i.evidence_digest
          LEFT JOIN names n ON n.vulnerability_id = f.vulnerability_id
    ), shown AS MATERIALIZED (
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
        SELECT g.uai, array_agg(DISTINCT g.manifest) AS manifests, max(g.instances) AS instances
          FROM unnest(v_groups) g
         WHERE g.instances > 0 AND g.uai COLLATE "C" IN (SELECT s.uai FROM shown s)
         GROUP BY g.group_no, g.uai
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
          FROM (SELECT s.name, s.vulnerability_id AS id FROM seen s
                 UNION
                SELECT s.name, s.name FROM seen s) v,
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
          FROM (SELECT DISTINCT o.uai, o.repository FROM open o
                 WHERE EXISTS (SELECT FROM exposure_facts)) o,
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
      LEFT JOIN exposed e ON e.uai = o.uai;
END
$$;

-- As 0032 has it; what comes twice is put together once, at the end.
CREATE OR REPLACE FUNCTION digests_below(p_digests text[], p_known timestamptz)
RETURNS TABLE (root text, digest text, platform text, is_manifest boolean)
LANGUAGE plpgsql STABLE ROWS 100 SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE reported AS MATERIALIZED (
        SELECT DISTINCT d.digest COLLATE "C" AS digest FROM unnest(p_digests) AS d (digest)
         WHERE d.digest IS NOT NULL
    ), below (root, digest, platform, depth) AS (
        SELECT r.digest, r.digest, '' COLLATE "C", 0 FROM reported r
         UNION
        SELECT b.root, e.child, CASE WHEN e.platform = '' THEN b.platform ELSE e.platform END, b.depth + 1
          FROM below b
          JOIN digest_edges e ON e.parent = b.digest AND e.known_at <= p_known
         WHERE b.depth < 4
    ), candidates (root, digest, platform) AS (
        SELECT b.root, b.digest, b.platform FROM below b
         UNION ALL
        SELECT r.digest, f.digest, '' FROM reported r
          JOIN digest_facts f ON f.config_digest = r.digest AND f.known_at <= p_known
    )
    SELECT c.root, c.digest, max(COALESCE(NULLIF(c.platform, ''), f.platform, '')),
           COALESCE(max(kind_rank(f.kind)) = kind_rank('manifest'), false)
      FROM candidates c
      LEFT JOIN digest_facts f ON f.digest = c.digest AND f.known_at <= p_known
     GROUP BY c.root, c.digest;
END
$$;

-- As 0042 has it; the rest is looked up by its images.
CREATE OR REPLACE FUNCTION containers_computed(p_as_of timestamptz, p_known timestamptz) RETURNS uuid[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_runs timestamptz := run_spans_known();
    v_cover timestamptz := cover_known();
    v_late uuid[] := '{}';
    v_changed integer[] := '{}';
    v_rest integer[]; -- images that are not kept as they are known
BEGIN
    IF p_known > v_runs THEN
        v_late := ARRAY(SELECT DISTINCT l.instance_id FROM instances_learned(v_runs, p_known) l);
    END IF;
    IF p_known > v_cover THEN
        v_changed := ARRAY(SELECT l.image_no FROM images_learned(v_cover, p_known) l);
    END IF;
    v_rest := ARRAY(SELECT i.image_no
                      FROM run_images i
                     WHERE i.image_no = ANY (v_changed)
                        OR NOT EXISTS (SELECT FROM image_targets g
                                        WHERE g.image_no = i.image_no AND g.known_from <= p_known
                                          AND g.valid_from <= p_as_of AND g.valid_to > p_as_of));
    RETURN v_late || ARRAY(
        SELECT s.instance_id
          FROM run_spans s
         WHERE s.image_no = ANY (v_rest)
           AND s.started_at <= p_as_of AND s.ended_at > p_as_of AND s.known_from <= p_known
           AND (s.known_until > p_known OR s.known_until = 'infinity')
           AND s.instance_id <> ALL (v_late));
END
$$;

-- The states, the worst last: rank n is the nth.
CREATE FUNCTION coverage_states() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY['excluded', 'covered', 'scan_expired', 'scan_failed', 'never_scanned', 'not_in_registry', 'unresolved']
$$;
CREATE OR REPLACE FUNCTION coverage_rank(p_state text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position(coverage_states(), p_state)
$$;

-- As 0042 has it; of what is kept the state alone is asked for, and names of what they are wanted of.
CREATE OR REPLACE FUNCTION list_totals(p_valid timestamptz, p_known timestamptz, p_by text)
RETURNS TABLE (name text, state text, containers bigint)
LANGUAGE plpgsql STABLE ROWS 1000
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_computed uuid[] := containers_computed(p_valid, p_known);
BEGIN
    RETURN QUERY
    WITH running AS MATERIALIZED (
        SELECT k.* FROM running_kept(v_computed, p_valid, p_known) k
    ), worst AS MATERIALIZED (
        SELECT c.image_no, c.rank FROM image_coverage(p_valid, p_known) c WHERE c.image_no IS NOT NULL
    ), names AS MATERIALIZED (
        SELECT g.image_no, max(t.name) AS uai
          FROM image_targets g
          JOIN cover_targets t ON t.target_no = g.target_no
         WHERE p_by = 'asset' AND g.known_from <= p_known AND g.valid_from <= p_valid AND g.valid_to > p_valid
         GROUP BY g.image_no
    ), told AS (
        SELECT p.cluster, p.namespace, p.node, p.owner_kind, p.owner_name, i.repository, n.uai, w.rank, r.containers
          FROM running r
          JOIN worst w ON w.image_no = r.image_no
          LEFT JOIN run_places p ON p_by NOT IN ('repository', 'asset') AND p.place_no = r.place_no
          LEFT JOIN run_images i ON p_by = 'repository' AND i.image_no = r.image_no
          LEFT JOIN names n ON n.image_no = r.image_no
         UNION ALL
        SELECT c.cluster, c.namespace, c.node, c.owner_kind, c.owner_name, c.repository, c.uai, c.rank, 1
          FROM (SELECT DISTINCT ON (c.instance_id) c.*, coverage_rank(c.state) AS rank
                  FROM coverage_of(v_computed, p_valid, p_known) c
                 ORDER BY c.instance_id, coverage_rank(c.state) DESC, c.manifest_digest) c
    ), counted AS (
        SELECT COALESCE(CASE p_by WHEN 'cluster' THEN t.cluster
                                  WHEN 'namespace' THEN t.cluster || '/' || t.namespace
                                  WHEN 'node' THEN t.cluster || '/' || t.node
                                  WHEN 'owner' THEN t.cluster || '/' || t.namespace || '/'
                                                    || t.owner_kind || '/' || t.owner_name
                                  WHEN 'repository' THEN t.repository
                                  WHEN 'asset' THEN t.uai END, '') COLLATE "C" AS name,
               t.rank, sum(t.containers)::bigint AS containers
          FROM told t
         GROUP BY 1, 2
    )
    SELECT c.name, s.name, c.containers
      FROM counted c
      JOIN unnest(coverage_states()) WITH ORDINALITY AS s (name, rank) ON s.rank = c.rank;
END
$$;
