-- Another scanner's report, kept verbatim as evidence of its own, beside the document made of it.
CREATE TABLE evidence_originals (
    evidence_digest text COLLATE "C" PRIMARY KEY, -- of the document that scans point at
    original_digest text COLLATE "C" NOT NULL,
    known_at timestamptz NOT NULL
);

CREATE FUNCTION report_v1.originals(known_at timestamptz)
RETURNS TABLE (evidence_digest text, original_digest text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.evidence_digest, o.original_digest
      FROM evidence_originals o
     WHERE o.known_at <= originals.known_at
     ORDER BY o.evidence_digest
$$;

REVOKE ALL ON FUNCTION report_v1.originals(timestamptz) FROM PUBLIC;

DO $$
BEGIN
    GRANT EXECUTE ON FUNCTION report_v1.originals(timestamptz) TO muster_report;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'role muster_report is missing: create it and grant it schema report_v1';
END
$$;
