-- A score without a lock over the way to the client and back: `ledger.look` reads, the program runs, `score_if_unchanged`
-- writes, unless the player's row in the game is another than was read (optimistic concurrency control).
--
-- Everything that changes what a program reads of a player changes that row in the same transaction (score_write, batches,
-- reversals), so its xmin says whether anything did. As with a lock, a task's figures over all players may move meanwhile.
-- It is a transaction of its own, called as a prepared statement with a `statement_timeout` before it.
-- score_at_once stays for processes of the release before.
--
-- For a program that reads figures the caller gives the player, the row's version and the time that it read. One that reads none gives the same whatever they are, so nobody looked: they are NULL then, and the day and the key are
-- checked here. Changes nothing and returns NULL where anything is other than the caller took it to be; the caller goes
-- the way of score_lock and score_write then. The order of locks is theirs. The epoch is read by the statement that locks, and
-- PostgreSQL locks a statement's tables before it takes its snapshot: strategies/games.py relies on it.
CREATE FUNCTION score_if_unchanged(
    p_external_id text, p_epoch bigint, p_day_begins timestamptz, p_day_ends timestamptz,
    p_player uuid, p_row_version xid, p_at timestamptz,
    p_realm uuid, p_game uuid, p_task uuid,
    p_strategy uuid, p_version uuid, p_parent_version uuid, p_alias text, p_variables jsonb,
    p_id uuid, p_outcome text, p_points numeric, p_case text, p_callback jsonb, p_bonuses jsonb,
    p_facts jsonb, p_data jsonb, p_inputs_digest bytea,
    p_is_test boolean, p_session_key text, p_occurred_at timestamptz,
    p_key text, p_request_hash bytea, p_request_id text, p_day date, p_slot integer,
    OUT scored_at timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    IF p_row_version IS NULL THEN
        SELECT p.id INTO p_player
            FROM strategies_player p
            JOIN strategies_playergamestats s ON s.player_id = p.id AND s.game_id = p_game
            JOIN strategies_realm r ON r.id = p.realm_id
            WHERE p.realm_id = p_realm AND p.external_id = p_external_id AND r.config_epoch = p_epoch
            FOR NO KEY UPDATE OF s;
    ELSE
        PERFORM FROM strategies_playergamestats s JOIN strategies_realm r ON r.id = p_realm
            WHERE s.player_id = p_player AND s.game_id = p_game AND s.xmin = p_row_version
              AND r.config_epoch = p_epoch
            FOR NO KEY UPDATE OF s SKIP LOCKED;  -- who has it changes it: not worth the wait
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    IF p_row_version IS NULL THEN
        p_at := clock_timestamp();
        IF p_at < p_day_begins OR p_at >= p_day_ends THEN
            RETURN;
        END IF;
        IF p_key IS NOT NULL THEN
            PERFORM FROM strategies_score s WHERE s.realm_id = p_realm AND s.idempotency_key = p_key;
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
    END IF;

    PERFORM score_write(
        p_id, p_realm, p_game, p_task, p_player, p_strategy, p_version, p_parent_version, p_alias,
        p_outcome, p_points, p_case, p_callback, p_bonuses, p_facts, p_data, p_variables, p_inputs_digest,
        p_is_test, false, p_session_key, p_occurred_at, p_key, p_request_hash, p_request_id,
        p_at, p_day, p_slot
    );
    scored_at := p_at;
END $$;
