-- Answers that later knowledge, or a wrong date, changed.

-- As 0012 has it, but by the clock of the ledger: nothing that is known by then is learned later, whoever told it. What a source says of its own
-- time does not count, for it may say anything.
CREATE OR REPLACE FUNCTION report_v1.horizon(known_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT LEAST(horizon.known_at, c.known_at)
      FROM ledger_clock c
     WHERE EXISTS (SELECT FROM ledger_transactions t WHERE t.known_at <= horizon.known_at)
$$;
