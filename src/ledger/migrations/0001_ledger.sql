-- Zonekeeper's own tables. `@.` stands for the schema of this installation (ZONEKEEPER_SCHEMA).

-- Who may write. One row; `epoch` grows with every change of the leader and fences all that a predecessor still does.
-- Times are the database's, so that no process's clock matters.
CREATE TABLE @.leader (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  holder   text,
  address  text,
  epoch    bigint NOT NULL DEFAULT 0,
  renewed  timestamptz,
  ttl_ms   integer NOT NULL DEFAULT 15000,
  info     jsonb NOT NULL DEFAULT '{}'
);
INSERT INTO @.leader DEFAULT VALUES;

-- The change feed: ids of changed consumers, written by the triggers. `consumer_id` null means "everything".
CREATE TABLE @.changes (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind        text NOT NULL,
  consumer_id text,
  at          timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The view `desired` as it was last read, row for row as text (nothing in it is trusted), with the name in normal form.
-- It tells what differs since, and whose name a vanished consumer had.
CREATE TABLE @.wanted (
  consumer_kind text NOT NULL,
  consumer_id   text NOT NULL,
  name          text,
  type          text,
  content       text,
  ttl           text,
  proxied       text,
  since         timestamptz,
  fqdn          text NOT NULL
);
CREATE INDEX wanted_fqdn ON @.wanted (fqdn);
CREATE INDEX wanted_consumer ON @.wanted (consumer_kind, consumer_id);
-- Surveys go through the names in the order of the reversed name: those of one zone are then neighbours.
CREATE INDEX wanted_reversed ON @.wanted (reverse(fqdn) text_pattern_ops);

-- What is ours at Cloudflare: a record counts as ours only if a row here names its id.
CREATE TABLE @.dns_records (
  fqdn           text NOT NULL,
  type           text NOT NULL,
  content        text NOT NULL,
  ttl            integer NOT NULL,
  proxied        boolean NOT NULL,
  zone_id        text NOT NULL,
  record_id      text NOT NULL,
  state          text NOT NULL DEFAULT 'in_sync',
  reason         text,
  consumer_kind  text,
  consumer_id    text,
  adopted        boolean NOT NULL DEFAULT false,
  unwanted_since timestamptz,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (zone_id, record_id)
);
CREATE INDEX dns_records_fqdn ON @.dns_records (fqdn);
CREATE INDEX dns_records_reversed ON @.dns_records (reverse(fqdn) text_pattern_ops);

-- A write that was decided and may have reached Cloudflare. `open` until its outcome is known; a create that left no
-- record is `dropped` and remembered for a day, in case its record appears late.
CREATE TABLE @.intents (
  id            text PRIMARY KEY,
  epoch         bigint NOT NULL,
  zone_id       text NOT NULL,
  fqdn          text NOT NULL,
  action        text NOT NULL,
  record_id     text,
  consumer_kind text,
  consumer_id   text,
  state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'dropped')),
  deadline      timestamptz NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX intents_fqdn ON @.intents (fqdn);
CREATE INDEX intents_created ON @.intents (created_at);

-- The state of every name that is not simply in sync.
CREATE TABLE @.names (
  fqdn          text PRIMARY KEY,
  zone          text,
  state         text NOT NULL,
  code          text,
  reason        text,
  next_try      timestamptz,
  desired       jsonb,
  actual        jsonb,
  consumer_kind text,
  consumer_id   text,
  since         timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX names_state ON @.names (state, fqdn);
CREATE INDEX names_reversed ON @.names (reverse(fqdn) text_pattern_ops);

-- What was done to which record, why, and at whose request.
CREATE TABLE @.history (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at           timestamptz NOT NULL DEFAULT now(),
  fqdn         text NOT NULL,
  zone         text NOT NULL,
  action       text NOT NULL,
  type         text NOT NULL,
  record_id    text,
  before       jsonb,
  after        jsonb,
  reason       text,
  trigger      text NOT NULL,
  operation_id text,
  actor        text,
  result       text NOT NULL,
  error        text
);
CREATE INDEX history_fqdn ON @.history (fqdn, id DESC);
CREATE INDEX history_deletes ON @.history (zone, at) WHERE action = 'delete' AND result = 'done';
CREATE INDEX history_at ON @.history (at);

-- What somebody asked for: any process writes the row, the leader carries it out and writes progress and report.
CREATE TABLE @.operations (
  id           text PRIMARY KEY,
  kind         text NOT NULL,
  same_as      text NOT NULL,
  request      jsonb NOT NULL,
  requested_by text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  state        text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
  epoch        bigint,
  started_at   timestamptz,
  finished_at  timestamptz,
  progress     jsonb,
  report       jsonb,
  error        jsonb
);
CREATE UNIQUE INDEX operations_same ON @.operations (same_as) WHERE state IN ('queued', 'running');
CREATE INDEX operations_created ON @.operations (created_at DESC, id DESC);

-- A confirmed plan is carried out once.
CREATE TABLE @.confirmations (
  hash         text PRIMARY KEY,
  operation_id text NOT NULL,
  used_at      timestamptz NOT NULL DEFAULT now()
);

-- Calls to Cloudflare's API, reserved in lots before they are made, so that no restart forgets what was spent.
CREATE TABLE @.api_spend (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  calls       integer NOT NULL,
  reserved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The zones as the leader sees them, for whoever asks.
CREATE TABLE @.zones (
  id           text PRIMARY KEY,
  name         text NOT NULL,
  records      integer NOT NULL DEFAULT 0,
  pages        integer NOT NULL DEFAULT 0,
  batch_limit  integer NOT NULL,
  last_check   timestamptz,
  last_success timestamptz,
  interval_ms  integer,
  error        jsonb,
  held         integer NOT NULL DEFAULT 0
);

-- Facts about this installation: the definition of the view as `migrate` made it.
CREATE TABLE @.facts (
  key   text PRIMARY KEY,
  value jsonb NOT NULL
);

-- For tables that a replaced view reads: every statement that changes one of them asks for a full compare.
CREATE FUNCTION @.note_everything() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO @.changes (kind, consumer_id) VALUES (TG_TABLE_NAME, NULL);
  PERFORM pg_notify('@channel@_changes', '');
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  -- The user's own statement must never fail because of us; the resync finds the change.
  RAISE WARNING 'zonekeeper: a change of % was not noted: %', TG_TABLE_NAME, SQLERRM;
  RETURN NULL;
END $$;

CREATE FUNCTION @.watch(watched regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('DROP TRIGGER IF EXISTS zonekeeper_watch ON %s', watched);
  EXECUTE format('CREATE TRIGGER zonekeeper_watch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
                 'FOR EACH STATEMENT EXECUTE FUNCTION @.note_everything()', watched);
  INSERT INTO @.changes (kind, consumer_id) VALUES (watched::text, NULL);
  PERFORM pg_notify('@channel@_changes', '');
END $$;
COMMENT ON FUNCTION @.watch(regclass) IS
  'Zonekeeper compares everything whenever this table changes. For tables that a replaced view "desired" reads.';
