//! Objects that are few: schemas, roles, access methods, languages, collations.

use std::fmt;
use std::sync::Arc;

use super::facts;

/// The schema of PostgreSQL's own objects.
pub(in crate::catalog) const PG_CATALOG: u32 = 11;
/// The schema of the standard's views.
pub(in crate::catalog) const INFORMATION_SCHEMA: u32 = 13207;
/// The schema of our tables and functions.
pub(in crate::catalog) const PUBLIC: u32 = 2200;

/// The role that owns everything.
pub(in crate::catalog) const OWNER: u32 = 10;
/// The name of [`OWNER`].
pub(in crate::catalog) const OWNER_NAME: &str = "rollcall";
/// The oid of the one database.
pub(in crate::catalog) const DATABASE_OID: u32 = 16383;

/// All schemas with their names, as `pg_namespace` lists them.
pub(in crate::catalog) const SCHEMAS: [(u32, &str); 3] = [
    (PG_CATALOG, "pg_catalog"),
    (PUBLIC, "public"),
    (INFORMATION_SCHEMA, "information_schema"),
];

/// A user as the catalog shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The user's name.
    pub name: Arc<str>,
    /// Whether the user is an administrator.
    pub admin: bool,
}

/// Who may log in: asked at each look, since users may be changed at any time.
pub trait Roles: fmt::Debug + Send + Sync {
    /// All users; none while anybody may log in.
    fn all(&self) -> Vec<Role>;
}

/// Nobody is configured.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) struct NoRoles;

impl Roles for NoRoles {
    fn all(&self) -> Vec<Role> {
        Vec::new()
    }
}

/// The oid of the role of this name. It follows from the name alone, so that it stays the same when users come and
/// go, and so that a user who is not configured has one too.
pub(in crate::catalog) fn role_oid(name: &str) -> u32 {
    if name == OWNER_NAME {
        return OWNER;
    }
    // FNV-1a; the upper half of the oids is for roles alone.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash | 1 << 31
}

/// The name of a schema.
pub(in crate::catalog) fn schema_name(oid: u32) -> Option<&'static str> {
    let named = SCHEMAS.iter().find(|(schema, _)| *schema == oid);
    named.map(|(_, name)| *name)
}

/// The oid of a schema.
pub(in crate::catalog) fn schema_oid(name: &str) -> Option<u32> {
    let named = SCHEMAS.iter().find(|(_, schema)| *schema == name);
    named.map(|(oid, _)| *oid)
}

/// The operators: oid, name and the types of the operands.
pub(in crate::catalog) fn operators() -> impl Iterator<Item = (u32, &'static str, [u32; 2])> {
    let lines = facts::rows("pg_operator").unwrap_or_default().lines();
    lines.filter_map(|line| {
        let [oid, name, _, _, _, _, _, left, right] = facts::fields(line)?;
        let operands = [left.parse().ok()?, right.parse().ok()?];
        Some((oid.parse().ok()?, name, operands))
    })
}

/// What has an oid and a name in a table of [`facts`] whose first columns these are: `pg_am`, `pg_language`,
/// `pg_collation`, `pg_tablespace`, `pg_ts_config`, `pg_ts_dict`.
pub(in crate::catalog) fn named_objects(
    table: &str,
) -> impl Iterator<Item = (u32, &'static str)> + use<> {
    let lines = facts::rows(table).unwrap_or_default().lines();
    lines.filter_map(|line| {
        let [oid, name] = facts::fields(line)?;
        Some((oid.parse().ok()?, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roles_oid_follows_from_its_name() {
        assert_eq!(role_oid("rollcall"), 10);
        assert_eq!(role_oid("maxuser"), role_oid("maxuser"));
        assert_ne!(role_oid("maxuser"), role_oid("admin"));
        assert!(role_oid("") >= 1 << 31);
    }

    #[test]
    fn objects_are_found_in_their_tables() {
        let ams: Vec<_> = named_objects("pg_am").take(2).collect();
        assert_eq!(ams, [(2, "heap"), (403, "btree")]);
        assert_eq!(schema_name(11), Some("pg_catalog"));
        assert_eq!(schema_oid("public"), Some(2200));
        assert_eq!(schema_oid("nowhere"), None);
    }
}
