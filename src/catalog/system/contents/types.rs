//! `pg_type`.

use crate::catalog::system::dictionary::Dictionary;
use crate::catalog::system::facts;
use crate::catalog::system::names::OWNER;
use crate::catalog::system::rows::Rows;

/// Functions of rows: input, output, receive and send.
const ROW_FUNCTIONS: [u32; 4] = [2290, 2291, 2402, 2403];
/// Functions of arrays: the same.
const ARRAY_FUNCTIONS: [u32; 4] = [750, 751, 2400, 2401];
/// How arrays are subscripted.
const ARRAY_SUBSCRIPT: u32 = 6179;
/// How arrays are analyzed.
const ARRAY_ANALYZE: u32 = 3816;

/// The types of values, then the row types of all relations.
pub(super) fn pg_type(dictionary: &Dictionary, rows: &mut Rows) {
    rows.extend_from_copy(facts::TYPES);
    let of_rows = |oid: u32| dictionary.type_of(oid).is_some_and(|t| t.relation != 0);
    for this in dictionary.types() {
        let is_array = of_rows(this.element);
        if !is_array && this.relation == 0 {
            continue;
        }
        let [input, output, receive, send] = match is_array {
            true => ARRAY_FUNCTIONS,
            false => ROW_FUNCTIONS,
        };
        rows.push([
            ("oid", this.oid.into()),
            ("typname", this.name.as_str().into()),
            ("typnamespace", this.schema.into()),
            ("typowner", OWNER.into()),
            ("typlen", this.len.into()),
            ("typbyval", this.by_value.into()),
            ("typtype", this.kind.into()),
            ("typcategory", this.category.into()),
            ("typisdefined", true.into()),
            ("typdelim", ','.into()),
            ("typrelid", this.relation.into()),
            (
                "typsubscript",
                if is_array { ARRAY_SUBSCRIPT } else { 0 }.into(),
            ),
            ("typelem", this.element.into()),
            ("typarray", this.array.into()),
            ("typinput", input.into()),
            ("typoutput", output.into()),
            ("typreceive", receive.into()),
            ("typsend", send.into()),
            (
                "typanalyze",
                if is_array { ARRAY_ANALYZE } else { 0 }.into(),
            ),
            ("typalign", this.alignment.into()),
            ("typstorage", this.storage.into()),
            ("typtypmod", (-1).into()),
        ]);
    }
}
