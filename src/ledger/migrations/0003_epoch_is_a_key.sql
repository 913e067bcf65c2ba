-- A take-over changes a key of the leader row, a renewal does not: so a write of the leader, which locks the key, keeps others
-- from taking over, but does not keep the leader from renewing for as long as the write takes.
CREATE UNIQUE INDEX leader_epoch ON @.leader (epoch);
