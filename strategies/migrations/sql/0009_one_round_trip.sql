-- A whole score in one round trip, for a program that reads no figures: what it gave was known before anything is locked.
--
-- It is for the straight way only. Where anything is other than the caller took it to be (a player new to the game, another
-- config_epoch, a key that was used, a day that has ended) it changes nothing and returns NULL; the caller goes the way of
-- two round trips then, which says what there is to say. The order of locks is score_lock's and score_write's.
-- It takes what score_write takes, and finds player and time itself.
CREATE FUNCTION score_at_once(
    p_external_id text, p_epoch bigint, p_day_begins timestamptz, p_day_ends timestamptz,
    p_id uuid, p_realm uuid, p_game uuid, p_task uuid, p_player uuid,
    p_strategy uuid, p_version uuid, p_parent_version uuid, p_alias text,
    p_outcome text, p_points numeric, p_case text, p_callback jsonb, p_bonuses jsonb,
    p_facts jsonb, p_data jsonb, p_variables jsonb, p_inputs_digest bytea,
    p_is_test boolean, p_created_player boolean, p_session_key text, p_occurred_at timestamptz,
    p_key text, p_request_hash bytea, p_request_id text,
    p_at timestamptz, p_day date, p_slot integer,
    OUT player_id uuid, OUT scored_at timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    SELECT p.id INTO p_player
        FROM strategies_player p JOIN strategies_playergamestats s ON s.player_id = p.id AND s.game_id = p_game
        WHERE p.realm_id = p_realm AND p.external_id = p_external_id FOR NO KEY UPDATE OF s;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    p_at := clock_timestamp();
    IF p_at < p_day_begins OR p_at >= p_day_ends
        OR p_epoch IS DISTINCT FROM (SELECT r.config_epoch FROM strategies_realm r WHERE r.id = p_realm)
    THEN
        RETURN;
    END IF;
    IF p_key IS NOT NULL THEN
        PERFORM FROM strategies_score s WHERE s.realm_id = p_realm AND s.idempotency_key = p_key;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;

    PERFORM score_write(
        p_id, p_realm, p_game, p_task, p_player, p_strategy, p_version, p_parent_version, p_alias,
        p_outcome, p_points, p_case, p_callback, p_bonuses, p_facts, p_data, p_variables, p_inputs_digest,
        p_is_test, p_created_player, p_session_key, p_occurred_at, p_key, p_request_hash, p_request_id,
        p_at, p_day, p_slot
    );
    player_id := p_player;
    scored_at := p_at;
END $$;
