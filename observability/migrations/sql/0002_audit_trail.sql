-- What no program may do to the audit trail, refused by PostgreSQL itself (refuse_change: strategies, 0002).
CREATE TRIGGER logs_append_only BEFORE UPDATE OR DELETE ON observability_logs
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the audit trail is append only');
CREATE TRIGGER logs_no_truncate BEFORE TRUNCATE ON observability_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the audit trail is append only');

-- The head of a chain only ever moves on.
CREATE TRIGGER audit_chain_moves_on BEFORE UPDATE ON observability_auditchain
    FOR EACH ROW WHEN (NEW.n_rows < OLD.n_rows OR NEW.realm_id IS DISTINCT FROM OLD.realm_id)
    EXECUTE FUNCTION refuse_change('a chain of the audit trail only grows');
CREATE TRIGGER audit_chain_stays BEFORE DELETE ON observability_auditchain
    FOR EACH ROW EXECUTE FUNCTION refuse_change('a chain of the audit trail only grows');
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON observability_auditchain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a chain of the audit trail only grows');
