//! What a name that is none was meant to be, by the rules of PostgreSQL's `errorMissingColumn` and `errorMissingRTE`.

use datafusion::common::Column;
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::SqlError;
use super::place::tokens_of;

/// So many changes of letters at most make one name of the other (`MAX_FUZZY_DISTANCE`).
const DISTANCE_MAX: usize = 3;

/// The column that comes next to a name, or the two of them: `table.column`.
struct Nearest {
    distance: usize,
    found: Vec<String>,
    /// Three or more were at this distance: only a nearer one counts.
    too_many: bool,
}

/// What a column that does not exist may have been meant to be, as a hint says it. `table` is what stands before it.
pub(super) fn column_hint(name: &str, table: Option<&str>, valid: &[Column]) -> Option<String> {
    let mut nearest = Nearest {
        distance: DISTANCE_MAX + 1,
        found: Vec::new(),
        too_many: false,
    };
    for column in valid {
        let Some(of) = column.relation.as_ref().map(|relation| relation.table()) else {
            continue;
        };
        let penalty = table.map_or(0, |table| levenshtein(table, of));
        let distance = levenshtein(name, &column.name);
        // Where more than half of the letters are others it is another word.
        if penalty > DISTANCE_MAX || distance > name.len() / 2 {
            continue;
        }
        nearest.take(distance + penalty, format!("{of}.{}", column.name));
    }
    match nearest.found.as_slice() {
        [one] => Some(format!(
            "Perhaps you meant to reference the column \"{one}\"."
        )),
        [one, other] => Some(format!(
            "Perhaps you meant to reference the column \"{one}\" or the column \"{other}\"."
        )),
        _ => None,
    }
}

impl Nearest {
    fn take(&mut self, distance: usize, name: String) {
        if distance > self.distance || self.found.contains(&name) {
            return;
        }
        if distance < self.distance {
            *self = Self {
                distance,
                found: vec![name],
                too_many: false,
            };
        } else if distance <= DISTANCE_MAX && !self.too_many {
            self.found.push(name);
            if self.found.len() > 2 {
                self.found.clear();
                self.too_many = true;
            }
        }
    }
}

/// The error, with advice where a table is called by its own name though it has been given another one.
pub(super) fn aliased(error: SqlError, sql: &str) -> SqlError {
    let table = error
        .message
        .strip_prefix("missing FROM-clause entry for table \"");
    let Some(table) = table.and_then(|rest| rest.strip_suffix('"')) else {
        return error;
    };
    let tokens = tokens_of(sql).unwrap_or_default();
    match alias_of(table, &tokens) {
        Some(alias) => SqlError {
            message: format!("invalid reference to FROM-clause entry for table \"{table}\""),
            hint: Some(format!(
                "Perhaps you meant to reference the table alias \"{alias}\"."
            )),
            ..error
        },
        None => error,
    }
}

/// The alias that FROM gives a table whose own name was used.
fn alias_of(table: &str, tokens: &[TokenWithSpan]) -> Option<String> {
    let token = |at: usize| tokens.get(at).map(|token| &token.token);
    let word = |at: usize| match token(at) {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    };
    let folded = |at: usize| {
        word(at).map(|word| match word.quote_style {
            Some(_) => word.value.clone(),
            None => word.value.to_lowercase(),
        })
    };
    let is_plain = |at: usize, text: &str| {
        word(at).is_some_and(|w| w.quote_style.is_none() && w.value.eq_ignore_ascii_case(text))
    };
    let stands_in_from = |at: usize| {
        let before = at.checked_sub(1);
        before.is_some_and(|at| {
            is_plain(at, "from")
                || is_plain(at, "join")
                || matches!(token(at), Some(Token::Comma | Token::Period))
        })
    };
    (0..tokens.len())
        .filter(|at| folded(*at).as_deref() == Some(table) && stands_in_from(*at))
        .find_map(|at| {
            let explicit = is_plain(at + 1, "as");
            let at = at + 1 + usize::from(explicit);
            let is_name = word(at).is_some_and(|word| {
                explicit || word.quote_style.is_some() || !is_clause(&word.value)
            });
            folded(at).filter(|alias| is_name && alias != table)
        })
}

/// Whether a word goes on with the query where an alias could stand.
fn is_clause(word: &str) -> bool {
    const CLAUSES: [&str; 22] = [
        "cross",
        "except",
        "fetch",
        "for",
        "full",
        "group",
        "having",
        "inner",
        "intersect",
        "join",
        "left",
        "limit",
        "natural",
        "offset",
        "on",
        "order",
        "right",
        "tablesample",
        "union",
        "using",
        "where",
        "window",
    ];
    CLAUSES.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(name: &str, table: Option<&str>, valid: &[(&str, &str)]) -> Option<String> {
        let valid: Vec<Column> = valid
            .iter()
            .map(|(table, column)| Column::new(Some(*table), *column))
            .collect();
        column_hint(name, table, &valid)
    }

    #[test]
    fn the_nearest_column_is_named() {
        let columns = [("s", "id"), ("s", "service"), ("s", "user"), ("c", "id")];
        let meant = |name: &str| {
            Some(format!(
                "Perhaps you meant to reference the column \"{name}\"."
            ))
        };
        assert_eq!(hint("servce", None, &columns), meant("s.service"));
        assert_eq!(hint("User", None, &columns), meant("s.user"));
        assert_eq!(hint("idd", Some("c"), &columns), meant("c.id"));
        assert_eq!(
            hint("idd", None, &columns).as_deref(),
            Some("Perhaps you meant to reference the column \"s.id\" or the column \"c.id\".")
        );
        for other in ["USER", "x", "servants", ""] {
            assert_eq!(hint(other, None, &columns), None, "{other}");
        }
        // Of three that are as near, none.
        let three = [("a", "id"), ("b", "id"), ("c", "id"), ("d", "id")];
        assert_eq!(hint("idd", None, &three), None);
    }

    #[test]
    fn the_alias_of_a_table_is_found_in_from() {
        let hint = |sql: &str| {
            let message = "missing FROM-clause entry for table \"sessions\"";
            aliased(SqlError::new("42P01", message), sql).hint
        };
        for (sql, expected) in [
            ("SELECT sessions.id FROM sessions s", Some("s")),
            (
                "SELECT sessions.id FROM public.sessions AS \"S\"",
                Some("S"),
            ),
            (
                "SELECT sessions.id FROM a, sessions b WHERE true",
                Some("b"),
            ),
            ("SELECT sessions.id FROM sessions WHERE true", None),
            ("SELECT sessions.id FROM services s", None),
            ("SELECT sessions.id", None),
        ] {
            let expected = expected.map(|alias| {
                format!("Perhaps you meant to reference the table alias \"{alias}\".")
            });
            assert_eq!(hint(sql), expected, "{sql}");
        }
    }
}
