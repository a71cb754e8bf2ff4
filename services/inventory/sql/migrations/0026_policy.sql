-- Policies, what people decided about images, and the facts that a policy judges.

-- Policies by content: what was decided under one can be told years later.
CREATE TABLE policies (
    policy text COLLATE "C" PRIMARY KEY, -- SHA-256 of the content, "sha256:..."
    name text NOT NULL,
    content text NOT NULL,
    author text NOT NULL CHECK (author <> ''),
    known_at timestamptz NOT NULL
);

-- Which one counts from when on; the last word of several is the latest known.
CREATE TABLE policy_activations (
    activation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    policy text COLLATE "C" NOT NULL REFERENCES policies,
    valid_from timestamptz NOT NULL,
    author text NOT NULL CHECK (author <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    known_at timestamptz NOT NULL
);
CREATE INDEX policy_activations_time ON policy_activations (valid_from, known_at);

CREATE FUNCTION policy_active(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (policy text, content text) LANGUAGE sql STABLE AS $$
    SELECT a.policy, p.content
      FROM policy_activations a
      JOIN policies p ON p.policy = a.policy
     WHERE a.valid_from <= p_as_of AND a.known_at <= p_known
     ORDER BY a.valid_from DESC, a.known_at DESC
     LIMIT 1
$$;

-- People approve or revoke a digest of a repository, or take back what they said of it.
CREATE TABLE image_approvals (
    approval_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    repository text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    named text COLLATE "C" NOT NULL, -- as it was written: the tag may have moved since
    decision text COLLATE "C" NOT NULL CHECK (decision IN ('approve', 'revoke', 'withdraw')),
    person text NOT NULL CHECK (person <> ''),
    role text NOT NULL CHECK (role <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    valid_from timestamptz NOT NULL,
    valid_to timestamptz CHECK (valid_to > valid_from), -- NULL: until further notice
    policy text COLLATE "C", -- that said who may
    known_at timestamptz NOT NULL,
    CHECK (decision <> 'approve' OR valid_to IS NOT NULL)
);
CREATE INDEX image_approvals_digest ON image_approvals (digest, repository);

-- The last word on each digest at an instant; one that was taken back, or has ended, is none.
CREATE FUNCTION image_approvals_known(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (repository text, digest text, decision text, approval_id uuid, person text, role text,
               reason text, valid_to timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT w.repository, w.digest, w.decision, w.approval_id, w.person, w.role, w.reason, w.valid_to
      FROM (SELECT DISTINCT ON (a.repository, a.digest) a.*
              FROM image_approvals a
             WHERE a.valid_from <= p_as_of AND a.known_at <= p_known
             ORDER BY a.repository, a.digest, a.valid_from DESC, a.known_at DESC, a.approval_id) w
     WHERE w.decision <> 'withdraw' AND COALESCE(w.valid_to > p_as_of, true)
$$;

-- What a raw result says beside its findings: what the image itself gets wrong, and which of the
-- vulnerabilities were in the KEV catalog then. Of the evidence, so loaded once.
CREATE TABLE evidence_issues (
    evidence_digest text COLLATE "C" NOT NULL,
    ordinal integer NOT NULL,
    check_id text COLLATE "C" NOT NULL,
    severity text COLLATE "C" NOT NULL,
    title text COLLATE "C",
    path text COLLATE "C",
    PRIMARY KEY (evidence_digest, ordinal)
);
CREATE TABLE evidence_kev (
    evidence_digest text COLLATE "C" NOT NULL,
    vulnerability_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (evidence_digest, vulnerability_id)
);
-- Evidence that was read for it, whatever was in it: nothing is approved on what was not read.
CREATE TABLE evidence_judged (
    evidence_digest text COLLATE "C" PRIMARY KEY,
    known_at timestamptz NOT NULL
);

-- Decisions of pipelines: who asked, what was said, under which policy, from which facts.
CREATE TABLE policy_decisions (
    decision_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    decided_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    image text COLLATE "C" NOT NULL,
    repository text COLLATE "C",
    digest text COLLATE "C",
    verdict text COLLATE "C" NOT NULL CHECK (verdict IN ('approved', 'rejected', 'waiting')),
    reason text COLLATE "C" NOT NULL,
    rule text,
    detail text,
    policy text COLLATE "C" NOT NULL,
    facts jsonb NOT NULL,
    known_at timestamptz NOT NULL
);
CREATE INDEX policy_decisions_decided_at ON policy_decisions (decided_at);
CREATE INDEX policy_decisions_image ON policy_decisions (repository, digest);

-- What a policy judges of platform manifests in their repositories: the newest complete scan, else why there
-- is none, and those findings whose severity it asks for, or that are in the KEV catalog.
CREATE FUNCTION policy_facts(p_repositories text[], p_digests text[], p_as_of timestamptz, p_known timestamptz,
                             p_severities text[])
RETURNS TABLE (repository text, digest text, os_name text, registry text, scan_id uuid,
               finished_at timestamptz, database_version text, database_built_at timestamptz,
               failure_code text, failure_message text, findings jsonb, uais text[], evidence_read boolean)
LANGUAGE sql STABLE AS $$
    SELECT m.repository, m.digest,
           (SELECT max(f.os_name) FROM digest_facts f WHERE f.digest = m.digest AND f.known_at <= p_known),
           registry_state(m.repository, m.digest, p_as_of, p_known),
           s.scan_id, s.finished_at, s.database_version, s.database_built_at,
           b.failure_code, b.failure_message,
           CASE WHEN s.scan_id IS NOT NULL THEN
               (SELECT jsonb_agg(jsonb_build_object('id', v.id, 'package', v.package, 'severity',
                           v.severity, 'fixed', v.fixed, 'kev', v.kev, 'kind', v.kind) ORDER BY v.kind, v.ordinal)
                  FROM (SELECT f.ordinal, f.vulnerability_id AS id, f.package_name AS package, f.severity,
                               f.fixed_version AS fixed, k.vulnerability_id IS NOT NULL AS kev,
                               'vulnerability' AS kind
                          FROM findings f
                          LEFT JOIN evidence_kev k ON k.evidence_digest = f.evidence_digest
                                                  AND k.vulnerability_id = f.vulnerability_id
                         WHERE f.evidence_digest = s.evidence_digest
                           AND (f.severity = ANY (p_severities) OR k.vulnerability_id IS NOT NULL)
                         UNION ALL
                        SELECT i.ordinal, i.check_id, i.path, i.severity, NULL, false, 'configuration'
                          FROM evidence_issues i
                         WHERE i.evidence_digest = s.evidence_digest
                           AND i.severity = ANY (p_severities)) v) END,
           ARRAY(SELECT u.uai FROM scan_uais u WHERE u.scan_id = s.scan_id ORDER BY u.uai COLLATE "C"),
           s.evidence_digest IS NULL
               OR EXISTS (SELECT FROM evidence_judged j WHERE j.evidence_digest = s.evidence_digest)
      FROM unnest(p_repositories, p_digests) AS m (repository, digest)
      LEFT JOIN LATERAL (SELECT c.* FROM scans c
                          WHERE c.digest = m.digest AND c.repository = m.repository
                            AND c.outcome = 'complete' AND c.finished_at <= p_as_of AND c.known_at <= p_known
                          ORDER BY c.finished_at DESC, c.scan_id LIMIT 1) s ON true
      LEFT JOIN LATERAL (SELECT c.failure_code, c.failure_message FROM scans c
                          WHERE s.scan_id IS NULL AND c.digest = m.digest AND c.repository = m.repository
                            AND c.outcome = 'failed' AND c.finished_at <= p_as_of AND c.known_at <= p_known
                          ORDER BY c.finished_at DESC, c.scan_id LIMIT 1) b ON true
$$;

-- Every name an image may be asked for by, and the platform manifests behind it (NULL: none is known):
-- each tag with what it points at, each digest that a repository has or had.
CREATE FUNCTION policy_names(p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (name text, repository text, digest text, manifest text)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE tags AS (
        SELECT h.repository, h.tag, h.digest FROM tag_history_known(p_known) h
         WHERE h.valid_from <= p_as_of AND COALESCE(h.valid_to > p_as_of, true)
    ), held AS (
        SELECT f.repository, f.digest FROM registry_facts f WHERE f.at <= p_as_of AND f.known_at <= p_known
         UNION
        SELECT s.repository, s.digest FROM scans s WHERE s.finished_at <= p_as_of AND s.known_at <= p_known
         UNION
        SELECT j.repository, j.digest FROM scan_jobs j WHERE j.created_at <= p_known
         UNION
        SELECT t.repository, t.digest FROM tags t
    ), below (root, digest, depth) AS (
        SELECT DISTINCT h.digest, h.digest, 0 FROM held h
         UNION
        SELECT b.root, e.child, b.depth + 1
          FROM below b
          JOIN digest_edges e ON e.parent = b.digest AND e.known_at <= p_known
         WHERE b.depth < 4
    ), kinds AS (
        SELECT f.digest FROM digest_facts f WHERE f.known_at <= p_known
         GROUP BY f.digest HAVING max(kind_rank(f.kind)) = kind_rank('manifest')
    ), manifests AS (
        SELECT DISTINCT b.root, b.digest FROM below b JOIN kinds k ON k.digest = b.digest
    )
    SELECT n.name, n.repository, n.digest, m.digest
      FROM (SELECT t.repository || ':' || t.tag AS name, t.repository, t.digest FROM tags t
             UNION ALL
            SELECT h.repository || '@' || h.digest, h.repository, h.digest FROM held h) n
      LEFT JOIN manifests m ON m.root = n.digest
$$;

-- The same of one name.
CREATE FUNCTION policy_name(p_repository text, p_tag text, p_digest text, p_as_of timestamptz, p_known timestamptz)
RETURNS TABLE (name text, repository text, digest text, manifest text)
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_digest IS NULL THEN p_repository || ':' || p_tag
                ELSE p_repository || '@' || p_digest END, p_repository, r.digest, m.manifest
      FROM (SELECT p_digest AS digest
             WHERE p_digest IS NOT NULL
               AND (EXISTS (SELECT FROM registry_facts f WHERE f.digest = p_digest
                               AND f.repository = p_repository AND f.at <= p_as_of AND f.known_at <= p_known)
                 OR EXISTS (SELECT FROM scans s WHERE s.digest = p_digest AND s.repository = p_repository
                               AND s.finished_at <= p_as_of AND s.known_at <= p_known)
                 OR EXISTS (SELECT FROM scan_jobs j WHERE j.digest = p_digest
                               AND j.repository = p_repository AND j.created_at <= p_known))
             UNION ALL
            (SELECT h.digest FROM tag_history_known(p_known) h
              WHERE p_digest IS NULL AND h.repository = p_repository AND h.tag = p_tag
                AND h.valid_from <= p_as_of AND COALESCE(h.valid_to > p_as_of, true)
              ORDER BY h.valid_from DESC LIMIT 1)) r
      LEFT JOIN LATERAL digest_manifests(r.digest, NULL, p_known) m ON true
$$;

-- What was asked for in a span of time, each image once for each answer it got: gates and pipelines.
CREATE FUNCTION policy_asked(p_from timestamptz, p_to timestamptz)
RETURNS TABLE (repository text, tag text, digest text, verdict text, first_at timestamptz,
               last_at timestamptz, times bigint)
LANGUAGE sql STABLE AS $$
    SELECT d.repository, d.tag, d.digest, d.verdict, min(d.decided_at), max(d.decided_at), count(*)
      FROM (SELECT g.repository, NULLIF(g.tag, '') AS tag, g.digest, g.verdict, g.decided_at
              FROM gate_decisions g
             WHERE g.decided_at >= p_from AND g.decided_at < p_to AND g.repository IS NOT NULL
               AND g.verdict <> 'none'
             UNION ALL
            SELECT p.repository, NULL, p.digest, p.verdict, p.decided_at
              FROM policy_decisions p
             WHERE p.decided_at >= p_from AND p.decided_at < p_to AND p.digest IS NOT NULL) d
     GROUP BY d.repository, d.tag, d.digest, d.verdict
$$;

-- Images that began to run in a span of time, for those whom no gate asked.
CREATE FUNCTION policy_started(p_from timestamptz, p_to timestamptz)
RETURNS TABLE (repository text, digest text, first_at timestamptz, last_at timestamptz, times bigint)
LANGUAGE sql STABLE AS $$
    SELECT r.repository, r.digest, min(r.started_at), max(r.started_at), count(*)
      FROM run_facts r
     WHERE r.started_at >= p_from AND r.started_at < p_to
       AND r.repository IS NOT NULL AND r.digest IS NOT NULL
     GROUP BY r.repository, r.digest
$$;
