//! Parameters of which nothing says what type they are.
//!
//! PostgreSQL gives a parameter the type of the first place that wants one. Where no place does, or one that does not
//! care comes before, it refuses the statement: what is sent for the parameter could not be read.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Statement, Value, Visit,
    Visitor,
};

use crate::sql::sqlstate::SqlError;

/// Functions that take values of any type, and from which argument on.
const OF_ANY: [(&str, usize); 11] = [
    ("concat", 0),
    ("concat_ws", 1),
    ("count", 0),
    ("format", 1),
    ("json_build_array", 0),
    ("json_build_object", 0),
    ("jsonb_build_array", 0),
    ("jsonb_build_object", 0),
    ("num_nonnulls", 0),
    ("num_nulls", 0),
    ("pg_typeof", 0),
];

/// What is to be said of a statement's parameters for which the client has not `declared` a type, if anything is.
pub(in crate::sql) fn open_parameter(
    sql: &str,
    statement: &Statement,
    declared: impl Fn(usize) -> bool,
) -> Option<SqlError> {
    let mut mentions = Mentions::default();
    let _ = statement.visit(&mut mentions);
    let last = *mentions.found.keys().next_back()?;
    let refused = |code, number: usize| {
        let message = format!("could not determine data type of parameter ${number}");
        SqlError::new(code, message)
    };
    for number in (1..=last).filter(|number| !declared(*number)) {
        let places = mentions.found.get(&number).map_or(&[][..], Vec::as_slice);
        match places.iter().position(|place| place.is_none()) {
            None => return Some(refused("42P18", number)),
            // The first one that does not care is before the first one that does.
            Some(wanted) if wanted > 0 => {
                let place = places.first().copied().flatten();
                let (line, column) = place.unwrap_or_default();
                return Some(refused("42P08", number).at(sql, line, column));
            }
            Some(_) => {}
        }
    }
    None
}

/// Where parameters are mentioned.
#[derive(Default)]
struct Mentions {
    /// Expressions whose type nobody asks for.
    careless: HashSet<*const Expr>,
    /// By the number of a parameter its mentions, in their order: the line and column of one of whose type nobody asks.
    found: BTreeMap<usize, Vec<Option<(u64, u64)>>>,
}

impl Mentions {
    fn care_not(&mut self, expr: &Expr) {
        self.careless.insert(super::build::bare(expr));
    }

    fn call(&mut self, function: &Function) {
        let name = function.name.to_string().to_lowercase();
        let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
        let Some((_, from)) = OF_ANY.iter().find(|(known, _)| *known == name) else {
            return;
        };
        let FunctionArguments::List(list) = &function.args else {
            return;
        };
        for argument in list.args.iter().skip(*from) {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                self.care_not(expr);
            }
        }
    }
}

impl Visitor for Mentions {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::IsNull(operand) | Expr::IsNotNull(operand) => self.care_not(operand),
            Expr::Function(function) => self.call(function),
            Expr::Value(value) => {
                if let Value::Placeholder(name) = &value.value
                    && let Some(number) = name.strip_prefix('$').and_then(|n| n.parse().ok())
                    && (1..=usize::from(u16::MAX)).contains(&number)
                {
                    let start = value.span.start;
                    let is_careless = self.careless.contains(&std::ptr::from_ref(expr));
                    let mention = is_careless.then_some((start.line, start.column));
                    self.found.entry(number).or_default().push(mention);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse::parse;

    fn refusal(sql: &str, declared: &[usize]) -> Option<(String, Option<u32>)> {
        let statement = parse(sql).unwrap().remove(0).engine_statement().unwrap();
        let datafusion::sql::parser::Statement::Statement(statement) = statement else {
            panic!("{sql} is no query");
        };
        let error = open_parameter(sql, &statement, |number| declared.contains(&number))?;
        let code = if error.position.is_some() {
            "42P08"
        } else {
            "42P18"
        };
        assert_eq!(error.code, code);
        Some((error.message, error.position))
    }

    #[test]
    fn a_parameter_that_no_place_gives_a_type_is_refused() {
        for sql in [
            "SELECT 1 WHERE $1 IS NULL",
            "SELECT 1 WHERE ($1) IS NOT NULL",
            "SELECT $2::int",
            "SELECT pg_typeof($1)",
            "SELECT count($1)",
            "SELECT concat($1, 'a')",
            "SELECT format('%s', $1)",
            "SELECT CASE WHEN $1 IS NULL THEN 1 END",
        ] {
            let message = "could not determine data type of parameter $1".to_owned();
            assert_eq!(refusal(sql, &[]), Some((message, None)), "{sql}");
            assert_eq!(refusal(sql, &[1]), None, "{sql}");
        }
    }

    #[test]
    fn the_place_that_does_not_care_must_not_come_first() {
        let asked_first = "SELECT 1 FROM sessions WHERE ($1 IS NULL OR id = $1)";
        assert_eq!(refusal(asked_first, &[]).unwrap().1, Some(31));
        for sql in [
            "SELECT 1 FROM sessions WHERE (id = $1 OR $1 IS NULL)",
            "SELECT 1 FROM sessions WHERE ($1::text IS NULL OR service = $1)",
            "SELECT $1",
            "SELECT $1 || 'a', format($2, 1)",
            "SELECT 1",
        ] {
            assert_eq!(refusal(sql, &[]), None, "{sql}");
        }
    }
}
