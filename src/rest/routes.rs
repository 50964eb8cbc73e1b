//! The table of routes: everything that can be asked, said once.
//!
//! What a path answers to (404), which methods it has (405, OPTIONS, `Allow`), who may use them (403) and how it is
//! described to clients follow from this table.

use axum::http::{HeaderValue, Method};
use percent_encoding::percent_decode_str;

use super::resource::{DEFINITIONS, Definition, Kind};

/// Who may do something, once their name is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a name too.
    Anybody,
    /// Everybody who is let in.
    Read,
    /// Administrators.
    Admin,
}

/// What is done. Resources are told by their place among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Says what there is.
    Root,
    /// The resource's list.
    List(usize),
    /// One of them: that with the id, or the only one.
    One(usize),
    /// What one of them is related to, by the relationship's name.
    Related(usize),
    /// Changes what is logged of the session with the id, and its filters.
    AlterSession,
    /// Makes the router and filter sessions of the session with the id anew.
    RestartSession,
    /// The same of all sessions.
    RestartSessions,
    /// Ends the session with the id.
    CloseSession,
    /// Ends the sessions that the filter selects.
    CloseSessions,
    /// What the catalog counts, for Prometheus.
    Metrics,
    /// Gives a token for a name and a password.
    Token,
    /// Describes all this to programs.
    OpenApi,
}

/// A parameter of the query string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Its name; what stands in brackets is chosen by the client.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
}

const PRETTY: Query = Query {
    name: "pretty",
    doc: "false, off, no or 0 leaves out the white space",
};
const RDNS: Query = Query {
    name: "rdns",
    doc: "true, yes, on or 1 shows host names instead of addresses",
};
const MAX_AGE: Query = Query {
    name: "max-age",
    doc: "How many seconds the token lives, at most 604800; 28800 when absent",
};
const PERSIST: Query = Query {
    name: "persist",
    doc: "true, yes, on or 1 leaves the token in cookies instead of the answer",
};
const TTL: Query = Query {
    name: "ttl",
    doc: "Seconds to wait before it is done; now, when 0, less or absent",
};

const FIELDS: Query = Query {
    name: "fields[TYPE]",
    doc: "The only attributes and relationships to be shown, with commas between: user,client/cipher",
};
const FILTER: Query = Query {
    name: "filter",
    doc: "POINTER=VALUE or POINTER=EXPRESSION, of which all must hold: /attributes/idle=gt(60)",
};
const FILTER_PATH: Query = Query {
    name: "filter[JSONPATH]",
    doc: "VALUE or EXPRESSION that must hold of one of the path's hits",
};
const SORT: Query = Query {
    name: "sort",
    doc: "Members to order by, with commas between, largest first behind a minus: -idle,user",
};
const PAGE_SIZE: Query = Query {
    name: "page[size]",
    doc: "How many are on a page",
};
const PAGE_NUMBER: Query = Query {
    name: "page[number]",
    doc: "Which page, from 0",
};

/// Something that can be done with what a path names.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The request's method.
    pub method: Method,
    /// Who may.
    pub access: Access,
    /// What is done.
    pub action: Action,
    /// The same for people, in one line.
    pub summary: String,
    /// The parameters that it knows.
    pub query: &'static [Query],
}

/// A path and all that can be done there.
#[derive(Clone, Debug)]
pub struct Route {
    /// Below the API's root, with names in braces for what a request fills in: `/sessions/{id}`.
    pub path: String,
    /// What can be done. HEAD comes with GET, and OPTIONS with everything.
    pub operations: Vec<Operation>,
    allow: String,
}

impl Route {
    fn new(path: String, operations: Vec<Operation>) -> Self {
        let mut allow = Vec::new();
        for operation in &operations {
            allow.push(operation.method.as_str());
            if operation.method == Method::GET {
                allow.push("HEAD");
            }
        }
        allow.push("OPTIONS");
        Self {
            allow: allow.join(", "),
            path,
            operations,
        }
    }

    /// What the method does here.
    pub fn operation(&self, method: &Method) -> Option<&Operation> {
        let method = match method {
            &Method::HEAD => &Method::GET,
            other => other,
        };
        let mut operations = self.operations.iter();
        operations.find(|operation| operation.method == *method)
    }

    /// Whether all of it is for everybody.
    pub fn is_public(&self) -> bool {
        let mut operations = self.operations.iter();
        operations.all(|operation| operation.access == Access::Anybody)
    }

    /// All methods, as they stand in `Allow`.
    pub fn allow(&self) -> &str {
        &self.allow
    }

    /// What the path fills in, if it is one of this route.
    fn matches(&self, segments: &[String]) -> Option<Vec<String>> {
        let mut names = self.path.split('/').skip(1).filter(|name| !name.is_empty());
        let mut filled = Vec::new();
        for segment in segments {
            match names.next()? {
                name if name.starts_with('{') => filled.push(segment.clone()),
                name if name == segment => {}
                _ => return None,
            }
        }
        names.next().is_none().then_some(filled)
    }
}

/// The header that lists the methods.
pub(super) fn allow_header(allow: &str) -> HeaderValue {
    // Methods are tokens of ASCII.
    HeaderValue::from_str(allow).unwrap_or_else(|_| HeaderValue::from_static("OPTIONS"))
}

/// All routes, the more special ones first.
pub fn table() -> Vec<Route> {
    let get = |action, summary: String, query| Operation {
        method: Method::GET,
        access: Access::Read,
        action,
        summary,
        query,
    };
    let root = Operation {
        access: Access::Anybody,
        ..get(Action::Root, "What there is".to_owned(), &[PRETTY][..])
    };
    let metrics = "What the program counts, in Prometheus's text form".to_owned();
    let metrics = get(Action::Metrics, metrics, &[]);
    let token = "A token that stands for the user name and password".to_owned();
    let token = get(Action::Token, token, &[MAX_AGE, PERSIST, PRETTY]);
    let description = "This description".to_owned();
    let description = get(Action::OpenApi, description, &[PRETTY]);
    let mut routes = vec![
        Route::new("/".to_owned(), vec![root]),
        Route::new("/auth".to_owned(), vec![token]),
        Route::new("/metrics".to_owned(), vec![metrics]),
        Route::new("/openapi.json".to_owned(), vec![description]),
    ];
    for (at, definition) in DEFINITIONS.iter().enumerate() {
        let Definition { name, singular, .. } = definition;
        let one = format!("The {singular}");
        if definition.kind == Kind::Single {
            let one = get(Action::One(at), one, &[PRETTY, FIELDS]);
            routes.push(Route::new(format!("/{name}"), vec![one]));
            continue;
        }
        let list = format!("All {name}, in the order of their ids");
        let query = &[
            PRETTY,
            RDNS,
            FIELDS,
            FILTER,
            FILTER_PATH,
            SORT,
            PAGE_SIZE,
            PAGE_NUMBER,
        ];
        let mut operations = vec![get(Action::List(at), list, query)];
        if *name == "sessions" {
            operations.push(Operation {
                method: Method::DELETE,
                access: Access::Admin,
                action: Action::CloseSessions,
                summary: "Ends the sessions that the filter selects".to_owned(),
                query: &[PRETTY, FILTER, FILTER_PATH, TTL],
            });
        }
        routes.push(Route::new(format!("/{name}"), operations));
        if *name == "sessions" {
            let restart = |action, summary: &str| Operation {
                method: Method::POST,
                access: Access::Admin,
                action,
                summary: summary.to_owned(),
                query: &[],
            };
            let all = restart(
                Action::RestartSessions,
                "Makes all sessions' router and filter sessions anew",
            );
            routes.push(Route::new(format!("/{name}/restart"), vec![all]));
            let one = restart(
                Action::RestartSession,
                "Makes the session's router and filter sessions anew",
            );
            routes.push(Route::new(format!("/{name}/{{id}}/restart"), vec![one]));
        }
        let mut operations = vec![get(Action::One(at), one, &[PRETTY, RDNS, FIELDS])];
        if *name == "sessions" {
            operations.push(Operation {
                method: Method::DELETE,
                access: Access::Admin,
                action: Action::CloseSession,
                summary: "Ends the session".to_owned(),
                query: &[TTL],
            });
            operations.push(Operation {
                method: Method::PATCH,
                access: Access::Admin,
                action: Action::AlterSession,
                summary: "Changes what is logged of the session, and its filters".to_owned(),
                query: &[],
            });
        }
        routes.push(Route::new(format!("/{name}/{{id}}"), operations));
        let related = format!("What the {singular} is related to by one of its relationships");
        let related = get(Action::Related(at), related, &[PRETTY]);
        let path = format!("/{name}/{{id}}/relationships/{{relationship}}");
        routes.push(Route::new(path, vec![related]));
    }
    routes
}

/// The methods that there are anywhere, as they stand in `Allow`.
pub(super) fn all_methods(routes: &[Route]) -> String {
    let mut methods = Vec::new();
    for method in routes.iter().flat_map(|route| route.allow.split(", ")) {
        if method != "OPTIONS" && !methods.contains(&method) {
            methods.push(method);
        }
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

/// The route of a request's path and what it fills in. `/v1` in front may be missing, and a slash at the end does not
/// matter.
pub(super) fn find<'r>(routes: &'r [Route], path: &str) -> Option<(&'r Route, Vec<String>)> {
    let trimmed = path.strip_prefix('/').unwrap_or(path);
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    let rest = match trimmed.strip_prefix("v1") {
        Some("") => "",
        Some(rest) => rest.strip_prefix('/').unwrap_or(trimmed),
        None => trimmed,
    };
    let segments: Vec<String> = match rest {
        "" => Vec::new(),
        rest => rest.split('/').map(decode).collect(),
    };
    routes
        .iter()
        .find_map(|route| Some((route, route.matches(&segments)?)))
}

/// A segment as it is meant; as it is written where it means no text.
fn decode(segment: &str) -> String {
    match percent_decode_str(segment).decode_utf8() {
        Ok(meant) => meant.into_owned(),
        Err(_) => segment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(path: &str) -> Option<(String, Vec<String>)> {
        let routes = table();
        find(&routes, path).map(|(route, filled)| (route.path.clone(), filled))
    }

    #[test]
    fn paths_lead_to_routes() {
        let expect = |path: &str, route: &str, filled: &[&str]| {
            let filled = filled.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(found(path), Some((route.to_owned(), filled)), "{path}");
        };
        for root in ["/", "", "/v1", "/v1/"] {
            expect(root, "/", &[]);
        }
        for list in ["/v1/sessions", "/sessions/", "sessions"] {
            expect(list, "/sessions", &[]);
        }
        expect("/v1/sessions/%39", "/sessions/{id}", &["9"]);
        expect("/v1/services/a%2Fb", "/services/{id}", &["a/b"]);
        expect("/v1/services/%ff", "/services/{id}", &["%ff"]);
        expect(
            "/v1/sessions/9/relationships/services",
            "/sessions/{id}/relationships/{relationship}",
            &["9", "services"],
        );
        for unknown in [
            "/v1/v1/sessions",
            "/v1x/sessions",
            "//sessions",
            "/sessions/9/x",
        ] {
            assert_eq!(found(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn every_operation_is_described_once() {
        let routes = table();
        let all = all_methods(&routes);
        assert_eq!(all, "GET, HEAD, DELETE, POST, PATCH, OPTIONS");
        for (at, route) in routes.iter().enumerate() {
            assert!(routes[..at].iter().all(|other| other.path != route.path));
            assert!(route.allow().ends_with("OPTIONS"));
            for operation in &route.operations {
                assert!(!operation.summary.is_empty());
                let same = |other: &&Operation| other.method == operation.method;
                assert_eq!(route.operations.iter().filter(same).count(), 1);
                let reads = operation.method == Method::GET;
                assert_eq!(reads, operation.access != Access::Admin, "{}", route.path);
            }
        }
    }

    proptest! {
        #[test]
        fn any_path_reads(path in any::<String>()) {
            let _ = found(&path);
        }
    }
}
