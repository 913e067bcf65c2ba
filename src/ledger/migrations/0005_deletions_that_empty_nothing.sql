-- The delete guard counts names that lose their last record, and not deletions beside which the name keeps or gets another one.
ALTER TABLE @.intents ADD COLUMN replaced boolean NOT NULL DEFAULT false;
ALTER TABLE @.history ADD COLUMN replaced boolean NOT NULL DEFAULT false;
