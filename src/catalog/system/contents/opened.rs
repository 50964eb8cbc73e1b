//! What the caller has open: prepared statements and cursors.

use crate::catalog::statement::Statement;
use crate::catalog::system::dictionary::Dictionary;
use crate::catalog::system::rows::Rows;

pub(super) fn pg_prepared_statements(_: &Dictionary, statement: &Statement, rows: &mut Rows) {
    let Some(caller) = statement.caller() else {
        return;
    };
    for prepared in &caller.opened.statements {
        rows.push([
            ("name", prepared.name.as_str().into()),
            ("statement", (&*prepared.text).into()),
            ("prepare_time", prepared.prepared_us.into()),
            ("parameter_types", prepared.parameter_types.clone().into()),
            ("from_sql", prepared.from_sql.into()),
            // How often it ran is not counted.
            ("generic_plans", 0.into()),
            ("custom_plans", 0.into()),
        ]);
    }
}

pub(super) fn pg_cursors(_: &Dictionary, statement: &Statement, rows: &mut Rows) {
    let Some(caller) = statement.caller() else {
        return;
    };
    for cursor in &caller.opened.cursors {
        rows.push([
            ("name", cursor.name.as_str().into()),
            ("statement", (&*cursor.text).into()),
            ("is_holdable", cursor.is_holdable.into()),
            ("is_binary", cursor.is_binary.into()),
            ("is_scrollable", cursor.is_scrollable.into()),
            ("creation_time", cursor.created_us.into()),
        ]);
    }
}
