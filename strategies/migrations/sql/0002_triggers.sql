-- What no program may do, refused by PostgreSQL itself; and the epoch that process caches are compared with.

-- ── The ledger and published versions are append only ────────────────────────────────────────────
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER score_append_only BEFORE UPDATE OR DELETE ON strategies_score
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the ledger is append only');
CREATE TRIGGER score_no_truncate BEFORE TRUNCATE ON strategies_score
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the ledger is append only');
CREATE TRIGGER version_immutable BEFORE UPDATE OR DELETE ON strategies_strategyversion
    FOR EACH ROW WHEN (OLD.published_at IS NOT NULL)
    EXECUTE FUNCTION refuse_change('a published version is immutable');
CREATE TRIGGER version_no_truncate BEFORE TRUNCATE ON strategies_strategyversion
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('published versions are immutable');

-- ── config_epoch ─────────────────────────────────────────────────────────────────────────────────
-- Raised in the transaction of the change, so that the first request that begins after the commit sees it.
-- A new row makes no cached entry stale (what is missing is never cached), so INSERT does not raise it:
-- an application that creates tasks all day would empty every cache all day.
CREATE FUNCTION raise_config_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE strategies_realm SET config_epoch = config_epoch + 1
    WHERE id IN (SELECT realm_id FROM changed) OR EXISTS (SELECT FROM changed WHERE realm_id IS NULL);
    RETURN NULL;
END $$;

CREATE FUNCTION raise_config_epoch_of_alias() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE strategies_realm realm SET config_epoch = config_epoch + 1
    FROM (SELECT DISTINCT s.realm_id FROM changed c JOIN strategies_strategy s ON s.id = c.strategy_id) moved
    WHERE realm.id = moved.realm_id OR moved.realm_id IS NULL;  -- a built-in strategy is every realm's
    RETURN NULL;
END $$;

CREATE FUNCTION keep_config_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A row saved from an old read must not turn the epoch back.
    NEW.config_epoch := greatest(NEW.config_epoch, OLD.config_epoch);
    IF (NEW.slug, NEW.time_zone, NEW.masked_data_keys)
       IS DISTINCT FROM (OLD.slug, OLD.time_zone, OLD.masked_data_keys) THEN
        NEW.config_epoch := OLD.config_epoch + 1;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER realm_epoch BEFORE UPDATE ON strategies_realm
    FOR EACH ROW EXECUTE FUNCTION keep_config_epoch();

CREATE TRIGGER api_key_epoch_update AFTER UPDATE ON strategies_apikey
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch();
CREATE TRIGGER api_key_epoch_delete AFTER DELETE ON strategies_apikey
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch();
CREATE TRIGGER game_epoch_update AFTER UPDATE ON strategies_game
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch();
CREATE TRIGGER game_epoch_delete AFTER DELETE ON strategies_game
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch();
CREATE TRIGGER task_epoch_update AFTER UPDATE ON strategies_task
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch();
CREATE TRIGGER task_epoch_delete AFTER DELETE ON strategies_task
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch();
CREATE TRIGGER strategy_epoch_update AFTER UPDATE ON strategies_strategy
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch();
CREATE TRIGGER strategy_epoch_delete AFTER DELETE ON strategies_strategy
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch();
CREATE TRIGGER alias_epoch_update AFTER UPDATE ON strategies_alias
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch_of_alias();
CREATE TRIGGER alias_epoch_delete AFTER DELETE ON strategies_alias
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_config_epoch_of_alias();

-- ── Storage of the running figures ───────────────────────────────────────────────────────────────
-- Room in each page for HOT updates (no index is touched), and vacuum by number of dead rows.
ALTER TABLE strategies_taskstats SET
    (fillfactor = 25, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE strategies_playertaskstats SET (fillfactor = 70);
ALTER TABLE strategies_playergamestats SET (fillfactor = 70);
