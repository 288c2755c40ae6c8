-- Of the last transaction that was committed under a lease. Who lost the answer to a commit reads here what became of it.
ALTER TABLE leases ADD COLUMN transaction_number BIGINT;
