//! Random questions: REST answers what SQL answers, of every collection.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::ParamValues;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rollcall::catalog::{Caller, Catalog, CatalogOptions};
use rollcall::session::{Filter, Listener, Server, ServerRole, Service, Topology};
use serde_json::{Value, json};

use super::house::House;
use super::operators::{crowd, encoded};

/// A comparison that both doors can be asked for.
#[derive(Clone, Debug)]
enum Asked {
    Compare(&'static str, Literal),
    And(Vec<Asked>),
    Or(Vec<Asked>),
    Not(Box<Asked>),
}

#[derive(Clone, Debug)]
enum Literal {
    Text(String),
    Whole(i64),
    Tenths(i64),
}

/// A collection with its table, and what can be asked of it; the first member is the id.
#[derive(Debug)]
struct Collection {
    name: &'static str,
    members: &'static [Member],
    /// Questions that are tried.
    cases: u32,
}

#[derive(Debug)]
struct Member {
    /// Its way through the object.
    path: &'static str,
    column: &'static str,
    is_text: bool,
    /// Of what stands in a list: the condition on rows of another table, which one of the list's elements is to meet.
    within: Option<(&'static str, &'static str)>,
}

const fn text(path: &'static str, column: &'static str) -> Member {
    Member {
        path,
        column,
        is_text: true,
        within: None,
    }
}

const fn number(path: &'static str, column: &'static str) -> Member {
    Member {
        path,
        column,
        is_text: false,
        within: None,
    }
}

const SESSIONS: Collection = Collection {
    name: "sessions",
    members: &[
        number("id", "id"),
        text("attributes/user", "\"user\""),
        text("attributes/state", "state"),
        text("attributes/database", "database"),
        text("attributes/client/cipher", "tls"),
        text("relationships/services/data/0/id", "service"),
        number("attributes/port", "port"),
        number("attributes/statements", "statements"),
        number("attributes/bytes_out", "bytes_out"),
        Member {
            path: "attributes/connections/*/server",
            column: "server",
            is_text: true,
            within: Some(("id IN (SELECT session_id FROM connections WHERE ", ")")),
        },
        Member {
            path: "attributes/connections/*/connection_id",
            column: "connection_id",
            is_text: false,
            within: Some(("id IN (SELECT session_id FROM connections WHERE ", ")")),
        },
        Member {
            path: "relationships/filters/data/*/id",
            column: "filter",
            is_text: true,
            within: Some(("id IN (SELECT session_id FROM session_filters WHERE ", ")")),
        },
    ],
    cases: 150,
};

const OTHERS: [Collection; 4] = [
    Collection {
        name: "services",
        members: &[
            text("id", "name"),
            text("attributes/router", "router"),
            text("attributes/state", "state"),
            number("attributes/statistics/connections", "connections"),
            number(
                "attributes/statistics/total_connections",
                "total_connections",
            ),
        ],
        cases: 40,
    },
    Collection {
        name: "servers",
        members: &[
            text("id", "name"),
            text("attributes/parameters/address", "address"),
            number("attributes/parameters/port", "port"),
            text("attributes/parameters/protocol", "protocol"),
            text("attributes/role", "role"),
            text("attributes/state", "state"),
        ],
        cases: 40,
    },
    Collection {
        name: "listeners",
        members: &[
            text("id", "name"),
            text("relationships/services/data/0/id", "service"),
            number("attributes/parameters/port", "port"),
            text("attributes/parameters/protocol", "protocol"),
        ],
        cases: 40,
    },
    Collection {
        name: "filters",
        members: &[text("id", "name"), text("attributes/module", "module")],
        cases: 20,
    },
];

/// More of everything than the house has.
fn furnish(house: &House) {
    let mut topology = Topology {
        listeners: vec![Arc::clone(&house.listener)],
        services: vec![Arc::clone(&house.listener.service)],
        ..Topology::default()
    };
    for (n, name) in ["maxuser", "skysql", "a", "S", "é"].into_iter().enumerate() {
        let router = ["readconnroute", "readwritesplit"][n % 2];
        let service = Arc::new(Service::new(name, router));
        let port = 40_000 + n as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let protocol = ["postgresql", "mariadb"][n / 2 % 2];
        let listener = Listener::new(&format!("{name} in"), &service, protocol, address);
        let role = [None, Some(ServerRole::Primary), Some(ServerRole::Replica)][n % 3];
        let server = Server::new(name, "192.0.2.5", port - n as u16 % 2, protocol, role);
        topology.services.push(service);
        topology.listeners.push(Arc::new(listener));
        topology.servers.push(Arc::new(server));
        topology.filters.push(Arc::new(Filter {
            name: name.into(),
            module: ["qlafilter", "S"][n % 2].into(),
        }));
    }
    house.registry.set_topology(topology);
}

const OPERATORS: [(&str, &str); 6] = [
    ("eq", "="),
    ("ne", "<>"),
    ("lt", "<"),
    ("le", "<="),
    ("gt", ">"),
    ("ge", ">="),
];

impl Asked {
    fn rest(&self) -> String {
        let all = |name: &str, inner: &[Self]| {
            let inner: Vec<String> = inner.iter().map(Self::rest).collect();
            format!("{name}({})", inner.join(","))
        };
        match self {
            Self::Compare(name, Literal::Text(text)) => format!("{name}({})", json!(text)),
            Self::Compare(name, Literal::Whole(number)) => format!("{name}({number})"),
            Self::Compare(name, Literal::Tenths(tenths)) => {
                format!("{name}({})", *tenths as f64 / 10.0)
            }
            Self::And(inner) => all("and", inner),
            Self::Or(inner) => all("or", inner),
            Self::Not(inner) => format!("not({})", inner.rest()),
        }
    }

    fn sql(&self, column: &str) -> String {
        let all = |word: &str, inner: &[Self]| {
            let inner: Vec<String> = inner.iter().map(|one| one.sql(column)).collect();
            format!("({})", inner.join(word))
        };
        match self {
            Self::Compare(name, literal) => {
                let (_, operator) = OPERATORS.iter().find(|(known, _)| known == name).unwrap();
                match literal {
                    Literal::Text(text) => {
                        format!("{column} {operator} '{}'", text.replace('\'', "''"))
                    }
                    Literal::Whole(number) => format!("{column} {operator} ({number})"),
                    Literal::Tenths(tenths) => {
                        format!("{column} {operator} ({:?})", *tenths as f64 / 10.0)
                    }
                }
            }
            Self::And(inner) => all(" AND ", inner),
            Self::Or(inner) => all(" OR ", inner),
            Self::Not(inner) => format!("NOT ({})", inner.sql(column)),
        }
    }
}

fn condition(is_text: bool) -> BoxedStrategy<Asked> {
    let literal = match is_text {
        true => prop_oneof![
            Just("maxuser".to_owned()),
            Just("skysql".to_owned()),
            Just("Session Allocated".to_owned()),
            "[a-zS' \"é]{0,3}",
        ]
        .prop_map(Literal::Text)
        .boxed(),
        false => prop_oneof![
            (-2i64..15).prop_map(Literal::Whole),
            (39_998i64..40_014).prop_map(Literal::Whole),
            (0i64..12).prop_map(|hundreds| Literal::Whole(hundreds * 100)),
            (-20i64..150).prop_map(Literal::Tenths),
        ]
        .boxed(),
    };
    let operator = proptest::sample::select(&OPERATORS[..]).prop_map(|(name, _)| name);
    let compare = (operator, literal).prop_map(|(name, literal)| Asked::Compare(name, literal));
    compare
        .prop_recursive(3, 8, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Asked::And),
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Asked::Or),
                inner.prop_map(|inner| Asked::Not(Box::new(inner))),
            ]
        })
        .boxed()
}

/// A member, what is to hold of it, and in which of the forms it is asked for.
type Condition = (usize, Asked, usize);

fn filter(members: &'static [Member]) -> impl Strategy<Value = Condition> {
    (0..members.len())
        .prop_flat_map(|member| (Just(member), condition(members[member].is_text), 0..3usize))
}

/// Everything that a request for a list can ask.
#[derive(Clone, Debug)]
struct Question {
    filters: Vec<Condition>,
    sort: Vec<(usize, bool)>,
    page: Option<(usize, usize)>,
    fields: Option<Vec<usize>>,
}

fn question(members: &'static [Member]) -> impl Strategy<Value = Question> {
    let single = members.iter().filter(|member| member.within.is_none());
    let single = single.count();
    // The list of what is related is a member as a whole.
    let fields: Vec<usize> = (1..single)
        .filter(|at| members[*at].path.starts_with("attributes"))
        .collect();
    let sort = proptest::collection::vec((0..single, any::<bool>()), 0..3);
    let page = proptest::option::of((1usize..6, 0usize..4));
    let field = proptest::sample::select(fields);
    let fields = proptest::option::of(proptest::collection::vec(field, 0..4));
    let filters = proptest::collection::vec(filter(members), 0..3);
    (filters, sort, page, fields).prop_map(|(filters, sort, page, fields)| Question {
        filters,
        sort,
        page,
        fields,
    })
}

/// A member's path as JSONPath: with points, or with brackets.
fn json_path(path: &str, brackets: bool) -> String {
    let mut written = if brackets { "$" } else { "" }.to_owned();
    for step in path.split('/') {
        let is_place = step == "*" || step.bytes().all(|byte| byte.is_ascii_digit());
        match (is_place, brackets) {
            (true, _) => written.push_str(&format!("[{step}]")),
            (false, true) => written.push_str(&format!("['{step}']")),
            (false, false) if written.is_empty() => written.push_str(step),
            (false, false) => written.push_str(&format!(".{step}")),
        }
    }
    written
}

impl Question {
    fn path(&self, collection: &Collection) -> String {
        let Collection { name, members, .. } = collection;
        let mut parts = vec!["pretty=false".to_owned()];
        for (member, condition, form) in &self.filters {
            let path = members[*member].path;
            parts.push(match (*form, members[*member].within) {
                // A pointer has no wildcard.
                (0, None) => {
                    let filter = format!("{path}={}", condition.rest());
                    format!("filter={}", encoded(&filter))
                }
                (form, _) => {
                    let path = json_path(path, form == 1);
                    let name = encoded(&format!("filter[{path}]"));
                    format!("{name}={}", encoded(&condition.rest()))
                }
            });
        }
        if !self.sort.is_empty() {
            let sort = self.sort.iter().map(|(member, descending)| {
                let minus = if *descending { "-" } else { "" };
                format!("{minus}{}", members[*member].path)
            });
            parts.push(format!("sort={}", sort.collect::<Vec<_>>().join(",")));
        }
        if let Some((size, number)) = self.page {
            parts.push(format!("page[size]={size}&page[number]={number}"));
        }
        if let Some(fields) = &self.fields {
            let fields: Vec<_> = fields.iter().map(|member| members[*member].path).collect();
            parts.push(format!("fields[{name}]={}", fields.join(",")));
        }
        format!("/v1/{name}?{}", parts.join("&"))
    }

    fn condition(&self, members: &[Member]) -> String {
        let mut all = "true".to_owned();
        for (member, condition, _) in &self.filters {
            let member = &members[*member];
            let (before, after) = member.within.unwrap_or(("(", ")"));
            all.push_str(&format!(
                " AND {before}{}{after}",
                condition.sql(member.column)
            ));
        }
        all
    }

    fn order(&self, members: &[Member]) -> String {
        let sort = self.sort.iter().map(|(member, descending)| {
            let word = if *descending { "DESC" } else { "ASC" };
            format!("{} {word} NULLS LAST, ", members[*member].column)
        });
        format!("{}{}", sort.collect::<String>(), members[0].column)
    }
}

/// The first column of the answer, as texts.
async fn texts(catalog: &Arc<Catalog>, sql: &str) -> Vec<String> {
    let caller = Arc::new(Caller::new("", false));
    let prepared = catalog.prepare_sql(sql, Arc::clone(&caller)).await;
    let prepared = prepared.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut rows = catalog.run(&prepared, ParamValues::List(Vec::new()), caller);
    let mut texts = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let column = cast(batch.column(0), &DataType::Utf8).unwrap();
        let column = column.as_string::<i32>().iter();
        texts.extend(column.map(|text| text.unwrap().to_owned()));
    }
    texts
}

async fn check(
    house: &House,
    catalog: &Arc<Catalog>,
    collection: &Collection,
    whole: &Value,
    question: &Question,
) {
    let Collection { name, members, .. } = collection;
    let path = question.path(collection);
    let document = house.get(&path).await;
    let objects = document["data"].as_array().unwrap();
    let found: Vec<&str> = objects
        .iter()
        .map(|object| object["id"].as_str().unwrap())
        .collect();
    let (condition, order) = (question.condition(members), question.order(members));
    let key = members[0].column;
    let mut sql = format!("SELECT {key} FROM {name} WHERE {condition} ORDER BY {order}");
    if let Some((size, number)) = question.page {
        sql.push_str(&format!(" LIMIT {size} OFFSET {}", size * number));
        let count = format!("SELECT count(*) FROM {name} WHERE {condition}");
        let count = texts(catalog, &count).await;
        assert_eq!(
            document["meta"]["total"].to_string(),
            count[0],
            "{path}: {sql}"
        );
    }
    assert_eq!(found, texts(catalog, &sql).await, "{path}: {sql}");
    for object in objects {
        let mut all = whole["data"].as_array().unwrap().iter();
        let same = all.find(|other| other["id"] == object["id"]).unwrap();
        for (at, member) in members.iter().enumerate().skip(1) {
            if member.within.is_some() {
                continue;
            }
            let fields = question.fields.as_ref();
            let shown = fields.is_none_or(|fields| fields.contains(&at));
            let pointer = format!("/{}", member.path);
            let expected = same.pointer(&pointer).filter(|_| shown);
            assert_eq!(object.pointer(&pointer), expected, "{path}");
        }
    }
}

#[test]
fn rest_answers_what_sql_answers() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = runtime.block_on(House::open());
    let crowd = crowd(&house);
    crowd[3].update(|profile| profile.filters = vec!["a".into(), "maxuser".into()]);
    crowd[8].update(|profile| profile.filters = vec!["skysql".into()]);
    furnish(&house);
    let catalog = Catalog::new(Arc::clone(&house.registry), CatalogOptions::default()).unwrap();
    for collection in std::iter::once(&SESSIONS).chain(&OTHERS) {
        let whole = runtime.block_on(house.get(&format!("/v1/{}", collection.name)));
        assert!(whole["data"].as_array().unwrap().len() >= 5);
        let config = Config {
            cases: collection.cases,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config)
            .run(&question(collection.members), |question| {
                runtime.block_on(check(&house, &catalog, collection, &whole, &question));
                Ok(())
            })
            .unwrap();
    }
    runtime.block_on(house.close());
}
