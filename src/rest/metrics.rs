//! `GET /metrics`: what the catalog counts, in Prometheus's text form.
//!
//! Sessions are counted by a query, as SQL would; everything else is read from the counters that the catalog's tables
//! show. So a scrape waits for nobody, and costs one grouped scan.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ParamValues;
use datafusion::error::DataFusionError;
use prometheus::TextEncoder;
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use crate::auth::Users;
use crate::catalog::{Caller, Catalog, Prepared, Rows};
use crate::session::{EndReason, Health, Server, Service, State};

/// The content type of the text form.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const SESSIONS: &str = include_str!("../../queries/metrics/sessions.sql");

/// The planned query behind the metrics.
pub struct Metrics {
    sessions: Prepared,
}

/// How many sessions there are of a service in a state.
pub type Census = BTreeMap<(String, String), i64>;

impl Metrics {
    /// Plans the query.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub async fn plan(
        catalog: &Arc<Catalog>,
        caller: Arc<Caller>,
    ) -> Result<Self, DataFusionError> {
        Ok(Self {
            sessions: catalog.prepare_sql(SESSIONS, caller).await?,
        })
    }

    /// Begins to count the sessions.
    pub fn count_sessions(&self, catalog: &Arc<Catalog>, caller: Arc<Caller>) -> Rows {
        catalog.run(&self.sessions, ParamValues::List(Vec::new()), caller)
    }
}

/// Adds some of the counted sessions.
///
/// # Errors
/// When the query has other columns than service, state and number.
pub fn add_sessions(census: &mut Census, batch: &RecordBatch) -> Result<(), DataFusionError> {
    let text = |column: usize| cast(batch.column(column), &DataType::Utf8);
    let (services, states) = (text(0)?, text(1)?);
    let counts = cast(batch.column(2), &DataType::Int64)?;
    let (services, states) = (services.as_string::<i32>(), states.as_string::<i32>());
    let counts = counts.as_primitive::<Int64Type>();
    for row in 0..batch.num_rows() {
        if counts.is_valid(row) {
            let key = (services.value(row).to_owned(), states.value(row).to_owned());
            *census.entry(key).or_default() += counts.value(row);
        }
    }
    Ok(())
}

/// All metrics as text.
///
/// # Errors
/// None that can happen: every family here has a name and a sample.
pub fn render(catalog: &Catalog, users: &Users, mut census: Census) -> prometheus::Result<String> {
    let topology = catalog.registry().topology();
    for service in &topology.services {
        for state in State::NAMES {
            census
                .entry((service.name.to_string(), state.to_owned()))
                .or_default();
        }
    }
    let sessions = census.iter().map(|((service, state), count)| {
        gauge(&[("service", service), ("state", state)], *count as f64)
    });
    let of_services = |value: fn(&Service) -> u64| {
        let services = topology.services.iter();
        let metric = move |s: &Arc<Service>| counter(&[("service", &s.name)], value(s));
        services.map(metric).collect::<Vec<_>>()
    };
    let of_servers = |metric: fn(&Server) -> Option<Metric>| {
        let servers = topology.servers.iter();
        servers
            .filter_map(|server| metric(server))
            .collect::<Vec<_>>()
    };
    let ends = topology.services.iter().flat_map(|service| {
        EndReason::ALL.map(|reason| {
            let labels = [("service", &*service.name), ("reason", reason.as_str())];
            counter(&labels, service.ends.total(reason))
        })
    });
    let latencies = catalog.latencies().collect().map(|(door, mut metric)| {
        metric.set_label(vec![label("door", door)]);
        metric
    });
    let version = [("version", env!("CARGO_PKG_VERSION"))];

    use MetricType::{COUNTER, GAUGE, HISTOGRAM};
    let families = [
        family(
            "rollcall_build_info",
            GAUGE,
            "The version of the program; always 1.",
            vec![gauge(&version, 1.0)],
        ),
        family(
            "rollcall_sessions",
            GAUGE,
            "Sessions that are live now, by service and state.",
            sessions.collect(),
        ),
        family(
            "rollcall_sessions_accepted_total",
            COUNTER,
            "Sessions begun, by service.",
            of_services(|s| s.sessions.total()),
        ),
        family(
            "rollcall_sessions_ended_total",
            COUNTER,
            "Sessions ended, by service and reason.",
            ends.collect(),
        ),
        family(
            "rollcall_statements_total",
            COUNTER,
            "Statements begun by clients, by service.",
            of_services(|s| s.traffic.statements()),
        ),
        family(
            "rollcall_received_bytes_total",
            COUNTER,
            "Bytes received from clients, by service.",
            of_services(|s| s.traffic.bytes_in()),
        ),
        family(
            "rollcall_sent_bytes_total",
            COUNTER,
            "Bytes sent to clients, by service.",
            of_services(|s| s.traffic.bytes_out()),
        ),
        family(
            "rollcall_server_up",
            GAUGE,
            "Whether the server's monitor last found it up; missing before its first look.",
            of_servers(up),
        ),
        family(
            "rollcall_server_maintenance",
            GAUGE,
            "Whether the server is in maintenance and takes no new sessions.",
            of_servers(|s| {
                Some(gauge(
                    &[("server", &s.name)],
                    f64::from(u8::from(s.in_maintenance())),
                ))
            }),
        ),
        family(
            "rollcall_server_connections",
            GAUGE,
            "Connections to the server that are open now.",
            of_servers(|s| {
                Some(gauge(
                    &[("server", &s.name)],
                    s.connections.current() as f64,
                ))
            }),
        ),
        family(
            "rollcall_server_connections_opened_total",
            COUNTER,
            "Connections to the server that were opened.",
            of_servers(|s| Some(counter(&[("server", &s.name)], s.connections.total()))),
        ),
        family(
            "rollcall_logins_failed_total",
            COUNTER,
            "Logins at the SQL and the REST door with a wrong name or password.",
            vec![counter(&[], users.attempts().failed_total())],
        ),
        family(
            "rollcall_logins_refused_total",
            COUNTER,
            "Logins at both doors that were refused since too many had failed.",
            vec![counter(&[], users.attempts().refused_total())],
        ),
        family(
            "rollcall_query_duration_seconds",
            HISTOGRAM,
            "How long the door's clients waited for their queries, from the planned query to its last row.",
            latencies.to_vec(),
        ),
    ];
    // The encoder refuses a family without samples: there may be no servers.
    let filled: Vec<_> = families
        .into_iter()
        .filter(|family| !family.get_metric().is_empty())
        .collect();
    TextEncoder::new().encode_to_string(&filled)
}

fn up(server: &Server) -> Option<Metric> {
    let up = match server.health() {
        Health::Unknown => return None,
        Health::Up => 1.0,
        Health::Down => 0.0,
    };
    Some(gauge(&[("server", &server.name)], up))
}

fn family(name: &str, kind: MetricType, help: &str, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn gauge(labels: &[(&str, &str)], value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = labelled(labels);
    metric.set_gauge(gauge);
    metric
}

fn counter(labels: &[(&str, &str)], value: u64) -> Metric {
    let mut counter = Counter::default();
    // Exact up to 2^53, and Prometheus has no other numbers.
    counter.set_value(value as f64);
    let mut metric = labelled(labels);
    metric.set_counter(counter);
    metric
}

fn labelled(labels: &[(&str, &str)]) -> Metric {
    let labels = labels.iter().map(|(name, value)| label(name, value));
    Metric::from_label(labels.collect())
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}
