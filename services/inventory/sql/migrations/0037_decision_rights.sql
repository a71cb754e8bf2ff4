-- Who runs the API records what people and policies decided, and can neither change nor remove it.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'muster_inventory') THEN
        REVOKE UPDATE, DELETE ON policies, policy_activations, policy_decisions, image_approvals FROM muster_inventory;
    END IF;
END
$$;
