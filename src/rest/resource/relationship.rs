//! What can be asked of the relationships of a resource's objects.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, Projection};

use super::{Definition, ResourceError, one};
use crate::catalog::Prepared;
use crate::rest::compile::compile;
use crate::rest::document::{DocumentShape, Own};
use crate::rest::paths::{Step, members, places};

/// The member of a relationship that says what is related.
const DATA: &str = "data";

/// What can be asked of a relationship.
pub(super) struct Relationship {
    pub name: String,
    /// What its document looks like.
    pub shape: Arc<DocumentShape>,
    /// That of the one whose id is the parameter.
    pub one: Prepared,
}

impl Relationship {
    /// All relationships of a resource's objects.
    pub fn all(
        definition: &Definition,
        prepared: &Prepared,
        projection: &Projection,
        key_type: &DataType,
    ) -> Result<Vec<Self>, ResourceError> {
        let resource = definition.name;
        let failed = |source| ResourceError::Plan {
            name: resource,
            source,
        };
        let Some(key) = projection.expr.first() else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for name in relationship_names(projection) {
            let path = ["relationships", &name, DATA].map(|step| Step::Name(step.to_owned()));
            let [data] = &places(projection, &path)[..] else {
                continue;
            };
            let exprs = vec![key.clone(), data.expr.clone().alias(DATA)];
            let input = Arc::clone(&projection.input);
            let related = Projection::try_new(exprs, input).map_err(failed)?;
            let compiled = compile(&related).map_err(|source| ResourceError::Shape {
                name: resource,
                source,
            })?;
            let columns = compiled.queried.clone();
            let one = one(&related, columns, &key.clone().unalias(), key_type);
            let own = Own::Relationship(name.clone());
            all.push(Self {
                name,
                shape: Arc::new(DocumentShape::new(resource, compiled, own)),
                one: prepared.with_plan(one.map_err(failed)?),
            });
        }
        Ok(all)
    }
}

fn relationship_names(projection: &Projection) -> Vec<String> {
    let path = [Step::Name("relationships".to_owned())];
    let Some(place) = places(projection, &path).pop() else {
        return Vec::new();
    };
    match &place.expr {
        Expr::ScalarFunction(object) => members(object).map(|(name, _)| name.to_owned()).collect(),
        _ => Vec::new(),
    }
}
