-- What ingest tells of its sources, and silence as a detection failure.

CREATE TABLE source_reports (
    event_id uuid PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    source_kind text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('silent', 'speaking', 'removed')),
    observed_at timestamptz NOT NULL,
    last_event_at timestamptz,
    silent_after_seconds bigint,
    usual_interval_seconds bigint,
    last_error text COLLATE "C",
    known_at timestamptz NOT NULL
);
CREATE INDEX source_reports_source ON source_reports (source, observed_at);

-- A failure is of a job or of a source. Of a source: failure_id is the event that told it.
ALTER TABLE detection_failures
    ALTER COLUMN job_id DROP NOT NULL,
    ALTER COLUMN repository DROP NOT NULL,
    ALTER COLUMN digest DROP NOT NULL,
    ADD COLUMN source text COLLATE "C",
    ADD CHECK (CASE WHEN source IS NULL THEN num_nulls(job_id, repository, digest) = 0
                    ELSE num_nonnulls(job_id, repository, digest) = 0 END);
CREATE INDEX detection_failures_source ON detection_failures (source) WHERE source IS NOT NULL;
