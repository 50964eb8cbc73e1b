//! The columns that every row of PostgreSQL has and no `*` shows. `tableoid` is the oid of the row's table, known from the
//! name that it stands behind or, without one, from the only one that there is. The others tell which transactions wrote
//! the row: to PostgreSQL one that has been there for so long that nobody needs to know is frozen, and so are all of these.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Select, SelectItem, Statement, TableAlias, TableFactor, TableWithJoins, Value,
    VisitMut, VisitorMut, visit_expressions,
};

use super::dictionary::Dictionary;

/// A column's name, and what it is of every row.
type Column = (&'static str, Option<u32>);

/// The columns; `tableoid` is the row's own.
const COLUMNS: [Column; 5] = [
    ("tableoid", None),
    // PostgreSQL's `FrozenTransactionId`.
    ("xmin", Some(2)),
    ("xmax", Some(0)),
    ("cmin", Some(0)),
    ("cmax", Some(0)),
];

/// Puts the value in the place of each `relation.column`, and of `column` where a SELECT reads one relation only.
pub(in crate::catalog) fn resolve(statement: &mut Statement, dictionary: &Dictionary) {
    let named = visit_expressions(statement, |expr| match column(expr) {
        Some(_) => ControlFlow::Break(()),
        None => ControlFlow::Continue(()),
    });
    if named.is_break() {
        let mut resolver = Resolver {
            dictionary,
            scopes: Vec::new(),
        };
        let _ = VisitMut::visit(statement, &mut resolver);
    }
}

/// The names in front of the column, if an expression is one of these, and which.
fn column(expr: &Expr) -> Option<(&[Ident], Column)> {
    let (column, tables) = match expr {
        Expr::Identifier(column) => (column, [].as_slice()),
        Expr::CompoundIdentifier(names) => names.split_last()?,
        _ => return None,
    };
    let is_same = |known: &str| match column.quote_style {
        Some(_) => column.value == known,
        None => column.value.eq_ignore_ascii_case(known),
    };
    let found = COLUMNS.into_iter().find(|(known, _)| is_same(known));
    found.map(|found| (tables, found))
}

/// What a SELECT reads: what it is called, and its oid if it is a relation.
type Scope = Vec<(String, Option<u32>)>;

struct Resolver<'a> {
    dictionary: &'a Dictionary,
    /// Those of each SELECT around, the innermost last.
    scopes: Vec<Scope>,
}

impl Resolver<'_> {
    fn read(&self, from: &TableWithJoins, scope: &mut Scope) {
        let joined = from.joins.iter().map(|join| &join.relation);
        for factor in std::iter::once(&from.relation).chain(joined) {
            match factor {
                TableFactor::Table { name, alias, .. } => scope.extend(self.table(name, alias)),
                TableFactor::Derived {
                    alias: Some(alias), ..
                } => scope.push((folded(&alias.name), None)),
                TableFactor::NestedJoin {
                    table_with_joins, ..
                } => self.read(table_with_joins, scope),
                _ => {}
            }
        }
    }

    fn table(
        &self,
        ObjectName(parts): &ObjectName,
        alias: &Option<TableAlias>,
    ) -> Option<(String, Option<u32>)> {
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|p| p.as_ident().map(folded))
            .collect();
        let (table, schema) = match parts.as_slice() {
            [table] => (table, None),
            [.., schema, table] => (table, Some(schema.as_str())),
            [] => return None,
        };
        let relation = self.dictionary.relation_named(schema, table);
        let called = match alias {
            Some(alias) => folded(&alias.name),
            None => table.clone(),
        };
        Some((called, relation.map(|relation| relation.oid)))
    }

    /// The value that an expression stands for, and the name of the column.
    fn value(&self, expr: &Expr) -> Option<(u32, &'static str)> {
        let (tables, (name, value)) = column(expr)?;
        let oid = match tables {
            [] => match self.scopes.last()?.as_slice() {
                [(_, oid)] => *oid,
                _ => None,
            },
            [.., table] => {
                let table = folded(table);
                let mut read = self.scopes.iter().rev().flatten();
                read.find(|(called, _)| *called == table)?.1
            }
        }?;
        Some((value.unwrap_or(oid), name))
    }
}

impl VisitorMut for Resolver<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut scope = Scope::new();
        select
            .from
            .iter()
            .for_each(|from| self.read(from, &mut scope));
        self.scopes.push(scope);
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && let Some((_, name)) = self.value(expr)
            {
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: Ident::new(name),
                };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Some((value, _)) = self.value(expr) {
            *expr = constant(value);
        }
        ControlFlow::Continue(())
    }
}

/// An identifier as SQL reads it.
fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// A value of the type `oid`.
fn constant(oid: u32) -> Expr {
    let argument =
        |value: Value| FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value.into())));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("arrow_cast")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![
                argument(Value::Number(oid.to_string(), false)),
                argument(Value::SingleQuotedString("UInt32".to_owned())),
            ],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
