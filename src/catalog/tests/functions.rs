//! PostgreSQL's functions, each answer compared with what PostgreSQL 15 said.

mod arrays;
mod dates;
mod inets;
mod moments;
mod numbers;
mod objects;
mod sets;
mod texts;

use datafusion::error::DataFusionError;

use super::*;
use crate::proxy::postgres::error::SqlError;
use crate::sql::encode::zone::Zone;
use crate::sql::sqlstate::SqlError as Translated;

/// The answer in its text form, or the error as `!SQLSTATE: message`.
async fn answer(world: &World, expression: &str) -> String {
    let told = |error: &DataFusionError| match error.find_root() {
        DataFusionError::External(inner) if inner.is::<SqlError>() => {
            Translated::from_engine(error)
        }
        DataFusionError::External(inner) => match inner.downcast_ref::<CatalogError>() {
            Some(error) => SqlError::new(error.sqlstate(), error.to_string()),
            None => Translated::from_engine(error),
        },
        _ => Translated::from_engine(error),
    };
    let zone: Zone = world.caller.time_zone.parse().unwrap();
    let run = async {
        let prepared = world.prepare(&format!("SELECT {expression}")).await?;
        world.collect(world.run(&prepared, Vec::new())).await
    };
    match run.await {
        Ok(batches) => {
            let schema = batches[0].schema();
            let (field, column) = (schema.field(0), batches[0].column(0));
            let texts = super::super::functions::texts_of(field, column, &zone).unwrap();
            texts[0].clone().unwrap_or_else(|| "NULL".to_owned())
        }
        Err(error) => {
            let error = told(&error);
            format!("!{}: {}", error.code, error.message)
        }
    }
}

async fn check(cases: &[(&str, &str)]) {
    let mut world = World::new();
    let caller = Caller {
        time_zone: "Europe/Berlin".into(),
        ..Caller::new("admin", true)
    };
    world.caller = Arc::new(caller);
    let mut wrong = Vec::new();
    for (expression, expected) in cases {
        let found = answer(&world, expression).await;
        if found != *expected {
            wrong.push(format!(
                "{expression}\n  expected {expected}\n  found    {found}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn dates_are_as_in_postgresql() {
    check(dates::CASES).await;
}

#[tokio::test]
async fn moments_are_as_in_postgresql() {
    check(moments::CASES).await;
}

#[tokio::test]
async fn numbers_are_as_in_postgresql() {
    check(numbers::CASES).await;
}

#[tokio::test]
async fn texts_are_as_in_postgresql() {
    check(texts::CASES).await;
}

#[tokio::test]
async fn addresses_are_as_in_postgresql() {
    check(inets::CASES).await;
}

#[tokio::test]
async fn arrays_are_as_in_postgresql() {
    check(arrays::CASES).await;
}

#[tokio::test]
async fn objects_are_as_in_postgresql() {
    check(objects::CASES).await;
}

#[tokio::test]
async fn sets_and_aggregates_are_as_in_postgresql() {
    check(sets::CASES).await;
}
