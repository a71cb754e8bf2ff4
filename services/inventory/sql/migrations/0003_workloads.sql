-- Instances and their runs (design.md section 5). An instance is one container of one pod on one
-- cluster; a run is one start of it.

-- Distinct things said of a pod. Namespace and name never change under one uid; node, platform and owner
-- are absent before they are known.
CREATE TABLE pod_facts (
    fact_id uuid PRIMARY KEY, -- stable id of the columns up to platform
    cluster text COLLATE "C" NOT NULL,
    pod_uid text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    pod text COLLATE "C" NOT NULL,
    owner_kind text COLLATE "C",
    owner_name text COLLATE "C",
    node text COLLATE "C",
    platform text COLLATE "C",
    event_id uuid,
    known_at timestamptz NOT NULL
);
CREATE INDEX pod_facts_pod ON pod_facts (cluster, pod_uid);
CREATE INDEX pod_facts_name ON pod_facts (pod);

-- A pod uid is never used again, so a removal is final: a late 'observed' cannot reopen it.
CREATE TABLE pod_removals (
    event_id uuid PRIMARY KEY,
    cluster text COLLATE "C" NOT NULL,
    pod_uid text COLLATE "C" NOT NULL,
    removed_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL
);
CREATE INDEX pod_removals_pod ON pod_removals (cluster, pod_uid);

CREATE TABLE instances (
    instance_id uuid PRIMARY KEY, -- stable id of (cluster, pod uid, container)
    cluster text COLLATE "C" NOT NULL,
    pod_uid text COLLATE "C" NOT NULL,
    container text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('regular', 'init', 'sidecar', 'ephemeral')),
    event_id uuid,
    known_at timestamptz NOT NULL
);
CREATE INDEX instances_pod ON instances (cluster, pod_uid);

-- Distinct things said of a run; a container that still waits has none.
CREATE TABLE run_facts (
    fact_id uuid PRIMARY KEY, -- stable id of the columns up to seen_at
    instance_id uuid NOT NULL,
    run_key text COLLATE "C" NOT NULL, -- the runtime's container id, else its start
    image text COLLATE "C" NOT NULL,
    image_id text COLLATE "C",
    repository text COLLATE "C",
    tag text COLLATE "C",
    digest text COLLATE "C",
    started_at timestamptz,
    finished_at timestamptz,
    seen_at timestamptz, -- only when the start is unknown: it ran by then
    event_id uuid,
    known_at timestamptz NOT NULL,
    CHECK ((started_at IS NULL) = (seen_at IS NOT NULL))
);
CREATE INDEX run_facts_instance ON run_facts (instance_id, run_key);
CREATE INDEX run_facts_digest ON run_facts (digest);

CREATE FUNCTION pods_known(p_known timestamptz)
RETURNS TABLE (cluster text, pod_uid text, namespace text, pod text, owner_kind text,
               owner_name text, node text, platform text, removed_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT f.cluster, f.pod_uid, max(f.namespace), max(f.pod), max(f.owner_kind), max(f.owner_name),
           max(f.node), max(f.platform),
           (SELECT min(r.removed_at) FROM pod_removals r
             WHERE r.cluster = f.cluster AND r.pod_uid = f.pod_uid AND r.known_at <= p_known)
      FROM pod_facts f
     WHERE f.known_at <= p_known
     GROUP BY f.cluster, f.pod_uid
$$;
CREATE VIEW pods AS SELECT * FROM pods_known('infinity');

-- A run ends when it finished, when the same container started again, or when its pod went,
-- whichever came first. What the runtime reports (image_id) wins over what the spec asked for.
CREATE FUNCTION runs_known(p_known timestamptz)
RETURNS TABLE (instance_id uuid, run_key text, image text, image_id text, repository text,
               tag text, digest text, started_at timestamptz, ended_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT m.instance_id, m.run_key, m.image, m.image_id, m.repository, m.tag, m.digest,
           m.started_at,
           LEAST(m.finished_at,
                 lead(m.started_at) OVER (PARTITION BY m.instance_id
                                          ORDER BY m.started_at, m.run_key),
                 (SELECT min(r.removed_at)
                    FROM instances i
                    JOIN pod_removals r ON r.cluster = i.cluster AND r.pod_uid = i.pod_uid
                   WHERE i.instance_id = m.instance_id AND r.known_at <= p_known))
      FROM (SELECT f.instance_id, f.run_key, max(f.image) AS image, max(f.image_id) AS image_id,
                   COALESCE(max(f.repository) FILTER (WHERE f.image_id IS NOT NULL),
                            max(f.repository)) AS repository,
                   max(f.tag) AS tag,
                   COALESCE(max(f.digest) FILTER (WHERE f.image_id IS NOT NULL),
                            max(f.digest)) AS digest,
                   min(COALESCE(f.started_at, f.seen_at)) AS started_at,
                   min(f.finished_at) AS finished_at
              FROM run_facts f
             WHERE f.known_at <= p_known
             GROUP BY f.instance_id, f.run_key) m
$$;
CREATE VIEW runs AS SELECT * FROM runs_known('infinity');

-- The containers running at an instant, each once, with the UAI of its image.
CREATE FUNCTION running_known(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (instance_id uuid, run_key text, cluster text, namespace text, pod text,
               pod_uid text, container text, container_kind text, image text, image_id text,
               repository text, tag text, digest text, platform text, node text,
               owner_kind text, owner_name text, started_at timestamptz, ended_at timestamptz,
               uai text)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (r.instance_id)
           r.instance_id, r.run_key, i.cluster, p.namespace, p.pod, i.pod_uid, i.container, i.kind,
           r.image, r.image_id, r.repository, r.tag, r.digest, p.platform, p.node, p.owner_kind,
           p.owner_name, r.started_at, r.ended_at,
           CASE WHEN r.repository IS NULL THEN NULL
                WHEN r.tag IS NOT NULL THEN r.repository || ':' || r.tag
                WHEN r.digest IS NOT NULL THEN
                     pinned_uai(r.repository, r.digest, r.started_at, p_as_of, p_known)
           END
      FROM runs_known(p_known) r
      JOIN instances i ON i.instance_id = r.instance_id
      JOIN pods_known(p_known) p ON p.cluster = i.cluster AND p.pod_uid = i.pod_uid
     WHERE r.started_at <= p_as_of AND (r.ended_at IS NULL OR r.ended_at > p_as_of)
     ORDER BY r.instance_id, r.started_at DESC, r.run_key DESC
$$;
