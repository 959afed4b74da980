-- As in 0003, but a known player is found and locked by one statement.
CREATE OR REPLACE FUNCTION score_lock(
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
    player_created := false;
    -- One statement where the player has scored in this game before. The player's row never changes; of a row that had to
    -- be waited for, FOR NO KEY UPDATE returns what the wait was for.
    SELECT p.id, s.points_total, s.streak_days, s.last_day INTO player_id, points_total, streak_days, last_day
        FROM strategies_player p JOIN strategies_playergamestats s ON s.player_id = p.id AND s.game_id = p_game
        WHERE p.realm_id = p_realm AND p.external_id = p_external_id FOR NO KEY UPDATE OF s;
    IF NOT FOUND THEN
        -- SELECT first: ON CONFLICT DO UPDATE as "get or create" would leave a dead row at every event.
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
