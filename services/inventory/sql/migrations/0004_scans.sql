-- Scan jobs, scans, findings, and the failures that are findings themselves (design.md section 7).

-- Operational, not history: one job per digest of a repository, re-used by every later scan of it.
CREATE TABLE scan_jobs (
    job_id uuid PRIMARY KEY, -- stable id of (repository, digest)
    repository text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('pending', 'issued', 'complete', 'not_scannable', 'failed_final')),
    priority smallint NOT NULL, -- 1 urgent, 2 normal, 3 bulk
    reason text COLLATE "C" NOT NULL,
    attempts integer NOT NULL DEFAULT 0,      -- issued since the job was last opened
    issued_total integer NOT NULL DEFAULT 0,  -- issued ever: makes request ids unique
    next_try_at timestamptz NOT NULL,
    lease_until timestamptz,                  -- of an issued job: give up on the answer then
    uais_at_issue text[] COLLATE "C" NOT NULL DEFAULT '{}',
    failure_code text COLLATE "C",
    failure_message text COLLATE "C",
    completed_at timestamptz,                 -- finish of the newest complete scan
    request_id text COLLATE "C",              -- of the request under way
    failure_final boolean NOT NULL DEFAULT false, -- the scanner says another try cannot help
    recheck boolean NOT NULL DEFAULT false,   -- it may have got a UAI its last scan does not carry
    traceparent text COLLATE "C",
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX scan_jobs_recheck ON scan_jobs (job_id) WHERE recheck;
CREATE INDEX scan_jobs_due ON scan_jobs (priority, next_try_at) WHERE state = 'pending';
CREATE INDEX scan_jobs_lease ON scan_jobs (lease_until) WHERE state = 'issued';
CREATE INDEX scan_jobs_completed ON scan_jobs (completed_at) WHERE state = 'complete';
CREATE INDEX scan_jobs_digest ON scan_jobs (digest);

-- What a raw scan of the digest must carry now; at most 64, the limit of a request.
CREATE FUNCTION job_uais(p_repository text, p_digest text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT COALESCE(NULLIF(ARRAY(SELECT r.uai FROM asset_reaches(p_repository, p_digest, 'infinity') r
                                  ORDER BY r.uai COLLATE "C" LIMIT 64), '{}'),
                    ARRAY[p_repository || '@' || p_digest])
$$;

-- Every result, also failures. The newest complete one of a manifest counts.
CREATE TABLE scans (
    scan_id uuid PRIMARY KEY, -- the event's id
    request_id text COLLATE "C" NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    attempt bigint NOT NULL,
    repository text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL
        CHECK (outcome IN ('complete', 'resolved', 'not_scannable', 'failed')),
    failure_code text COLLATE "C",
    failure_message text COLLATE "C",
    retryable boolean,
    scanner_name text COLLATE "C" NOT NULL,
    scanner_version text COLLATE "C" NOT NULL,
    database_version text COLLATE "C",
    database_built_at timestamptz,
    configuration_checksum text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    evidence_digest text COLLATE "C",
    evidence_size_bytes bigint,
    packages bigint,
    findings bigint,
    critical bigint,
    high bigint,
    moderate bigint,
    low bigint,
    unknown bigint,
    known_at timestamptz NOT NULL
);
CREATE INDEX scans_digest ON scans (digest, finished_at DESC, scan_id);
CREATE INDEX scans_repository ON scans (repository, digest);
CREATE INDEX scans_evidence ON scans (evidence_digest);

CREATE TABLE scan_uais (
    scan_id uuid NOT NULL,
    uai text COLLATE "C" NOT NULL,
    PRIMARY KEY (scan_id, uai)
);
CREATE INDEX scan_uais_uai ON scan_uais (uai);

-- Findings are those of the evidence: the same raw result is loaded once.
CREATE TABLE evidence_loads (
    evidence_digest text COLLATE "C" PRIMARY KEY,
    size_bytes bigint NOT NULL,
    findings bigint NOT NULL,
    event_id uuid,
    known_at timestamptz NOT NULL
);

CREATE TABLE findings (
    evidence_digest text COLLATE "C" NOT NULL,
    ordinal integer NOT NULL, -- place in the raw result
    vulnerability_id text COLLATE "C" NOT NULL,
    package_name text COLLATE "C" NOT NULL,
    package_version text COLLATE "C" NOT NULL,
    package_ecosystem text COLLATE "C",
    package_purl text COLLATE "C",
    fixed_version text COLLATE "C",
    severity text COLLATE "C" NOT NULL,
    status text COLLATE "C",
    PRIMARY KEY (evidence_digest, ordinal)
);
CREATE INDEX findings_vulnerability ON findings (vulnerability_id);

-- "Failures are vulnerabilities" (FedRAMP VDR-CSO-FAV): a job that ran out of attempts.
CREATE TABLE detection_failures (
    failure_id uuid PRIMARY KEY, -- stable id of (job, issue number it gave up at)
    job_id uuid NOT NULL,
    repository text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    attempts integer NOT NULL,
    opened_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_known_at timestamptz
);
CREATE INDEX detection_failures_digest ON detection_failures (digest);
CREATE INDEX detection_failures_open ON detection_failures (job_id) WHERE closed_at IS NULL;

CREATE TABLE notifications (
    notification_id uuid PRIMARY KEY, -- stable id of (kind, subject, cause)
    kind text COLLATE "C" NOT NULL,
    severity text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    known_at timestamptz NOT NULL
);
CREATE INDEX notifications_known_at ON notifications (known_at);
