//! Functions: those that the engine has, under PostgreSQL's oids where PostgreSQL has them too.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};

use arrow::datatypes::DataType;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{
    AggregateUDF, Documentation, ScalarUDF, Signature, TypeSignature, Volatility, WindowUDF,
};

use super::facts;
use super::names::{PG_CATALOG, PUBLIC};
use super::types::{Types, name_of_arrow};

/// The first oid of the engine's functions that PostgreSQL does not have.
const FIRST_OF_ENGINE: u32 = 14000;
/// The first oid of our functions.
const FIRST_OWN: u32 = 20480;

/// The type of an argument of any type.
const ANY: u32 = 2276;
/// The type of a result that depends on the arguments.
const ANY_ELEMENT: u32 = 2283;

/// Our functions, with argument types and result type, by oid from [`FIRST_OWN`] on.
const OWN: [(&str, &[&str], &str, &str); 6] = [
    (
        "kill_session",
        &["int8"],
        "bool",
        "Ends a session; false if there is none with this id",
    ),
    (
        "kill_session",
        &["int8", "int8"],
        "bool",
        "Ends a session; false if there is none with this id",
    ),
    (
        "set_server_state",
        &["text", "text"],
        "bool",
        "Puts a server into maintenance or back",
    ),
    (
        "rdns",
        &["text"],
        "text",
        "The host name of an address; NULL where it has none",
    ),
    (
        "asctime",
        &["timestamptz"],
        "text",
        "A moment as C's asctime() writes it",
    ),
    (
        "asctime",
        &["timestamp"],
        "text",
        "A moment as C's asctime() writes it",
    ),
];

/// Names of functions that act, which the engine does not know: they are carried out on the rows of the answer.
const ACTING: [&str; 2] = ["pg_terminate_backend", "pg_cancel_backend"];

/// A function with one list of argument types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::catalog) struct Function {
    /// Its oid.
    pub oid: u32,
    /// The oid of its schema.
    pub schema: u32,
    /// Its name.
    pub name: String,
    /// `f` function, `a` aggregate, `w` window function, `p` procedure.
    pub kind: char,
    /// The types of its arguments.
    pub arguments: Vec<u32>,
    /// The type of its result.
    pub result: u32,
    /// `i` immutable, `s` stable, `v` volatile.
    pub volatility: char,
    /// Whether it is NULL where an argument is.
    pub strict: bool,
    /// Whether it gives rows.
    pub returns_set: bool,
    /// Whether the last argument is for any number of arguments.
    pub variadic: bool,
    /// What it does.
    pub description: Option<String>,
    /// Whether it can be called, or is named by a row of another table; the rest are only names.
    pub listed: bool,
}

/// All functions, by oid and by name.
#[derive(Debug, Default)]
pub(super) struct Functions {
    all: Vec<Function>,
    by_oid: HashMap<u32, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

/// What the engine has under one name.
#[derive(Debug)]
struct Registered {
    kind: char,
    volatility: char,
    description: Option<String>,
    /// Argument types and result types, where they are known.
    forms: Vec<(Vec<DataType>, Option<DataType>)>,
}

impl Functions {
    /// The functions that can be called.
    pub fn of(callable: &Callable, types: &Types) -> Self {
        let registered = registered(callable);
        let named_elsewhere = named_elsewhere();
        let oid_of = |name: &str| types.named(&format!("\"{name}\"")).map_or(0, |t| t.oid);
        let mut functions = Self::default();
        let mut known = HashSet::new();
        for line in facts::FUNCTIONS.lines() {
            let Some([oid, name, kind, arguments, result, properties]) = facts::fields(line) else {
                continue;
            };
            let (Ok(oid), Some(kind)) = (oid.parse(), kind.chars().next()) else {
                continue;
            };
            known.insert(name);
            let of_engine = registered.get(name);
            functions.push(Function {
                oid,
                schema: PG_CATALOG,
                name: name.to_owned(),
                kind,
                arguments: arguments.split_whitespace().map(oid_of).collect(),
                result: oid_of(result),
                volatility: properties.chars().next().unwrap_or('v'),
                strict: properties.contains('s')
                    && properties.len() > 1
                    && properties[1..].contains('s'),
                returns_set: properties.contains('r'),
                variadic: properties[1..].contains('v'),
                description: of_engine.and_then(|f| f.description.clone()),
                listed: of_engine.is_some()
                    || callable.of_statement.contains(name)
                    || ACTING.contains(&name)
                    || named_elsewhere.contains(&oid),
            });
        }
        let ours: HashSet<&str> = OWN.iter().map(|(name, ..)| *name).collect();
        let mut oid = FIRST_OF_ENGINE;
        for (name, function) in &registered {
            if known.contains(name.as_str()) || ours.contains(name.as_str()) {
                continue;
            }
            let oid_of_arrow = |data_type: &DataType| oid_of(&name_of_arrow(data_type));
            let mut forms: Vec<_> = function
                .forms
                .iter()
                .map(|(arguments, result)| {
                    let arguments = arguments.iter().map(oid_of_arrow).collect();
                    let result = result.as_ref().map_or(ANY_ELEMENT, oid_of_arrow);
                    (arguments, result, false)
                })
                .collect();
            if forms.is_empty() {
                forms.push((vec![ANY], ANY_ELEMENT, true));
            }
            for (arguments, result, variadic) in forms {
                functions.push(Function {
                    oid,
                    schema: PG_CATALOG,
                    name: name.clone(),
                    kind: function.kind,
                    arguments,
                    result,
                    volatility: function.volatility,
                    strict: false,
                    returns_set: false,
                    variadic,
                    description: function.description.clone(),
                    listed: true,
                });
                oid += 1;
            }
        }
        for ((name, arguments, result, description), oid) in OWN.iter().zip(FIRST_OWN..) {
            functions.push(Function {
                oid,
                schema: PUBLIC,
                name: (*name).to_owned(),
                kind: 'f',
                arguments: arguments.iter().map(|name| oid_of(name)).collect(),
                result: oid_of(result),
                volatility: 'v',
                strict: true,
                returns_set: false,
                variadic: false,
                description: Some((*description).to_owned()),
                listed: true,
            });
        }
        functions
    }

    fn push(&mut self, function: Function) {
        let at = self.all.len();
        self.by_oid.insert(function.oid, at);
        self.by_name
            .entry(function.name.clone())
            .or_default()
            .push(at);
        self.all.push(function);
    }

    pub fn all(&self) -> &[Function] {
        &self.all
    }

    pub fn of_oid(&self, oid: u32) -> Option<&Function> {
        self.all.get(*self.by_oid.get(&oid)?)
    }

    pub fn named(&self, name: &str) -> impl Iterator<Item = &Function> {
        let places = self.by_name.get(name).into_iter().flatten();
        places.filter_map(|at| self.all.get(*at))
    }
}

/// What can be called, by name. It is not kept alive here, since some functions hold the dictionary.
#[derive(Debug)]
pub(super) struct Callable {
    scalar: Vec<(String, Weak<ScalarUDF>)>,
    window: Vec<(String, Weak<WindowUDF>)>,
    aggregate: Vec<(String, Weak<AggregateUDF>)>,
    table: Vec<String>,
    /// Those that are made anew for each statement.
    of_statement: HashSet<String>,
}

impl Callable {
    /// What can be called in `state`, beside the functions of these names, which are made for each statement.
    pub fn of(state: &SessionState, of_statement: HashSet<String>) -> Self {
        fn all<T>(functions: &HashMap<String, Arc<T>>) -> Vec<(String, Weak<T>)> {
            let named = functions.iter();
            named
                .map(|(name, function)| (name.clone(), Arc::downgrade(function)))
                .collect()
        }
        Self {
            scalar: all(state.scalar_functions()),
            window: all(state.window_functions()),
            aggregate: all(state.aggregate_functions()),
            table: state.table_functions().keys().cloned().collect(),
            of_statement,
        }
    }
}

/// What can be called, by name.
fn registered(callable: &Callable) -> BTreeMap<String, Registered> {
    let mut all = BTreeMap::new();
    for (name, function) in &callable.scalar {
        let Some(function) = function.upgrade() else {
            continue;
        };
        let result = |arguments: &[DataType]| function.return_type(arguments).ok();
        let registered = describe('f', function.signature(), function.documentation(), result);
        all.insert(name.clone(), registered);
    }
    for (name, function) in &callable.window {
        let Some(function) = function.upgrade() else {
            continue;
        };
        let registered = describe('w', function.signature(), function.documentation(), |_| {
            None
        });
        all.insert(name.clone(), registered);
    }
    for (name, function) in &callable.aggregate {
        let Some(function) = function.upgrade() else {
            continue;
        };
        let result = |arguments: &[DataType]| function.return_type(arguments).ok();
        let registered = describe('a', function.signature(), function.documentation(), result);
        all.insert(name.clone(), registered);
    }
    for name in &callable.table {
        let registered = Registered {
            kind: 'f',
            volatility: 'v',
            description: None,
            forms: Vec::new(),
        };
        all.insert(name.clone(), registered);
    }
    all
}

fn describe(
    kind: char,
    signature: &Signature,
    documentation: Option<&Documentation>,
    result: impl Fn(&[DataType]) -> Option<DataType>,
) -> Registered {
    let mut forms: Vec<(Vec<DataType>, Option<DataType>)> = Vec::new();
    let mut seen = HashSet::new();
    let mut examples = signature.type_signature.get_example_types();
    if matches!(signature.type_signature, TypeSignature::Nullary) {
        examples.push(Vec::new());
    }
    for arguments in examples {
        let names: Vec<_> = arguments.iter().map(name_of_arrow).collect();
        if seen.insert(names) {
            let result = result(&arguments);
            forms.push((arguments, result));
        }
    }
    // One that says what it gives is worth more than one that does not.
    if forms.iter().any(|(_, result)| result.is_some()) {
        forms.retain(|(_, result)| result.is_some());
    }
    Registered {
        kind,
        volatility: match signature.volatility {
            Volatility::Immutable => 'i',
            Volatility::Stable => 's',
            Volatility::Volatile => 'v',
        },
        description: documentation.map(|d| d.description.trim().to_owned()),
        forms,
    }
}

/// The oids of functions that rows of other tables refer to: clients look them up by these.
fn named_elsewhere() -> HashSet<u32> {
    /// Tables with the positions of their columns of type `regproc`.
    const REFERENCES: [(&str, &[usize]); 8] = [
        ("pg_type", &[12, 15, 16, 17, 18, 19, 20, 21]),
        ("pg_operator", &[12, 13, 14]),
        ("pg_cast", &[3]),
        ("pg_am", &[2]),
        ("pg_amproc", &[5]),
        ("pg_conversion", &[6]),
        ("pg_range", &[4, 5]),
        ("pg_aggregate", &[0, 3, 4]),
    ];
    let mut oids = HashSet::new();
    for (table, columns) in REFERENCES {
        for line in facts::rows(table).unwrap_or_default().lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let named = columns
                .iter()
                .filter_map(|at| fields.get(*at)?.parse::<u32>().ok());
            oids.extend(named.filter(|oid| *oid != 0));
        }
    }
    oids
}
