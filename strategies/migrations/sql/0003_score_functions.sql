-- The scoring transaction's two halves. Between them Python runs the strategy; see strategies/scoring.py.
--
-- They are functions, not statements of the client, so that several steps are one round trip and keep their
-- plans; and VOLATILE ones, so that under READ COMMITTED each inner statement sees what the lock waited for.
-- (A single CTE that locks and reads saw stale figures in 299 of 320 tries.)
-- Order of locks, here and in every other writer: player, player x game, then the task's slot.

CREATE FUNCTION score_lock(
    p_realm uuid, p_game uuid, p_task uuid, p_external_id text, p_new_player uuid, p_key text,
    p_reads_player boolean, p_reads_task boolean, p_reads_recent boolean,
    OUT player_id uuid, OUT player_created boolean, OUT config_epoch bigint, OUT scored_at timestamptz,
    OUT stored_id uuid, OUT stored_hash bytea,
    OUT points_total numeric, OUT streak_days integer, OUT last_day date,
    OUT n_scores bigint, OUT first_at timestamptz, OUT last_at timestamptz, OUT previous_at timestamptz,
    OUT task_n_scores bigint, OUT task_first_at timestamptz, OUT task_last_at timestamptz,
    OUT n_recent bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    -- SELECT first: ON CONFLICT DO UPDATE as "get or create" would leave a dead row at every event.
    player_created := false;
    SELECT id INTO player_id FROM strategies_player WHERE realm_id = p_realm AND external_id = p_external_id;
    IF player_id IS NULL THEN
        INSERT INTO strategies_player (id, realm_id, external_id) VALUES (p_new_player, p_realm, p_external_id)
            ON CONFLICT (realm_id, external_id) DO NOTHING RETURNING id INTO player_id;
        IF player_id IS NULL THEN
            SELECT id INTO player_id FROM strategies_player
                WHERE realm_id = p_realm AND external_id = p_external_id;
        ELSE
            player_created := true;
        END IF;
    END IF;

    SELECT s.points_total, s.streak_days, s.last_day INTO points_total, streak_days, last_day
        FROM strategies_playergamestats s
        WHERE s.player_id = score_lock.player_id AND s.game_id = p_game FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO strategies_playergamestats AS s (realm_id, game_id, player_id)
            VALUES (p_realm, p_game, score_lock.player_id)
            ON CONFLICT (player_id, game_id) DO UPDATE SET n_scores = s.n_scores
            RETURNING s.points_total, s.streak_days, s.last_day INTO points_total, streak_days, last_day;
    END IF;

    -- After the lock: the order of locks is the order of times, on every server.
    scored_at := clock_timestamp();
    SELECT r.config_epoch INTO config_epoch FROM strategies_realm r WHERE r.id = p_realm;
    IF p_key IS NOT NULL THEN
        SELECT s.id, s.request_hash INTO stored_id, stored_hash
            FROM strategies_score s WHERE s.realm_id = p_realm AND s.idempotency_key = p_key;
        IF stored_id IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;

    IF p_reads_player THEN
        SELECT s.n_scores, s.first_at, s.last_at, s.previous_at INTO n_scores, first_at, last_at, previous_at
            FROM strategies_playertaskstats s
            WHERE s.player_id = score_lock.player_id AND s.task_id = p_task;
    END IF;
    IF p_reads_task THEN
        SELECT sum(s.n_scores), min(s.first_at), max(s.last_at)
            INTO task_n_scores, task_first_at, task_last_at
            FROM strategies_taskstats s WHERE s.task_id = p_task;
    END IF;
    IF p_reads_recent THEN
        SELECT count(*) INTO n_recent FROM strategies_score s
            WHERE s.player_id = score_lock.player_id AND s.task_id = p_task
              AND s.created_at >= scored_at - interval '300 seconds'
              AND NOT s.is_test AND s.outcome <> 'reversal';
    END IF;
END $$;

CREATE FUNCTION score_write(
    p_id uuid, p_realm uuid, p_game uuid, p_task uuid, p_player uuid,
    p_strategy uuid, p_version uuid, p_parent_version uuid, p_alias text,
    p_outcome text, p_points numeric, p_case text, p_callback jsonb, p_bonuses jsonb,
    p_facts jsonb, p_data jsonb, p_variables jsonb, p_inputs_digest bytea,
    p_is_test boolean, p_created_player boolean, p_session_key text, p_occurred_at timestamptz,
    p_key text, p_request_hash bytea, p_request_id text,
    p_at timestamptz, p_day date, p_slot integer
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    awards CONSTANT integer := (p_outcome = 'award')::integer;
BEGIN
    INSERT INTO strategies_score (
        id, realm_id, game_id, task_id, player_id, strategy_id, strategy_version_id, parent_version_id, alias,
        outcome, points, case_name, callback_data, bonuses, facts, data, variables, inputs_digest,
        is_test, created_player, session_key, occurred_at, idempotency_key, request_hash, request_id, created_at
    ) VALUES (
        p_id, p_realm, p_game, p_task, p_player, p_strategy, p_version, p_parent_version, p_alias,
        p_outcome, p_points, p_case, p_callback, p_bonuses, p_facts, p_data, p_variables, p_inputs_digest,
        p_is_test, p_created_player, p_session_key, p_occurred_at, p_key, p_request_hash, p_request_id, p_at
    );
    IF p_is_test THEN
        RETURN;  -- in the ledger, but in nobody's history
    END IF;

    UPDATE strategies_playergamestats SET
        n_scores = n_scores + 1,
        points_total = points_total + p_points,
        streak_days = CASE WHEN last_day >= p_day THEN streak_days
                           WHEN last_day = p_day - 1 THEN streak_days + 1
                           ELSE 1 END,
        last_day = greatest(last_day, p_day)
        WHERE player_id = p_player AND game_id = p_game;

    UPDATE strategies_playertaskstats SET
        n_scores = n_scores + 1, n_awards = n_awards + awards, points_total = points_total + p_points,
        previous_at = last_at, last_at = p_at
        WHERE player_id = p_player AND task_id = p_task;
    IF NOT FOUND THEN
        INSERT INTO strategies_playertaskstats
            (realm_id, task_id, player_id, n_scores, n_awards, points_total, first_at, last_at)
            VALUES (p_realm, p_task, p_player, 1, awards, p_points, p_at, p_at);
    END IF;

    -- Last, because others wait for it: held only until the commit.
    UPDATE strategies_taskstats SET
        n_scores = n_scores + 1, n_awards = n_awards + awards, points_total = points_total + p_points,
        first_at = least(first_at, p_at), last_at = greatest(last_at, p_at)
        WHERE task_id = p_task AND slot = p_slot;
    IF NOT FOUND THEN
        INSERT INTO strategies_taskstats AS s
            (realm_id, task_id, slot, n_scores, n_awards, points_total, first_at, last_at)
            VALUES (p_realm, p_task, p_slot, 1, awards, p_points, p_at, p_at)
            ON CONFLICT (task_id, slot) DO UPDATE SET
                n_scores = s.n_scores + 1, n_awards = s.n_awards + awards,
                points_total = s.points_total + p_points,
                first_at = least(s.first_at, p_at), last_at = greatest(s.last_at, p_at);
    END IF;
END $$;
