-- A record that is forgotten and found again is as adopted as it was.
ALTER TABLE @.intents ADD COLUMN adopted boolean NOT NULL DEFAULT false;
