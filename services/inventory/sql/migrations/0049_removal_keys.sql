-- A removal is of one event, whose id is unique in ledger_ids already (as in 0029).
ALTER TABLE pod_removals DROP CONSTRAINT pod_removals_pkey;
