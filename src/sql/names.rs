//! The names of result columns. Clients look columns up by them, so they must be PostgreSQL's (`count`, `?column?`),
//! not the engine's (`count(*)`, `Int64(1)`).

use arrow::datatypes::Fields;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, DataType, Expr, Function, Ident, ObjectName,
    Query, SelectItem, SetExpr, TimezoneInfo, TrimWhereField,
};

/// The name of a column that has none.
const UNNAMED: &str = "?column?";

/// What separates the name of a column that shares it with others from the number that tells them apart.
pub(super) const SAME: char = '\u{1f}';

/// The name that PostgreSQL gives a column of this expression.
pub(super) fn name(expr: &Expr) -> String {
    name_of(expr).map_or_else(|| UNNAMED.to_owned(), |found| found.text)
}

/// The names that PostgreSQL gives the columns of `query`: one for each item of its first SELECT list, `None` for a
/// wildcard, which stands for any number of columns that the engine names. An empty list where the engine names all.
pub fn result_names(query: &Query) -> Vec<Option<String>> {
    let mut body = query.body.as_ref();
    loop {
        body = match body {
            SetExpr::Select(select) => return select.projection.iter().map(item_name).collect(),
            SetExpr::Query(query) => query.body.as_ref(),
            SetExpr::SetOperation { left, .. } => left,
            _ => return Vec::new(),
        };
    }
}

/// Lays `names` over the engine's names. Where wildcards leave open which column is which, the engine's names stay:
/// columns of tables, which are right.
pub fn overlay(names: &[Option<String>], fields: &Fields) -> Vec<String> {
    let shown = |name: &String| match name.split_once(SAME) {
        Some((shown, _)) => shown.to_owned(),
        None => name.clone(),
    };
    let mut result: Vec<String> = fields.iter().map(|field| shown(field.name())).collect();
    let first_wildcard = names
        .iter()
        .position(Option::is_none)
        .unwrap_or(names.len());
    let behind = names.len()
        - names
            .iter()
            .rposition(Option::is_none)
            .map_or(names.len(), |last| last + 1);
    if first_wildcard + behind > result.len()
        || (first_wildcard == names.len() && names.len() > result.len())
    {
        return result;
    }
    let tail_at = result.len() - behind;
    let mut set = |at: usize, wanted: &Option<String>| {
        if let (Some(name), Some(wanted)) = (result.get_mut(at), wanted) {
            name.clone_from(wanted);
        }
    };
    names[..first_wildcard]
        .iter()
        .enumerate()
        .for_each(|(n, wanted)| set(n, wanted));
    names[names.len() - behind..]
        .iter()
        .enumerate()
        .for_each(|(n, wanted)| set(tail_at + n, wanted));
    result
}

fn item_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(name(expr)),
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        _ => None,
    }
}

/// An identifier as PostgreSQL stores it.
fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() {
        ident.value.clone()
    } else {
        ident.value.to_lowercase()
    }
}

/// A name and whether it gives way to the name of a type around it.
struct Found {
    text: String,
    weak: bool,
}

fn strong(text: impl Into<String>) -> Option<Found> {
    Some(Found {
        text: text.into(),
        weak: false,
    })
}

fn weak(text: impl Into<String>) -> Option<Found> {
    Some(Found {
        text: text.into(),
        weak: true,
    })
}

fn name_of(expr: &Expr) -> Option<Found> {
    match expr {
        Expr::Identifier(ident) => strong(fold(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().and_then(|ident| strong(fold(ident))),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(ident)) => Some(fold(ident)),
                _ => None,
            });
            field.map_or_else(|| name_of(root), strong)
        }
        Expr::Nested(inner) => name_of(inner),
        Expr::Collate { expr, .. } => name_of(expr),
        Expr::Cast {
            expr, data_type, ..
        } => match name_of(expr) {
            Some(found) if !found.weak => Some(found),
            _ => type_name(data_type).and_then(weak),
        },
        Expr::TypedString(typed) => type_name(&typed.data_type).and_then(weak),
        Expr::Interval(_) => weak("interval"),
        Expr::Case { else_result, .. } => match else_result.as_deref().and_then(name_of) {
            Some(found) if !found.weak => Some(found),
            _ => weak("case"),
        },
        Expr::Function(function) => function_name(function).and_then(strong),
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Subquery(query) => result_names(query)
            .into_iter()
            .next()
            .flatten()
            .and_then(strong),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::BinaryOp {
            op: BinaryOperator::Overlaps,
            ..
        } => strong("overlaps"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { shorthand, .. } => strong(match shorthand {
            true => "substr",
            false => "substring",
        }),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        _ => None,
    }
}

fn function_name(function: &Function) -> Option<String> {
    last(&function.name)
}

fn last(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(fold)
}

/// The name that PostgreSQL's catalog gives a type.
fn type_name(data_type: &DataType) -> Option<String> {
    use DataType as D;
    let name = match data_type {
        D::Int2(_) | D::SmallInt(_) => "int2",
        D::Int(_) | D::Int4(_) | D::Integer(_) => "int4",
        D::Int8(_) | D::BigInt(_) => "int8",
        D::Real | D::Float4 => "float4",
        D::Float8 | D::Float(_) | D::Double(_) | D::DoublePrecision => "float8",
        D::Numeric(_) | D::Decimal(_) | D::Dec(_) => "numeric",
        D::Bool | D::Boolean => "bool",
        D::Text | D::String(_) => "text",
        D::Varchar(_) | D::CharacterVarying(_) | D::CharVarying(_) | D::Nvarchar(_) => "varchar",
        D::Char(_) | D::Character(_) => "bpchar",
        D::Bytea => "bytea",
        D::Date => "date",
        D::Time(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "timetz",
        D::Time(..) => "time",
        D::Timestamp(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "timestamptz",
        D::Timestamp(..) => "timestamp",
        D::Interval { .. } => "interval",
        D::Uuid => "uuid",
        D::JSON => "json",
        D::JSONB => "jsonb",
        D::Regclass => "regclass",
        D::Bit(_) => "bit",
        D::Array(
            ArrayElemTypeDef::SquareBracket(element, _)
            | ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::Parenthesis(element),
        ) => return type_name(element),
        D::Custom(name, _) => return last(name),
        _ => return None,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{DataType as Arrow, Field};
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn names(sql: &str) -> Vec<Option<String>> {
        let dialect = PostgreSqlDialect {};
        let query = Parser::new(&dialect)
            .try_with_sql(sql)
            .unwrap()
            .parse_query()
            .unwrap();
        result_names(&query)
    }

    #[test]
    fn names_are_those_that_postgresql_gives() {
        for (list, expected) in [
            (
                "1, 'x', -1, 1 + 1, NOT true, a IS NULL, NULL",
                "?column? ?column? ?column? ?column? ?column? ?column? ?column?",
            ),
            (
                "1::int, '{}'::int[], '1'::double precision, CAST(1 AS bigint)",
                "int4 int4 float8 int8",
            ),
            (
                "'a'::char(3), '1'::character varying, '1'::real, 'x'::regclass",
                "bpchar varchar float4 regclass",
            ),
            ("a, t.b, \"User\", t.\"User\", Upper", "a b User User upper"),
            (
                "a::text, now()::text, count(*), pg_catalog.version()",
                "a now count version",
            ),
            (
                "(CASE WHEN a THEN 1 END)::text, CASE WHEN a THEN 1 END",
                "text case",
            ),
            (
                "CASE WHEN a THEN 1 ELSE max(1) END, CASE WHEN a THEN 1 ELSE b END",
                "max b",
            ),
            (
                "EXISTS(SELECT 1), ARRAY(SELECT 1), ARRAY[1], (1, 2), ROW(1, 2)",
                "exists array array row row",
            ),
            (
                "COALESCE(a, b), NULLIF(a, b), GREATEST(a, b)",
                "coalesce nullif greatest",
            ),
            (
                "INTERVAL '1 day', DATE '2020-01-01', EXTRACT(year FROM a)",
                "interval date extract",
            ),
            (
                "SUBSTRING(a FROM 1), TRIM(a), TRIM(LEADING ' ' FROM a), POSITION('a' IN b)",
                "substring btrim ltrim position",
            ),
            (
                "now() AT TIME ZONE 'UTC', current_user, user, current_date",
                "timezone current_user user current_date",
            ),
            (
                "(SELECT max(1)), (SELECT 1), (SELECT 1 AS z), (a[1])",
                "max ?column? z a",
            ),
            (
                "a AS \"B c\", a AS D, floor(1.5), ceil(1.5), (true)",
                "B c|d floor ceil ?column?",
            ),
        ] {
            let found: Vec<_> = names(&format!("SELECT {list} FROM t"))
                .into_iter()
                .map(Option::unwrap)
                .collect();
            assert_eq!(found.join(" "), expected.replace('|', " "), "{list}");
        }
        assert_eq!(
            names("(SELECT 1 AS a) UNION SELECT 2"),
            [Some("a".to_owned())]
        );
        assert_eq!(names("VALUES (1)"), []);
    }

    #[test]
    fn wildcards_keep_the_names_of_their_columns() {
        let overlaid = |sql: &str, columns: &[&str]| {
            let fields: Fields = columns
                .iter()
                .map(|name| Field::new(*name, Arrow::Null, true))
                .collect();
            overlay(&names(sql), &fields).join(" ")
        };
        assert_eq!(
            overlaid("SELECT count(*), 1", &["count(*)", "Int64(1)"]),
            "count ?column?"
        );
        assert_eq!(
            overlaid(
                "SELECT 1, *, max(a) FROM t",
                &["Int64(1)", "a", "b", "max(a)"]
            ),
            "?column? a b max"
        );
        assert_eq!(
            overlaid("SELECT 1, t.*, 2, u.*, 3", &["x1", "a", "x2", "b", "x3"]),
            "?column? a x2 b ?column?"
        );
        assert_eq!(overlaid("SELECT * FROM t", &["a", "b"]), "a b");
        assert_eq!(
            overlaid("VALUES (1, 2)", &["column1", "column2"]),
            "column1 column2"
        );
        assert_eq!(overlaid("SELECT a, b", &["a"]), "a");
        assert_eq!(overlaid("SELECT *, a, b", &["a"]), "a");
    }
}
