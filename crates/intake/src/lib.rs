//! Listeners: bytes from the sector's shippers into the journal.
