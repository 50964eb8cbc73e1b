//! `tableoid`, which every row of PostgreSQL has and no `*` shows: the oid of the row's table, known from the name that
//! it stands behind.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Select, SelectItem, Statement, TableFactor, Value, VisitMut, VisitorMut,
};

use super::dictionary::Dictionary;

/// The name of the column.
const TABLEOID: &str = "tableoid";

/// Puts the oid of the relation in the place of each `relation.tableoid`.
pub(in crate::catalog) fn resolve(statement: &mut Statement, dictionary: &Dictionary) {
    let mut resolver = Resolver {
        dictionary,
        scopes: Vec::new(),
    };
    let _ = VisitMut::visit(statement, &mut resolver);
}

struct Resolver<'a> {
    dictionary: &'a Dictionary,
    /// The relations of each SELECT around, by the names that their columns are called by.
    scopes: Vec<HashMap<String, u32>>,
}

impl Resolver<'_> {
    fn scope(&self, select: &Select) -> HashMap<String, u32> {
        let factors = select.from.iter().flat_map(|from| {
            let joined = from.joins.iter().map(|join| &join.relation);
            std::iter::once(&from.relation).chain(joined)
        });
        factors.filter_map(|factor| self.relation(factor)).collect()
    }

    /// The name that a table of FROM is called by, and its oid.
    fn relation(&self, factor: &TableFactor) -> Option<(String, u32)> {
        let TableFactor::Table { name, alias, .. } = factor else {
            return None;
        };
        let ObjectName(parts) = name;
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|p| p.as_ident().map(folded))
            .collect();
        let (table, schema) = match parts.as_slice() {
            [table] => (table, None),
            [.., schema, table] => (table, Some(schema.as_str())),
            [] => return None,
        };
        let relation = self.dictionary.relation_named(schema, table)?;
        let called = match alias {
            Some(alias) => folded(&alias.name),
            None => table.clone(),
        };
        Some((called, relation.oid))
    }

    /// The oid that an expression stands for.
    fn oid(&self, expr: &Expr) -> Option<u32> {
        let Expr::CompoundIdentifier(parts) = expr else {
            return None;
        };
        let [.., table, column] = parts.as_slice() else {
            return None;
        };
        if folded(column) != TABLEOID {
            return None;
        }
        let table = folded(table);
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(&table))
            .copied()
    }
}

impl VisitorMut for Resolver<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.scopes.push(self.scope(select));
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && self.oid(expr).is_some()
            {
                *item = SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: Ident::new(TABLEOID),
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
        if let Some(oid) = self.oid(expr) {
            *expr = constant(oid);
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
