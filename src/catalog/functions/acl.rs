//! Lists of privileges as PostgreSQL keeps them.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::define::{Answer, Function, Gives};
use super::reg::oid;
use super::value::{Kind, Row};
use crate::catalog::system::Dictionary;
use crate::proxy::postgres::error::SqlError;

/// What everybody, and what the owner may do with a thing of a kind unless somebody says otherwise (`acldefault` of
/// PostgreSQL 15).
fn usual(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "c" => ("", ""),
        "r" => ("", "arwdDxt"),
        "s" => ("", "rwU"),
        "d" => ("Tc", "CTc"),
        "f" => ("X", "X"),
        "l" | "T" => ("U", "U"),
        "L" => ("", "rw"),
        "n" => ("", "UC"),
        "p" => ("", "sA"),
        "t" => ("", "C"),
        "F" | "S" => ("", "U"),
        _ => return None,
    })
}

fn default(dictionary: &Dictionary, a: &Row<'_>) -> Answer {
    let kind = a.text(0);
    let Some((everybody, owner)) = usual(kind) else {
        let message = format!("unrecognized objtype abbreviation: {kind}");
        return Err(SqlError::new("22023", message));
    };
    let who = oid(a, 1)?;
    let who = dictionary
        .role(who)
        .map_or_else(|| who.to_string(), |name| super::quote::ident(&name));
    let items = [("", everybody), (who.as_str(), owner)]
        .map(|(grantee, may)| (!may.is_empty()).then(|| format!("{grantee}={may}/{who}")));
    let items: Vec<_> = items.into_iter().flatten().map(Some).collect();
    Ok(items.into())
}

pub(super) fn functions(dictionary: &Arc<Dictionary>) -> Vec<Arc<ScalarUDF>> {
    let own = Arc::clone(dictionary);
    let list = Gives::NamedTexts("_aclitem");
    let function = Function::stable("acldefault");
    vec![
        function
            .on(&[Kind::Text, Kind::Int], list, move |a| default(&own, a))
            .done(),
    ]
}
