-- See 0010.

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'ledger_bound') THEN
        ALTER TABLE ledger VALIDATE CONSTRAINT ledger_bound;
    END IF;
END
$$;
