-- Errors and others in partitions of their own, since they are kept for different times; each by day. A default
-- partition below either takes what no day takes: rows are never refused, and an alert watches that it stays empty.
CREATE TABLE observability_strategyexecutionlog (
    id uuid NOT NULL,
    score_id uuid,
    request_id varchar(64) NOT NULL,
    realm_id uuid NOT NULL,
    strategy_id uuid NOT NULL,
    strategy_version_id uuid NOT NULL,
    parent_version_id uuid,
    strategy_type varchar(16) NOT NULL,
    alias varchar(32) NOT NULL,
    game_id uuid NOT NULL,
    task_id uuid NOT NULL,
    external_user_id varchar(200) NOT NULL,
    status varchar(16) NOT NULL,
    outcome varchar(16),
    code varchar(64),
    node_id varchar(200),
    path text,
    points numeric(18, 6),
    case_name varchar(200),
    duration_seconds double precision NOT NULL,
    nodes integer NOT NULL,
    facts jsonb NOT NULL,
    data jsonb NOT NULL,
    variables jsonb NOT NULL,
    trace jsonb NOT NULL,
    n_cut integer NOT NULL,
    is_test boolean NOT NULL,
    kind varchar(16) NOT NULL,
    is_error boolean NOT NULL,
    weight double precision NOT NULL,
    created_at timestamptz NOT NULL,
    -- The id is made once a run: the same execution has the same time and kind, so this makes writing idempotent.
    PRIMARY KEY (id, is_error, created_at)
) PARTITION BY LIST (is_error);

CREATE TABLE execution_error PARTITION OF observability_strategyexecutionlog
    FOR VALUES IN (true) PARTITION BY RANGE (created_at);
CREATE TABLE execution_sample PARTITION OF observability_strategyexecutionlog
    FOR VALUES IN (false) PARTITION BY RANGE (created_at);
CREATE TABLE execution_error_default PARTITION OF execution_error DEFAULT;
CREATE TABLE execution_sample_default PARTITION OF execution_sample DEFAULT;

CREATE INDEX execution_realm_newest ON observability_strategyexecutionlog (realm_id, id DESC);
CREATE INDEX execution_request ON observability_strategyexecutionlog (request_id);
CREATE INDEX execution_score ON observability_strategyexecutionlog (score_id);
