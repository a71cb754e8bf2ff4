-- Repositories, assets, tags over time and the digest graph (design.md section 5).

CREATE TABLE repositories (
    repository text COLLATE "C" PRIMARY KEY, -- canonical host/path
    event_id uuid,
    known_at timestamptz NOT NULL
);

-- A class of image. Exactly one of tag and digest is set. An asset named by digest is only the
-- fallback for what no tag reaches: see asset_reaches and run_uai.
CREATE TABLE assets (
    asset_id uuid PRIMARY KEY, -- stable id of (repository, tag or digest)
    uai text COLLATE "C" NOT NULL UNIQUE,
    repository text COLLATE "C" NOT NULL,
    tag text COLLATE "C",
    digest text COLLATE "C",
    floating boolean NOT NULL,
    event_id uuid,
    known_at timestamptz NOT NULL,
    CHECK ((tag IS NULL) <> (digest IS NULL))
);
CREATE INDEX assets_repository ON assets (repository, tag);
CREATE INDEX assets_digest ON assets (digest) WHERE digest IS NOT NULL;

-- "This asset has been this digest": said by a registry or by a workload that ran tag and digest.
CREATE TABLE asset_digests (
    asset_id uuid NOT NULL,
    digest text COLLATE "C" NOT NULL,
    event_id uuid,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (asset_id, digest)
);
CREATE INDEX asset_digests_digest ON asset_digests (digest);

-- What a tag pointed at from valid_from on; digest NULL: the tag was deleted.
CREATE TABLE tag_observations (
    event_id uuid PRIMARY KEY,
    repository text COLLATE "C" NOT NULL,
    tag text COLLATE "C" NOT NULL,
    digest text COLLATE "C",
    valid_from timestamptz NOT NULL,
    known_at timestamptz NOT NULL
);
CREATE INDEX tag_observations_tag ON tag_observations (repository, tag, valid_from, event_id);
CREATE INDEX tag_observations_digest ON tag_observations (digest);

-- What is known of a digest's content. Every honest source says the same or less, so the
-- merged value is the greatest; kinds merge by kind_rank.
CREATE TABLE digest_facts (
    fact_id uuid PRIMARY KEY, -- stable id of the columns up to image_vendor
    digest text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    media_type text COLLATE "C",
    size_bytes bigint,
    platform text COLLATE "C",
    config_digest text COLLATE "C",
    os_name text COLLATE "C",
    image_title text COLLATE "C",
    image_version text COLLATE "C",
    image_vendor text COLLATE "C",
    event_id uuid,
    known_at timestamptz NOT NULL
);
CREATE INDEX digest_facts_digest ON digest_facts (digest);
CREATE INDEX digest_facts_config ON digest_facts (config_digest) WHERE config_digest IS NOT NULL;

CREATE TABLE digest_edges (
    parent text COLLATE "C" NOT NULL,
    child text COLLATE "C" NOT NULL,
    platform text COLLATE "C" NOT NULL, -- '' when the index does not say
    event_id uuid,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (parent, child, platform)
);
CREATE INDEX digest_edges_child ON digest_edges (child);

-- Whether a repository holds a digest, as its registry or a scanner that asked it said.
CREATE TABLE registry_facts (
    event_id uuid PRIMARY KEY,
    repository text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('pushed', 'pulled', 'deleted', 'missing')),
    at timestamptz NOT NULL,
    known_at timestamptz NOT NULL
);
CREATE INDEX registry_facts_digest ON registry_facts (digest, repository, at, event_id);

CREATE FUNCTION kind_rank(p_kind text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(array_position(
        ARRAY['unknown', 'blob', 'config', 'manifest', 'index', 'attestation'], p_kind), 0)
$$;

CREATE FUNCTION kind_of_rank(p_rank integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(
        (ARRAY['unknown', 'blob', 'config', 'manifest', 'index', 'attestation'])[p_rank], 'unknown')
$$;

CREATE FUNCTION digests_known(p_known timestamptz)
RETURNS TABLE (digest text, kind text, media_type text, size_bytes bigint, platform text,
               config_digest text, os_name text, image_title text, image_version text,
               image_vendor text, known_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT f.digest, kind_of_rank(max(kind_rank(f.kind))), max(f.media_type), max(f.size_bytes),
           max(f.platform), max(f.config_digest), max(f.os_name), max(f.image_title),
           max(f.image_version), max(f.image_vendor), min(f.known_at)
      FROM digest_facts f
     WHERE f.known_at <= p_known
     GROUP BY f.digest
$$;
CREATE VIEW digests AS SELECT * FROM digests_known('infinity');

-- Intervals [valid_from, valid_to) in which a tag pointed at a digest; valid_to NULL: still does.
-- They end at the next observation of the tag or when the registry deletes the manifest.
CREATE FUNCTION tag_history_known(p_known timestamptz)
RETURNS TABLE (repository text, tag text, digest text, valid_from timestamptz,
               valid_to timestamptz, event_id uuid)
LANGUAGE sql STABLE AS $$
    SELECT o.repository, o.tag, o.digest, o.valid_from,
           LEAST((SELECT n.valid_from
                    FROM tag_observations n
                   WHERE n.repository = o.repository AND n.tag = o.tag
                     AND (n.valid_from, n.event_id) > (o.valid_from, o.event_id)
                     AND n.known_at <= p_known
                   ORDER BY n.valid_from, n.event_id
                   LIMIT 1),
                 (SELECT min(f.at)
                    FROM registry_facts f
                   WHERE f.digest = o.digest AND f.repository = o.repository
                     AND f.at > o.valid_from AND f.state = 'deleted' AND f.known_at <= p_known)),
           o.event_id
      FROM tag_observations o
     WHERE o.digest IS NOT NULL AND o.known_at <= p_known
$$;
CREATE VIEW tag_history AS SELECT * FROM tag_history_known('infinity');

-- Last word per repository and digest at an instant, and when it was first pushed.
CREATE FUNCTION registry_digests_known(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (repository text, digest text, state text, state_at timestamptz,
               first_pushed_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT f.repository, f.digest,
           (array_agg(f.state ORDER BY f.at DESC, f.event_id DESC))[1],
           max(f.at),
           min(f.at) FILTER (WHERE f.state = 'pushed')
      FROM registry_facts f
     WHERE f.at <= p_as_of AND f.known_at <= p_known
     GROUP BY f.repository, f.digest
$$;
CREATE VIEW registry_digests AS SELECT * FROM registry_digests_known('infinity', 'infinity');

CREATE FUNCTION platform_fits(p_platform text, p_node text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_platform = p_node OR starts_with(p_platform, p_node || '/')
        OR starts_with(p_node, p_platform || '/')
$$;

-- The platform manifests behind whatever a runtime reported: index, manifest or config digest.
-- With p_platform those that fit it, else (or when none fits) all: worst case counts.
CREATE FUNCTION digest_manifests(p_digest text, p_platform text, p_known timestamptz)
RETURNS TABLE (manifest text, platform text)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE below (digest, platform, depth) AS (
        SELECT p_digest COLLATE "C", '' COLLATE "C", 0
         UNION
        SELECT e.child, CASE WHEN e.platform = '' THEN b.platform ELSE e.platform END, b.depth + 1
          FROM below b
          JOIN digest_edges e ON e.parent = b.digest AND e.known_at <= p_known
         WHERE b.depth < 4
    ), candidates (digest, platform) AS (
        SELECT b.digest, b.platform FROM below b
         UNION
        SELECT f.digest, '' FROM digest_facts f
         WHERE f.config_digest = p_digest AND f.known_at <= p_known
    ), manifests (digest, platform) AS (
        SELECT c.digest, max(COALESCE(NULLIF(c.platform, ''), f.platform, ''))
          FROM candidates c
          JOIN digest_facts f ON f.digest = c.digest AND f.known_at <= p_known
         GROUP BY c.digest
        HAVING max(kind_rank(f.kind)) = kind_rank('manifest')
    )
    SELECT m.digest, m.platform
      FROM manifests m
     WHERE p_platform IS NULL OR p_platform = '' OR platform_fits(m.platform, p_platform)
        OR NOT EXISTS (SELECT FROM manifests n WHERE platform_fits(n.platform, p_platform))
$$;

-- The digest itself, the indexes that hold it, and for a config its manifests and theirs.
CREATE FUNCTION digest_ancestors(p_digest text, p_known timestamptz)
RETURNS TABLE (digest text)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE above (digest, depth) AS (
        SELECT s.digest, 0
          FROM (SELECT p_digest COLLATE "C" AS digest
                 UNION
                SELECT f.digest FROM digest_facts f
                 WHERE f.config_digest = p_digest AND f.known_at <= p_known) s
         UNION
        SELECT e.parent, a.depth + 1
          FROM above a
          JOIN digest_edges e ON e.child = a.digest AND e.known_at <= p_known
         WHERE a.depth < 4
    )
    SELECT DISTINCT a.digest FROM above a
$$;

-- Every asset of the repository whose name must occur in a raw scan of the manifest: those whose tags (or
-- workloads) named the manifest, an index over it or its config; those named by digest only
-- while no tag of the registry reaches it, as in pinned_uai.
CREATE FUNCTION asset_reaches(p_repository text, p_digest text, p_known timestamptz)
RETURNS TABLE (asset_id uuid, uai text)
LANGUAGE sql STABLE AS $$
    WITH names (digest) AS (
        SELECT a.digest FROM digest_ancestors(p_digest, p_known) a
         UNION
        SELECT f.config_digest FROM digest_facts f
         WHERE f.digest = p_digest AND f.config_digest IS NOT NULL AND f.known_at <= p_known
    )
    SELECT s.asset_id, s.uai
      FROM names n
      JOIN asset_digests d ON d.digest = n.digest AND d.known_at <= p_known
      JOIN assets s ON s.asset_id = d.asset_id
     WHERE s.repository = p_repository
     UNION
    SELECT s.asset_id, s.uai
      FROM names n
      JOIN assets s ON s.digest = n.digest
     WHERE s.repository = p_repository AND s.known_at <= p_known
       AND NOT EXISTS (SELECT FROM names t
                         JOIN tag_observations o ON o.digest = t.digest
                        WHERE o.repository = p_repository AND o.known_at <= p_known)
$$;

-- Assets worth listing: without names by digest that a tag has made superfluous, that turned out
-- to be no image, or that are parts of an index.
CREATE VIEW live_assets AS
    SELECT s.*
      FROM assets s
     WHERE s.tag IS NOT NULL
        OR NOT EXISTS (SELECT FROM digest_ancestors(s.digest, 'infinity') a
                        WHERE a.digest <> s.digest
                           OR EXISTS (SELECT FROM tag_observations o
                                       WHERE o.digest = a.digest AND o.repository = s.repository)
                           OR EXISTS (SELECT FROM digest_facts f
                                       WHERE f.digest = a.digest
                                         AND f.kind IN ('attestation', 'blob')));

-- UAI of something that ran `p_digest` of `p_repository` from `p_started` on without naming a tag: the
-- version tag that pointed at it (or at an index over it) then; else one that did at any time
-- up to p_as_of; else the name by digest. Versions win over floating tags.
CREATE FUNCTION pinned_uai(p_repository text, p_digest text, p_started timestamptz,
                           p_as_of timestamptz, p_known timestamptz)
RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(
        (SELECT s.uai
           FROM digest_ancestors(p_digest, p_known) a
           JOIN tag_history_known(p_known) h ON h.digest = a.digest
           JOIN assets s ON s.repository = h.repository AND s.tag = h.tag
          WHERE h.repository = p_repository AND h.valid_from <= p_as_of
          ORDER BY s.floating,
                   h.valid_from <= p_started AND COALESCE(h.valid_to > p_started, true) DESC,
                   h.valid_from DESC, s.tag
          LIMIT 1),
        p_repository || '@' || p_digest)
$$;
