-- What a month must be complete in before it is closed, beside its rows (schemas/report-views.v1.md).

CREATE FUNCTION report_v1.sources(as_of timestamptz, known_at timestamptz)
RETURNS TABLE (source text, kind text, state text, since timestamptz, last_event_at timestamptz,
               last_error text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.source, s.source_kind, s.state, s.since, s.last_event_at, s.last_error
      FROM list_sources(sources.as_of, sources.known_at) s
     ORDER BY s.source COLLATE "C"
$$;

-- Learned since `since`, that is: what a month lacks because it was not understood.
CREATE FUNCTION report_v1.quarantine(since timestamptz, as_of timestamptz, known_at timestamptz)
RETURNS TABLE (reason_code text, source text, reason text, events bigint,
               first_known_at timestamptz, last_known_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT COALESCE(l.reason_code, ''), l.ce_source,
           (array_agg(l.reason ORDER BY l.known_at, l.event_id))[1], count(*),
           min(l.known_at), max(l.known_at)
      FROM ledger l
     WHERE l.state = 'quarantined' AND l.known_at >= quarantine.since
       AND l.known_at <= quarantine.known_at AND l.occurred_at <= quarantine.as_of
     GROUP BY 1, 2
     ORDER BY COALESCE(l.reason_code, '') COLLATE "C", l.ce_source COLLATE "C"
$$;

-- Of now: the balance is counted with each batch and has no history.
CREATE FUNCTION report_v1.ledger()
RETURNS TABLE (topic text, received bigint, applied bigint, quarantined bigint, duplicates bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT l.topic, l.received, l.applied, l.quarantined, l.duplicates
      FROM list_ledger() l
     ORDER BY l.topic COLLATE "C"
$$;

REVOKE ALL ON FUNCTION report_v1.sources(timestamptz, timestamptz),
    report_v1.quarantine(timestamptz, timestamptz, timestamptz), report_v1.ledger() FROM PUBLIC;

DO $$
BEGIN
    GRANT EXECUTE ON FUNCTION report_v1.sources(timestamptz, timestamptz),
        report_v1.quarantine(timestamptz, timestamptz, timestamptz), report_v1.ledger()
        TO muster_report;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'role muster_report is missing: create it and grant it schema report_v1';
END
$$;
