//! What belongs to the server as a whole: databases, roles, parameters, time zones.

use chrono::{Offset, TimeZone};
use chrono_tz::OffsetComponents;

use crate::catalog::functions::DATABASE;
use crate::catalog::statement::Statement;
use crate::catalog::system::dictionary::Dictionary;
use crate::catalog::system::names::{DATABASE_OID, OWNER, role_oid};
use crate::catalog::system::rows::{Rows, Value};

/// The encoding UTF8.
const UTF8: i32 = 6;
/// The tablespace `pg_default`.
const PG_DEFAULT: u32 = 1663;
/// The oid of `pg_database`, as `classoid` names it.
const PG_DATABASE: u32 = 1262;

pub(super) fn pg_database(_: &Dictionary, rows: &mut Rows) {
    rows.push([
        ("oid", DATABASE_OID.into()),
        ("datname", DATABASE.into()),
        ("datdba", OWNER.into()),
        ("encoding", UTF8.into()),
        ("datlocprovider", 'c'.into()),
        ("datallowconn", true.into()),
        ("datconnlimit", (-1).into()),
        ("dattablespace", PG_DEFAULT.into()),
        ("datcollate", "C".into()),
        ("datctype", "C".into()),
    ]);
}

pub(super) fn pg_shdescription(_: &Dictionary, rows: &mut Rows) {
    rows.push([
        ("objoid", DATABASE_OID.into()),
        ("classoid", PG_DATABASE.into()),
        ("description", "The sessions of this proxy, live".into()),
    ]);
}

/// The owner, the configured users, and whoever asks, who need not be configured. Nobody's password is told.
pub(super) fn pg_authid(dictionary: &Dictionary, statement: &Statement, rows: &mut Rows) {
    let mut roles = dictionary.roles();
    if let Some(caller) = statement.caller()
        && !caller.user.is_empty()
        && roles.iter().all(|role| role.name != caller.user)
    {
        roles.push(crate::catalog::system::names::Role {
            name: std::sync::Arc::clone(&caller.user),
            admin: caller.admin,
        });
    }
    for role in roles {
        let is_owner = role_oid(&role.name) == OWNER;
        rows.push([
            ("oid", role_oid(&role.name).into()),
            ("rolname", (&*role.name).into()),
            ("rolsuper", role.admin.into()),
            ("rolinherit", true.into()),
            ("rolcreaterole", is_owner.into()),
            ("rolcreatedb", is_owner.into()),
            ("rolcanlogin", true.into()),
            ("rolreplication", is_owner.into()),
            ("rolbypassrls", is_owner.into()),
            ("rolconnlimit", (-1).into()),
        ]);
    }
}

pub(super) fn pg_settings(_: &Dictionary, statement: &Statement, rows: &mut Rows) {
    let Some(caller) = statement.caller() else {
        return;
    };
    for setting in caller.settings.all() {
        rows.push([
            ("name", setting.name.into()),
            ("setting", setting.setting.into()),
            ("unit", setting.unit.into()),
            ("category", setting.category.into()),
            ("short_desc", setting.short_desc.into()),
            ("context", setting.context.into()),
            ("vartype", setting.vartype.into()),
            ("source", setting.source.into()),
            ("min_val", setting.min.into()),
            ("max_val", setting.max.into()),
            ("enumvals", setting.enumvals.map(<[&str]>::to_vec).into()),
            ("boot_val", setting.boot_val.into()),
            ("reset_val", setting.reset_val.into()),
            ("pending_restart", false.into()),
        ]);
    }
}

/// All zones, with what holds there at the statement's moment.
pub(super) fn pg_timezone_names(_: &Dictionary, statement: &Statement, rows: &mut Rows) {
    let Some(now) = chrono::DateTime::from_timestamp_micros(statement.clock().utc_us) else {
        return;
    };
    for zone in chrono_tz::TZ_VARIANTS {
        let offset = zone.offset_from_utc_datetime(&now.naive_utc());
        let seconds = i64::from(offset.fix().local_minus_utc());
        rows.push([
            ("name", zone.name().into()),
            ("abbrev", offset.to_string().into()),
            ("utc_offset", Value::Int(seconds * 1_000_000)),
            ("is_dst", (!offset.dst_offset().is_zero()).into()),
        ]);
    }
}
