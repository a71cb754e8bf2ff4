-- Vulnerabilities: what scanners say of them, one name for each, and since when which asset has which
-- (design.md section 9). A finding is a vulnerability on an asset, whatever digest shows it.

-- What a vulnerability database said of a vulnerability when it was built. Told by every raw result
-- that names it; equal words are one fact.
CREATE TABLE vulnerability_facts (
    fact_id uuid PRIMARY KEY, -- stable id of the columns up to technical_impact
    vulnerability_id text COLLATE "C" NOT NULL,
    stated_at timestamptz NOT NULL, -- build of the database, else the end of the scan
    catalogs boolean NOT NULL,      -- it knows KEV and EPSS: absent there means not listed
    cvss3 numeric(3, 1),            -- base score of NVD
    cvss2 numeric(3, 1),            -- base score of NVD
    kev_added date,
    kev_due date,
    kev_ransomware boolean,
    epss numeric(7, 6),
    epss_percentile numeric(7, 6),
    exploitation text COLLATE "C",     -- SSVC: none, poc, active
    automatable boolean,               -- SSVC
    technical_impact text COLLATE "C", -- SSVC: partial, total
    event_id uuid,
    known_at timestamptz NOT NULL
);
CREATE INDEX vulnerability_facts_stated ON vulnerability_facts (vulnerability_id, stated_at DESC);

-- Two names that some result gives to one finding. Not transitive by itself: an advisory (DSA, ALAS,
-- RHSA) may be about many CVEs.
CREATE TABLE vulnerability_aliases (
    vulnerability_id text COLLATE "C" NOT NULL,
    alias text COLLATE "C" NOT NULL,
    event_id uuid,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (vulnerability_id, alias)
);

-- The names under which other ids than CVEs are counted: the nearest CVEs on the way over aliases; where
-- there is none, the least of all names on it, GHSA first. No way leads through a CVE, so two CVEs never become
-- one. A CVE, and an id without aliases, is its own name and is not listed.
CREATE FUNCTION vulnerability_names_known(p_known timestamptz)
RETURNS TABLE (vulnerability_id text, name text)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE edges (one, other) AS MATERIALIZED (
        SELECT a.vulnerability_id, a.alias FROM vulnerability_aliases a WHERE a.known_at <= p_known
         UNION
        SELECT a.alias, a.vulnerability_id FROM vulnerability_aliases a WHERE a.known_at <= p_known
    ), walk (id, at, depth) AS (
        SELECT e.one, e.other, 1 FROM edges e WHERE e.one NOT LIKE 'CVE-%'
         UNION
        SELECT w.id, e.other, w.depth + 1
          FROM walk w
          JOIN edges e ON e.one = w.at
         WHERE w.depth < 6 AND w.at NOT LIKE 'CVE-%'
    ), nearest AS (
        SELECT w.id, min(w.depth) FILTER (WHERE w.at LIKE 'CVE-%') AS depth,
               min(w.at) FILTER (WHERE w.at LIKE 'GHSA-%') AS ghsa,
               min(w.at) AS least
          FROM walk w GROUP BY w.id
    )
    SELECT n.id, w.at
      FROM nearest n
      JOIN walk w ON w.id = n.id AND w.depth = n.depth
     WHERE w.at LIKE 'CVE-%'
     UNION
    SELECT n.id, COALESCE(CASE WHEN n.id LIKE 'GHSA-%' THEN LEAST(n.id, n.ghsa) END, n.ghsa, LEAST(n.id, n.least))
      FROM nearest n WHERE n.depth IS NULL
$$;

-- What holds of a vulnerability: of each column the newest word; of the catalogs the newest of a database that knows them.
CREATE FUNCTION vulnerability_state(p_id text, p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (cvss3 numeric, cvss2 numeric, kev_added date, kev_due date, kev_ransomware boolean,
               epss numeric, epss_percentile numeric, exploitation text, automatable boolean,
               technical_impact text, stated_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH said AS (
        SELECT f.* FROM vulnerability_facts f
         WHERE f.vulnerability_id = p_id AND f.stated_at <= p_valid AND f.known_at <= p_known
    ), catalog AS (
        SELECT s.* FROM said s WHERE s.catalogs ORDER BY s.stated_at DESC, s.fact_id LIMIT 1
    )
    SELECT (SELECT s.cvss3 FROM said s WHERE s.cvss3 IS NOT NULL
             ORDER BY s.stated_at DESC, s.cvss3 DESC LIMIT 1),
           (SELECT s.cvss2 FROM said s WHERE s.cvss2 IS NOT NULL
             ORDER BY s.stated_at DESC, s.cvss2 DESC LIMIT 1),
           c.kev_added, c.kev_due, c.kev_ransomware, c.epss, c.epss_percentile, c.exploitation,
           (SELECT s.automatable FROM said s WHERE s.automatable IS NOT NULL
             ORDER BY s.stated_at DESC, s.automatable DESC LIMIT 1),
           (SELECT s.technical_impact FROM said s WHERE s.technical_impact IS NOT NULL
             ORDER BY s.stated_at DESC, s.technical_impact DESC LIMIT 1),
           (SELECT max(s.stated_at) FROM said s)
      FROM (SELECT) one
      LEFT JOIN catalog c ON true
$$;

-- Worst last.
CREATE FUNCTION severity_rank(p_severity text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['negligible', 'low', 'moderate', 'unknown', 'high', 'critical'],
                          p_severity)
$$;

-- CVSS v3.1 specification section 5; for v2 NVD's own bands.
CREATE FUNCTION cvss3_severity(p_score numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_score >= 9 THEN 'critical' WHEN p_score >= 7 THEN 'high'
                WHEN p_score >= 4 THEN 'moderate' WHEN p_score > 0 THEN 'low'
                WHEN p_score IS NOT NULL THEN 'negligible' END
$$;

CREATE FUNCTION cvss2_severity(p_score numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_score >= 7 THEN 'high' WHEN p_score >= 4 THEN 'moderate'
                WHEN p_score IS NOT NULL THEN 'low' END
$$;

-- Runs of what belongs to a repository, each with the manifests it may be and its asset.
CREATE FUNCTION asset_runs_known(p_repository text, p_known timestamptz)
RETURNS TABLE (repository text, uai text, manifest text, instance_id uuid, during tstzrange)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE digests_of (digest, depth) AS (
        SELECT d.digest, 0
          FROM assets a JOIN asset_digests d ON d.asset_id = a.asset_id
         WHERE a.repository = p_repository
         UNION
        SELECT a.digest, 0 FROM assets a WHERE a.repository = p_repository AND a.digest IS NOT NULL
         UNION
        SELECT e.child, o.depth + 1 FROM digests_of o JOIN digest_edges e ON e.parent = o.digest
         WHERE o.depth < 4
    ), candidates AS (
        SELECT DISTINCT f.instance_id
          FROM run_facts f
         WHERE f.digest IN (SELECT o.digest FROM digests_of o
                             UNION ALL
                            SELECT g.config_digest FROM digests_of o
                              JOIN digest_facts g ON g.digest = o.digest
                             WHERE g.config_digest IS NOT NULL)
    ), runs AS MATERIALIZED (
        SELECT r.*,
               (SELECT max(f.platform)
                  FROM instances i
                  JOIN pod_facts f ON f.cluster = i.cluster AND f.pod_uid = i.pod_uid
                 WHERE i.instance_id = r.instance_id AND f.known_at <= p_known) AS platform
          FROM candidates c
         CROSS JOIN LATERAL (SELECT k.* FROM runs_known(p_known) k
                              WHERE k.instance_id = c.instance_id
                             OFFSET 0) r -- keeps it one instance at a time
         WHERE r.repository = p_repository AND r.digest IS NOT NULL
    ), images AS (
        SELECT k.*, m.manifest,
               CASE WHEN k.tag IS NOT NULL THEN k.repository || ':' || k.tag
                    ELSE pinned_uai(k.repository, k.digest, k.started_at, 'infinity', p_known) END AS uai
          FROM (SELECT r.repository, r.tag, r.digest, r.platform,
                       CASE WHEN r.tag IS NULL THEN r.started_at END AS started_at
                  FROM runs r
                 GROUP BY 1, 2, 3, 4, 5) k,
               LATERAL digest_manifests(k.digest, k.platform, p_known) m
    )
    SELECT r.repository, i.uai, i.manifest, r.instance_id, tstzrange(r.started_at, r.ended_at)
      FROM runs r
      JOIN images i ON i.repository = r.repository AND i.tag IS NOT DISTINCT FROM r.tag
                   AND i.digest = r.digest AND i.platform IS NOT DISTINCT FROM r.platform
                   AND (r.tag IS NOT NULL OR i.started_at = r.started_at)
     WHERE r.ended_at IS NULL OR r.ended_at > r.started_at
$$;

-- When a manifest counts for an asset: while its tag points at it (or at an index over it), while it
-- runs under its name, and, when the tag moves, until every manifest it moved to has a complete scan: what was
-- found is open until a later scan says otherwise.
CREATE FUNCTION asset_images_known(p_repository text, p_known timestamptz)
RETURNS TABLE (repository text, uai text, manifest text, active tstzmultirange)
LANGUAGE sql STABLE AS $$
    WITH tagged AS (
        SELECT a.uai, a.repository, h.digest, h.valid_from, h.valid_to, h.event_id,
               lead(h.valid_from) OVER w AS next_from
          FROM assets a
          JOIN tag_history_known(p_known) h ON h.repository = a.repository AND h.tag = a.tag
         WHERE a.repository = p_repository AND a.known_at <= p_known
        WINDOW w AS (PARTITION BY a.uai ORDER BY h.valid_from, h.event_id)
    ), manifests AS MATERIALIZED (
        SELECT d.digest, m.manifest,
               (SELECT min(s.finished_at) FROM scans s
                 WHERE s.digest = m.manifest AND s.outcome = 'complete' AND s.known_at <= p_known)
               AS first_scan_at
          FROM (SELECT DISTINCT t.digest FROM tagged t) d
          LEFT JOIN LATERAL digest_manifests(d.digest, NULL, p_known) m ON true
    ), covered AS (
        SELECT t.*, CASE WHEN c.at < COALESCE(t.valid_to, 'infinity')
                         THEN GREATEST(c.at, t.valid_from) END AS covered_at
          FROM tagged t
          LEFT JOIN (SELECT m.digest, CASE WHEN bool_and(m.first_scan_at IS NOT NULL)
                                           THEN max(m.first_scan_at) END AS at
                       FROM manifests m GROUP BY m.digest) c ON c.digest = t.digest
    ), held AS (
        SELECT c.*,
               CASE WHEN c.valid_to IS NOT NULL AND c.valid_to IS DISTINCT FROM c.next_from
                    THEN c.valid_to -- deleted
                    ELSE min(c.covered_at) OVER (PARTITION BY c.uai ORDER BY c.valid_from, c.event_id
                                                 ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
               END AS held_until
          FROM covered c
    ), parts AS (
        SELECT h.repository, h.uai, m.manifest, tstzrange(h.valid_from, h.held_until) AS during
          FROM held h
          JOIN manifests m ON m.digest = h.digest AND m.manifest IS NOT NULL
         WHERE h.held_until IS NULL OR h.held_until > h.valid_from
         UNION ALL
        SELECT r.repository, r.uai, r.manifest, r.during
          FROM asset_runs_known(p_repository, p_known) r
         UNION ALL -- a digest that no tag names
        SELECT a.repository, a.uai, m.manifest,
               tstzrange(NULL, (SELECT min(f.at) FROM registry_facts f
                                 WHERE f.repository = a.repository AND f.digest = a.digest
                                   AND f.state = 'deleted' AND f.known_at <= p_known))
          FROM assets a, LATERAL digest_manifests(a.digest, NULL, p_known) m
         WHERE a.repository = p_repository AND a.digest IS NOT NULL AND a.known_at <= p_known
           AND EXISTS (SELECT FROM asset_reaches(a.repository, a.digest, p_known) r
                        WHERE r.uai = a.uai)
    )
    SELECT p.repository, p.uai, p.manifest, range_agg(p.during)
      FROM parts p
     GROUP BY p.repository, p.uai, p.manifest
$$;

-- Every time an asset had a vulnerability: opened by a complete scan that found it, closed by the first later one
-- of the asset's images without it, or when the asset was gone (deleted, not running). What comes back before any
-- scan was without it is the same episode: a rebuild, a restart or a moved tag opens nothing anew.
-- `first_detected_at` is the same over all assets of the repository, so a new version does not set back the clock.
CREATE FUNCTION finding_history_known(p_repository text, p_known timestamptz)
RETURNS TABLE (repository text, uai text, vulnerability text, episode integer,
               opened_at timestamptz, closed_at timestamptz, closed_by text,
               first_detected_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH images AS MATERIALIZED (
        SELECT * FROM asset_images_known(p_repository, p_known)
    ), spans AS MATERIALIZED (
        SELECT s.digest, s.finished_at, s.evidence_digest,
               tstzrange(s.finished_at, lead(s.finished_at) OVER w) AS during
          FROM scans s
         WHERE s.outcome = 'complete' AND s.known_at <= p_known
           AND s.digest IN (SELECT i.manifest FROM images i)
        WINDOW w AS (PARTITION BY s.digest ORDER BY s.finished_at, s.scan_id)
    ), names AS MATERIALIZED (
        SELECT * FROM vulnerability_names_known(p_known)
    ), present AS MATERIALIZED (
        SELECT i.repository, i.uai, f.name, range_agg(tstzmultirange(s.during) * i.active) AS during
          FROM images i
          JOIN spans s ON s.digest = i.manifest AND s.during && i.active
          JOIN LATERAL (SELECT DISTINCT COALESCE(n.name, g.vulnerability_id) AS name
                          FROM findings g
                          LEFT JOIN names n ON n.vulnerability_id = g.vulnerability_id
                         WHERE g.evidence_digest = s.evidence_digest) f ON true
         GROUP BY i.repository, i.uai, f.name
    ), looks AS MATERIALIZED ( -- when something was known anew of an asset
        SELECT i.repository, i.uai, s.finished_at AS at
          FROM images i JOIN spans s ON s.digest = i.manifest AND i.active @> s.finished_at
         UNION
        SELECT i.repository, i.uai, lower(a.during)
          FROM images i, LATERAL unnest(i.active) AS a (during)
         WHERE lower(a.during) IS NOT NULL
           AND EXISTS (SELECT FROM spans s
                        WHERE s.digest = i.manifest AND s.finished_at < lower(a.during))
    ), pieces AS (
        SELECT p.repository, p.uai, p.name, u.during,
               lag(upper(u.during)) OVER (PARTITION BY p.uai, p.name ORDER BY u.during) AS previous
          FROM present p, LATERAL unnest(p.during) AS u (during)
    ), numbered AS (
        SELECT p.*, sum(CASE WHEN p.previous IS NULL THEN 1
                             WHEN EXISTS (SELECT FROM looks l
                                           WHERE l.uai = p.uai AND l.at >= p.previous
                                             AND l.at < lower(p.during)) THEN 1
                             ELSE 0 END)
                    OVER (PARTITION BY p.uai, p.name ORDER BY p.during) AS episode
          FROM pieces p
    ), episodes AS (
        SELECT n.repository, n.uai, n.name, n.episode::integer AS episode,
               min(lower(n.during)) AS opened_at,
               CASE WHEN bool_and(NOT upper_inf(n.during)) THEN max(upper(n.during)) END AS closed_at
          FROM numbered n
         GROUP BY n.repository, n.uai, n.name, n.episode
    ), line_pieces AS (
        SELECT p.repository, p.name, u.during,
               lag(upper(u.during)) OVER (PARTITION BY p.repository, p.name ORDER BY u.during) AS previous
          FROM (SELECT p.repository, p.name, range_agg(p.during) AS during
                  FROM present p GROUP BY p.repository, p.name) p,
               LATERAL unnest(p.during) AS u (during)
    ), lines AS (
        SELECT n.repository, n.name, min(lower(n.during)) AS opened_at,
               CASE WHEN bool_and(NOT upper_inf(n.during)) THEN max(upper(n.during)) END AS closed_at
          FROM (SELECT p.*, sum(CASE WHEN p.previous IS NULL THEN 1
                                     WHEN EXISTS (SELECT FROM looks l
                                                   WHERE l.repository = p.repository
                                                     AND l.at >= p.previous
                                                     AND l.at < lower(p.during)) THEN 1
                                     ELSE 0 END)
                            OVER (PARTITION BY p.repository, p.name ORDER BY p.during) AS line
                  FROM line_pieces p) n
         GROUP BY n.repository, n.name, n.line
    )
    SELECT e.repository, e.uai, e.name, e.episode, e.opened_at, e.closed_at,
           CASE WHEN e.closed_at IS NULL THEN NULL
                WHEN EXISTS (SELECT FROM looks l WHERE l.uai = e.uai AND l.at = e.closed_at)
                THEN 'scan' ELSE 'gone' END,
           l.opened_at
      FROM episodes e
      JOIN lines l ON l.repository = e.repository AND l.name = e.name AND l.opened_at <= e.opened_at
                  AND (l.closed_at IS NULL OR l.closed_at >= e.closed_at)
$$;
