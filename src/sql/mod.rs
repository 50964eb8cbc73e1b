//! Door 1: the PostgreSQL wire protocol.
