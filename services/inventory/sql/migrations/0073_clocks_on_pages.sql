-- A page of containers says since when each is in its state, until when it is covered, and which event did it.
DO $$
DECLARE
    was text := pg_get_functiondef('list_instances(timestamptz, timestamptz, text, bigint, text, text, text, text, text, text, text)'
                                   ::regprocedure);
    body text := replace(was, 'scan_id uuid, key text)',
                         'scan_id uuid, since timestamp with time zone, expires_at timestamp with time zone, cause_id uuid, key text)');
BEGIN
    body := replace(body, 'r.started_at, r.scan_id, r.key', 'r.started_at, r.scan_id, r.since, r.expires_at, r.cause_id, r.key');
    IF body !~ 'cause_id uuid, key text\)' OR body !~ 'r.cause_id, r.key' THEN
        RAISE EXCEPTION 'list_instances is otherwise than expected';
    END IF;
    DROP FUNCTION list_instances(timestamptz, timestamptz, text, bigint, text, text, text, text, text, text, text);
    EXECUTE body;
END
$$;
