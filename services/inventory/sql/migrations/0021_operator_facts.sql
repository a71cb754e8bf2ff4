-- What people state: deviations and their approval, hardening of images, exposure of assets, SSVC
-- values of vulnerabilities. Facts as all others: inserted once, never changed; a withdrawal is a fact.
-- `at` is when it was stated or decided, known_at when it came here.
--
-- Scope of a statement (`asset`): a UAI, a repository (all its assets, later ones too), or '*'.

CREATE FUNCTION scope_covers(p_scope text, p_uai text, p_repository text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_scope = '*' OR p_scope = p_uai OR p_scope = p_repository
$$;

CREATE TABLE deviation_facts (
    fact_id uuid PRIMARY KEY, -- stable id of the columns up to expires_at
    deviation text COLLATE "C" NOT NULL, -- the operator's number of it, as DR-2026-001
    record text COLLATE "C" NOT NULL
        CHECK (record IN ('request', 'approve', 'reject', 'withdraw', 'check_in', 'release')),
    at timestamptz NOT NULL,
    by text COLLATE "C" NOT NULL,
    role text COLLATE "C",
    kind text COLLATE "C" CHECK (kind IN ('false_positive', 'risk_adjustment', 'operational_requirement',
                                          'vendor_dependency', 'accepted')),
    vulnerability text COLLATE "C",
    asset text COLLATE "C",
    package text COLLATE "C",
    adjusted_severity text COLLATE "C"
        CHECK (adjusted_severity IN ('critical', 'high', 'moderate', 'low')),
    rationale text,
    evidence text COLLATE "C",
    expires_at timestamptz,
    known_at timestamptz NOT NULL,
    CHECK ((record = 'request') = (kind IS NOT NULL)),
    CHECK (record <> 'request' OR num_nulls(vulnerability, asset, rationale) = 0)
);
CREATE UNIQUE INDEX deviation_facts_request ON deviation_facts (deviation) WHERE record = 'request';
CREATE INDEX deviation_facts_deviation ON deviation_facts (deviation, at);

-- Each deviation as it stood: pending, approved, rejected, withdrawn, or expired once its time has passed.
CREATE FUNCTION deviations_known(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (deviation text, state text, kind text, vulnerability text, asset text, package text,
               adjusted_severity text, rationale text, evidence text, requested_by text,
               requested_at timestamptz, decided_by text, decided_role text,
               decided_at timestamptz, decision_evidence text, expires_at timestamptz,
               checked_in_at timestamptz, released_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT r.deviation,
           CASE WHEN d.record = 'withdraw' THEN 'withdrawn'
                WHEN COALESCE(d.expires_at, r.expires_at) <= p_valid THEN 'expired'
                WHEN d.record = 'approve' THEN 'approved'
                WHEN d.record = 'reject' THEN 'rejected'
                ELSE 'pending' END,
           r.kind, r.vulnerability, r.asset, r.package, r.adjusted_severity, r.rationale, r.evidence,
           r.by, r.at, d.by, d.role, d.at, d.evidence, COALESCE(d.expires_at, r.expires_at),
           v.checked_in_at, v.released_at
      FROM deviation_facts r
      LEFT JOIN LATERAL (
           SELECT f.* FROM deviation_facts f
            WHERE f.deviation = r.deviation AND f.record IN ('approve', 'reject', 'withdraw')
              AND f.at <= p_valid AND f.known_at <= p_known
            ORDER BY f.record = 'withdraw' DESC, f.at DESC, f.record DESC, f.fact_id
            LIMIT 1) d ON true
      CROSS JOIN LATERAL (
           SELECT max(f.at) FILTER (WHERE f.record = 'check_in') AS checked_in_at,
                  min(f.at) FILTER (WHERE f.record = 'release') AS released_at
             FROM deviation_facts f
            WHERE f.deviation = r.deviation AND f.at <= p_valid AND f.known_at <= p_known) v
     WHERE r.record = 'request' AND r.at <= p_valid AND r.known_at <= p_known
$$;

-- Worst severity that anything gives to a vulnerability: NVD's, else the scanners'.
CREATE FUNCTION vulnerability_severity(p_name text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT COALESCE(cvss3_severity(max(s.cvss3)), cvss2_severity(max(s.cvss2)),
                    (SELECT f.severity FROM findings f WHERE f.vulnerability_id = p_name
                      ORDER BY severity_rank(f.severity) DESC NULLS LAST LIMIT 1))
      FROM vulnerability_state(p_name, 'infinity', 'infinity') s
$$;

-- Why an operational requirement may not be approved at p_at, or NULL. It is never approved for a
-- high risk: the risk is adjusted first (FedRAMP ConMon Playbook, deviation requests).
CREATE FUNCTION operational_requirement_problem(p_vulnerability text, p_asset text, p_at timestamptz)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'record: an operational requirement is not approved for a ' || s.severity ||
           ' risk; have an adjustment to moderate or low approved first'
      FROM (SELECT vulnerability_severity(p_vulnerability) AS severity) s
     WHERE s.severity IN ('high', 'critical', 'unknown')
       AND NOT EXISTS (SELECT FROM deviations_known(p_at, 'infinity') d
                        WHERE d.kind = 'risk_adjustment' AND d.state = 'approved'
                          AND d.vulnerability = p_vulnerability AND d.asset IN (p_asset, '*')
                          AND d.adjusted_severity IN ('moderate', 'low'))
$$;

-- What is wrong with a record of a deviation that has its request, or NULL.
CREATE FUNCTION deviation_problem(p_deviation text, p_record text, p_at timestamptz, p_by text)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
           WHEN p_at < r.at THEN 'at: it was requested later, at ' || to_json(r.at)::text
           WHEN EXISTS (SELECT FROM deviation_facts w WHERE w.deviation = p_deviation AND w.record = 'withdraw')
                THEN 'record: it was withdrawn; make a new request'
           WHEN p_record = 'approve' AND r.by = p_by
                THEN 'by: who requested it may not approve it'
           WHEN p_record IN ('check_in', 'release') AND r.kind <> 'vendor_dependency'
                THEN 'record: only a vendor dependency has it'
           WHEN p_record = 'approve' AND r.kind = 'operational_requirement'
                THEN operational_requirement_problem(r.vulnerability, r.asset, p_at)
           END
      FROM deviation_facts r
     WHERE r.deviation = p_deviation AND r.record = 'request'
$$;

-- Stores a record of a deviation, once. Gives what is wrong with it, "field: reason", or NULL.
CREATE FUNCTION record_deviation(p_known timestamptz, p_fact deviation_facts) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    problem text;
BEGIN
    IF EXISTS (SELECT FROM deviation_facts f WHERE f.fact_id = p_fact.fact_id) THEN
        RETURN NULL;
    END IF;
    IF p_fact.record = 'request' THEN
        IF EXISTS (SELECT FROM deviation_facts f
                    WHERE f.deviation = p_fact.deviation AND f.record = 'request') THEN
            RETURN 'deviation: there is a different request of this name; take another name';
        END IF;
    ELSIF NOT EXISTS (SELECT FROM deviation_facts f
                       WHERE f.deviation = p_fact.deviation AND f.record = 'request') THEN
        RETURN 'deviation: nobody has requested it';
    ELSE
        problem := deviation_problem(p_fact.deviation, p_fact.record, p_fact.at, p_fact."by");
        IF problem IS NOT NULL THEN
            RETURN problem;
        END IF;
    END IF;
    p_fact.known_at := p_known;
    INSERT INTO deviation_facts SELECT p_fact.*;
    RETURN NULL;
END
$$;

-- ---- hardening of images (FedRAMP: only hardened images, the process validated by an assessor) ----

CREATE TABLE hardening_facts (
    fact_id uuid PRIMARY KEY,
    asset text COLLATE "C" NOT NULL,
    baseline text COLLATE "C" NOT NULL, -- "CIS Docker Benchmark 1.6.0 L2", a STIG
    record text COLLATE "C" NOT NULL CHECK (record IN ('validate', 'withdraw')),
    at timestamptz NOT NULL,
    by text COLLATE "C" NOT NULL,
    role text COLLATE "C",
    digest text COLLATE "C",            -- what was looked at
    drift text COLLATE "C" CHECK (drift IN ('none', 'found')),
    rationale text,
    evidence text COLLATE "C",
    expires_at timestamptz,
    known_at timestamptz NOT NULL
);
CREATE INDEX hardening_facts_asset ON hardening_facts (asset, baseline, at);

-- The newest word per scope and baseline. Drift: the validator found it, or the tag points at another
-- image than the one that was looked at.
CREATE FUNCTION hardening_known(p_valid timestamptz, p_known timestamptz)
RETURNS TABLE (asset text, baseline text, state text, drift text, validated_by text, role text,
               validated_at timestamptz, digest text, evidence text, expires_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT n.asset, n.baseline,
           CASE WHEN n.record = 'withdraw' THEN 'withdrawn'
                WHEN n.expires_at <= p_valid THEN 'expired'
                WHEN n.drift = 'found' THEN 'drifted'
                WHEN c.digest IS NOT NULL THEN 'image_changed'
                ELSE 'valid' END,
           n.drift, n.by, n.role, n.at, n.digest, n.evidence, n.expires_at
      FROM (SELECT DISTINCT ON (f.asset, f.baseline) f.*
              FROM hardening_facts f
             WHERE f.at <= p_valid AND f.known_at <= p_known
             ORDER BY f.asset, f.baseline, f.at DESC, f.record DESC, f.fact_id) n
      LEFT JOIN LATERAL (
           SELECT h.digest
             FROM assets a
             JOIN tag_history_known(p_known) h ON h.repository = a.repository AND h.tag = a.tag
            WHERE a.uai = n.asset AND n.digest IS NOT NULL AND h.digest <> n.digest
              AND h.valid_from <= p_valid AND COALESCE(h.valid_to > p_valid, true)
              AND NOT EXISTS (SELECT FROM digest_manifests(h.digest, NULL, p_known) m
                               WHERE m.manifest = n.digest)
            LIMIT 1) c ON true
$$;

CREATE FUNCTION record_hardening(p_known timestamptz, p_fact hardening_facts) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    IF p_fact.record = 'withdraw' AND NOT EXISTS (
        SELECT FROM hardening_facts f WHERE f.asset = p_fact.asset AND f.baseline = p_fact.baseline
           AND f.record = 'validate' AND f.at <= p_fact.at) THEN
        RETURN 'baseline: nobody has validated this asset against it';
    END IF;
    p_fact.known_at := p_known;
    INSERT INTO hardening_facts SELECT p_fact.* ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

-- ---- exposure ----

CREATE TABLE exposure_facts (
    fact_id uuid PRIMARY KEY,
    asset text COLLATE "C" NOT NULL,
    public text COLLATE "C" NOT NULL CHECK (public IN ('yes', 'no')), -- reachable from the Internet
    at timestamptz NOT NULL,
    by text COLLATE "C" NOT NULL,
    role text COLLATE "C",
    rationale text,
    evidence text COLLATE "C",
    known_at timestamptz NOT NULL
);
CREATE INDEX exposure_facts_asset ON exposure_facts (asset, at);

-- Of an asset: the word of the narrowest scope, there the newest; `since`: from when it has been the same.
CREATE FUNCTION asset_exposure(p_uai text, p_repository text, p_valid timestamptz,
                               p_known timestamptz)
RETURNS TABLE (public boolean, since timestamptz)
LANGUAGE sql STABLE AS $$
    WITH said AS (
        SELECT f.*, array_position(ARRAY['*', p_repository, p_uai], f.asset) AS narrow
          FROM exposure_facts f
         WHERE f.asset IN ('*', p_repository, p_uai) AND f.at <= p_valid AND f.known_at <= p_known
    ), newest AS (
        SELECT s.* FROM said s ORDER BY s.narrow DESC, s.at DESC, s.public DESC, s.fact_id LIMIT 1
    )
    SELECT n.public = 'yes',
           (SELECT min(s.at) FROM said s
             WHERE s.narrow = n.narrow AND s.public = n.public
               AND s.at > COALESCE((SELECT max(o.at) FROM said o
                                     WHERE o.narrow = n.narrow AND o.public <> n.public), '-infinity'))
      FROM newest n
$$;

CREATE FUNCTION record_exposure(p_known timestamptz, p_fact exposure_facts) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    p_fact.known_at := p_known;
    INSERT INTO exposure_facts SELECT p_fact.* ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

-- ---- SSVC values that no database gave ----

CREATE TABLE ssvc_facts (
    fact_id uuid PRIMARY KEY,
    vulnerability text COLLATE "C" NOT NULL,
    automatable text COLLATE "C" NOT NULL CHECK (automatable IN ('yes', 'no')),
    technical_impact text COLLATE "C" NOT NULL CHECK (technical_impact IN ('partial', 'total')),
    at timestamptz NOT NULL,
    by text COLLATE "C" NOT NULL,
    role text COLLATE "C",
    rationale text,
    evidence text COLLATE "C",
    known_at timestamptz NOT NULL
);
CREATE INDEX ssvc_facts_vulnerability ON ssvc_facts (vulnerability, at);

CREATE FUNCTION record_ssvc(p_known timestamptz, p_fact ssvc_facts) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    p_fact.known_at := p_known;
    INSERT INTO ssvc_facts SELECT p_fact.* ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
