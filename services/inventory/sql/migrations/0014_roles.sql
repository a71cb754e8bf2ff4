-- Roles with least rights; people and programs log in as members of one of them.
--   muster_inventory  muster-inventory run: learns, but cannot change or remove what is a fact, nor make tables
--   muster_read       reads every table: API, coverage, explain, dump
--   muster_report     executes report_v1 and nothing else
-- The owner of the tables migrates, rebuilds and applies retention. Roles belong to the whole cluster: without
-- the right to make one, whoever has it creates the three and runs muster_grant_roles() as the owner.

-- Grants what there is; tables that later migrations make get the same by default privileges, and
-- those of facts are named here.
CREATE FUNCTION muster_grant_roles() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    facts text := 'repositories, assets, asset_digests, tag_observations, digest_facts, digest_edges, '
                  'registry_facts, pod_facts, pod_removals, instances, run_facts, scans, scan_uais, '
                  'evidence_loads, findings, source_reports, ledger_transactions, ledger_payloads';
BEGIN
    GRANT USAGE ON SCHEMA report_v1 TO muster_report;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA report_v1 TO muster_report, muster_inventory, muster_read;
    GRANT USAGE ON SCHEMA report_v1 TO muster_inventory, muster_read;
    ALTER DEFAULT PRIVILEGES IN SCHEMA report_v1
        GRANT EXECUTE ON FUNCTIONS TO muster_report, muster_inventory, muster_read;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO muster_read;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO muster_read;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO muster_inventory;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO muster_inventory;
    EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM muster_inventory', facts);
    GRANT UPDATE (kind) ON instances TO muster_inventory; -- the greater word of two wins
    REVOKE DELETE ON ledger, ledger_ids, ledger_clock, positions, scan_jobs, detection_failures,
        notifications, exclusions FROM muster_inventory;
    REVOKE INSERT, UPDATE, DELETE ON ledger_rebuild, ledger_dropped, muster_schema_migrations
        FROM muster_inventory;
    GRANT EXECUTE ON FUNCTION ledger_make_partitions(timestamptz) TO muster_inventory;
END
$$;
REVOKE ALL ON FUNCTION muster_grant_roles() FROM PUBLIC;

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['muster_inventory', 'muster_read', 'muster_report'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database of the cluster
        END;
    END LOOP;
    PERFORM muster_grant_roles();
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'roles of muster are missing: see 0014_roles.sql';
END
$$;

ALTER TABLE exclusions ADD CHECK (valid_to > valid_from) NOT VALID;
