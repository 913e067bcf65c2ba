-- Several installations may watch one table: each has a trigger of its own there.
CREATE OR REPLACE FUNCTION @.watch(watched regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('DROP TRIGGER IF EXISTS "zonekeeper_@channel@_watch" ON %s', watched);
  EXECUTE format('CREATE TRIGGER "zonekeeper_@channel@_watch" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
                 'FOR EACH STATEMENT EXECUTE FUNCTION @.note_everything()', watched);
  INSERT INTO @.changes (kind, consumer_id) VALUES (watched::text, NULL);
  PERFORM pg_notify('@channel@_changes', '');
END $$;
