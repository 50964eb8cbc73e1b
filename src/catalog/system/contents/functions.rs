//! `pg_proc`.

use crate::catalog::system::dictionary::Dictionary;
use crate::catalog::system::names::OWNER;
use crate::catalog::system::rows::Rows;

/// The language of functions that are built in.
const INTERNAL: u32 = 12;
/// Types whose arrays are themselves: `"any"`.
const ANY: u32 = 2276;

pub(super) fn pg_proc(dictionary: &Dictionary, rows: &mut Rows) {
    for function in dictionary.functions().iter().filter(|f| f.listed) {
        let last = function
            .arguments
            .last()
            .copied()
            .filter(|_| function.variadic);
        let element = |oid: u32| match oid {
            ANY => ANY,
            array => dictionary.type_of(array).map_or(0, |array| array.element),
        };
        // Few functions have as many arguments as an `i16` can say.
        let arguments = i16::try_from(function.arguments.len()).unwrap_or(i16::MAX);
        rows.push([
            ("oid", function.oid.into()),
            ("proname", function.name.as_str().into()),
            ("pronamespace", function.schema.into()),
            ("proowner", OWNER.into()),
            ("prolang", INTERNAL.into()),
            ("procost", 1.0.into()),
            (
                "prorows",
                if function.returns_set { 1000.0 } else { 0.0 }.into(),
            ),
            ("provariadic", last.map_or(0, element).into()),
            ("prokind", function.kind.into()),
            ("proisstrict", function.strict.into()),
            ("proretset", function.returns_set.into()),
            ("provolatile", function.volatility.into()),
            ("proparallel", 's'.into()),
            ("pronargs", arguments.into()),
            ("prorettype", function.result.into()),
            ("proargtypes", function.arguments.clone().into()),
            ("prosrc", function.name.as_str().into()),
        ]);
    }
}
