-- A round makes no more than p_round requests of a priority: 100,000 may be under way, and one transaction does not hold them all.
DO $$
DECLARE
    was text := pg_get_functiondef('scan_jobs_take(integer, integer, text[], bigint[], bigint)'::regprocedure);
    body text := replace(was, 'p_default bigint)', 'p_default bigint, p_round integer)');
BEGIN
    body := replace(body, 'GREATEST(0, p_in_flight - COALESCE((SELECT sum(f.jobs) FROM flight f
                                                        WHERE f.priority = p.priority), 0)) AS room',
                          'LEAST(p_round, GREATEST(0, p_in_flight - COALESCE((SELECT sum(f.jobs) FROM flight f
                                                        WHERE f.priority = p.priority), 0))) AS room');
    IF body !~ 'LEAST\(p_round' OR body !~ 'p_default bigint, p_round integer\)' THEN
        RAISE EXCEPTION 'scan_jobs_take is otherwise than expected';
    END IF;
    EXECUTE body;
END
$$;
DROP FUNCTION scan_jobs_take(integer, integer, text[], bigint[], bigint);
