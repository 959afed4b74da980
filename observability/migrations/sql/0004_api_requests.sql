-- By day, with a default partition that takes what no day takes: rows are never refused.
CREATE TABLE observability_apirequests (
    id uuid NOT NULL,
    request_id varchar(64) NOT NULL,
    realm_id uuid,
    key_prefix varchar(16) NOT NULL,
    kind varchar(8) NOT NULL,
    method varchar(8) NOT NULL,
    route varchar(200) NOT NULL,
    status smallint NOT NULL,
    milliseconds double precision NOT NULL,
    weight double precision NOT NULL,
    created_at timestamptz NOT NULL,
    -- A message's rows have the same ids and times whenever it is read, so this makes writing idempotent.
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE observability_apirequests_default PARTITION OF observability_apirequests DEFAULT;
CREATE INDEX api_request_id ON observability_apirequests (request_id);
CREATE INDEX api_request_realm_newest ON observability_apirequests (realm_id, id DESC);

CREATE TABLE observability_apirequestdrops (
    id uuid NOT NULL,
    realm_id uuid,
    reason varchar(32) NOT NULL,
    n double precision NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE observability_apirequestdrops_default PARTITION OF observability_apirequestdrops DEFAULT;
