//! The capabilities that client and server agree on, as far as they concern what is done here: the server's greeting
//! offers, the client's answer takes. MariaDB's own are in the upper half, where neither says that it is MySQL.

/// The other side is MySQL's, or of before there were MariaDB's own capabilities.
pub(super) const MYSQL: u64 = 1;
pub(super) const CONNECT_WITH_DB: u64 = 1 << 3;
pub(super) const COMPRESS: u64 = 1 << 5;
pub(super) const PROTOCOL_41: u64 = 1 << 9;
pub(super) const SSL: u64 = 1 << 11;
pub(super) const SECURE_CONNECTION: u64 = 1 << 15;
pub(super) const PLUGIN_AUTH: u64 = 1 << 19;
pub(super) const CONNECT_ATTRS: u64 = 1 << 20;
pub(super) const PLUGIN_AUTH_LENENC: u64 = 1 << 21;
pub(super) const SESSION_TRACK: u64 = 1 << 23;
pub(super) const DEPRECATE_EOF: u64 = 1 << 24;
pub(super) const OPTIONAL_METADATA: u64 = 1 << 25;
pub(super) const ZSTD: u64 = 1 << 26;
pub(super) const QUERY_ATTRIBUTES: u64 = 1 << 27;
pub(super) const COM_MULTI: u64 = 1 << 33;
pub(super) const CACHE_METADATA: u64 = 1 << 36;

/// What changes how messages are cut or answered, and is not followed here: nobody gets it.
pub(super) const NOT_OFFERED: u64 = COMPRESS | ZSTD | OPTIONAL_METADATA | COM_MULTI;
