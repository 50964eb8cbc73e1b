//! A registry full of synthetic sessions, the catalog over it, and its doors.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use rollcall::catalog::{Caller, Catalog, CatalogOptions, Prepared, Rows};
use rollcall::rest::Documents;
use rollcall::session::{
    Listener, Registry, RegistryFull, Remote, Service, SessionGuard, State, Topology,
};
use tokio::runtime::{Builder, Runtime};

use super::doors::Doors;
use super::load::{Crowd, Line, Traffic, Writer};

const SERVICES: usize = 8;
const USERS: usize = 1_000;
const APPLICATIONS: [&str; 4] = ["psql", "jdbc", "checkout", "reports"];

/// A place in the crowd: what its session looks like follows from the number.
#[derive(Clone, Copy)]
pub struct Place(pub usize);

impl Place {
    /// Whether its session lasts, so that lookups find it under churn. Half of them do.
    pub fn lasts(self) -> bool {
        self.0.is_multiple_of(2)
    }

    /// Which service.
    pub fn service(self) -> usize {
        self.0 % SERVICES
    }

    /// Which user. From one thousand to the next the users meet other services, so that each uses all of them.
    pub fn user(self) -> usize {
        (self.0 + self.0 / USERS) % USERS
    }

    /// What the client calls itself.
    pub fn application(self) -> &'static str {
        APPLICATIONS[self.0 % APPLICATIONS.len()]
    }

    /// Where the client connected from: an address of its own.
    pub fn remote(self) -> SocketAddrV4 {
        let address = Ipv4Addr::from_bits(0x0A00_0000 | (self.0 as u32 & 0x00FF_FFFF));
        SocketAddrV4::new(address, 1_024 + (self.0 % 64_000) as u16)
    }

    /// Bytes that came from the client.
    pub fn bytes_in(self) -> u64 {
        self.0 as u64 % 1_000
    }

    /// Bytes that went to the client.
    pub fn bytes_out(self) -> u64 {
        self.0 as u64 % 100_000
    }
}

/// Makes sessions: the one at a place is the same each time.
pub struct Maker {
    listeners: Vec<Arc<Listener>>,
    users: Vec<Arc<str>>,
    database: Arc<str>,
    applications: [Arc<str>; 4],
}

impl Maker {
    /// One for this registry, whose topology becomes that of the sessions to come.
    pub fn new(registry: &Registry) -> Self {
        let mut services = Vec::new();
        let mut listeners = Vec::new();
        for number in 0..SERVICES {
            let service = Arc::new(Service::new(&service_name(number), "readwritesplit"));
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4_000 + number as u16));
            let name = format!("listener-{number}");
            listeners.push(Arc::new(Listener::new(
                &name,
                &service,
                "postgresql",
                address,
            )));
            services.push(service);
        }
        registry.set_topology(Topology {
            services,
            listeners: listeners.clone(),
            ..Topology::default()
        });
        Self {
            listeners,
            users: (0..USERS).map(|number| user_name(number).into()).collect(),
            database: "shop".into(),
            applications: APPLICATIONS.map(Into::into),
        }
    }

    /// Registers the session that belongs at this place.
    pub fn register(
        &self,
        registry: &Arc<Registry>,
        place: Place,
    ) -> Result<SessionGuard, RegistryFull> {
        let listener = &self.listeners[place.service()];
        let guard = registry.register(listener, Remote::Tcp(place.remote().into()))?;
        guard.update(|profile| {
            let application = &self.applications[place.0 % self.applications.len()];
            profile.user = Some(Arc::clone(&self.users[place.user()]));
            profile.database = Some(Arc::clone(&self.database));
            profile.application_name = Some(Arc::clone(application));
        });
        guard.advance(State::Routing);
        guard.received(place.bytes_in());
        guard.sent(place.bytes_out());
        Ok(guard)
    }
}

/// The name of a service.
pub fn service_name(number: usize) -> String {
    format!("service-{number}")
}

/// The name of a user.
pub fn user_name(number: usize) -> String {
    format!("user{number:04}")
}

/// So many sessions.
pub struct World {
    len: usize,
    registry: Arc<Registry>,
    maker: Arc<Maker>,
    guards: Vec<SessionGuard>,
    reader: Reader,
    doors: Option<Doors>,
}

impl World {
    /// Registers `len` sessions and sets up a catalog over them. The catalog's threads are those of the calling
    /// thread's core.
    pub fn new(len: usize) -> Result<Self> {
        let registry = Registry::new();
        let maker = Maker::new(&registry);
        let guards = (0..len)
            .map(|place| maker.register(&registry, Place(place)))
            .collect::<Result<Vec<_>, _>>()?;
        let options = CatalogOptions::default();
        let reader = Reader {
            catalog: Catalog::new(Arc::clone(&registry), options)?,
            caller: Arc::new(Caller::new("bench", true)),
            runtime: Builder::new_current_thread().enable_all().build()?,
            lasting: guards
                .iter()
                .step_by(2)
                .map(|guard| guard.id().into())
                .collect(),
        };
        Ok(Self {
            len,
            registry,
            maker: Arc::new(maker),
            guards,
            reader,
            doors: None,
        })
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Who is connected.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// How sessions are made here.
    pub fn maker(&self) -> &Arc<Maker> {
        &self.maker
    }

    /// Asks the catalog.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The doors to the catalog, opened when first asked for.
    pub fn doors(&mut self) -> Result<&Doors> {
        let doors = match self.doors.take() {
            Some(doors) => doors,
            None => Doors::open(&self.reader.catalog)?,
        };
        Ok(self.doors.insert(doors))
    }

    /// Does something while there is traffic.
    pub fn under<T>(
        &mut self,
        traffic: Traffic,
        work: impl FnOnce(&mut Self, &Writer) -> Result<T>,
    ) -> Result<T> {
        self.under_beside(traffic, Arc::default(), work)
    }

    /// Does something while there is traffic, which can be turned from the sessions to these lines.
    pub fn under_beside<T>(
        &mut self,
        traffic: Traffic,
        lines: Arc<[Line]>,
        work: impl FnOnce(&mut Self, &Writer) -> Result<T>,
    ) -> Result<T> {
        let crowd = Crowd {
            registry: Arc::clone(&self.registry),
            maker: Arc::clone(&self.maker),
            sessions: std::mem::take(&mut self.guards),
            lines,
        };
        let writer = Writer::start(crowd, traffic)?;
        let outcome = work(self, &writer);
        self.guards = writer.stop()?;
        outcome
    }
}

/// Asks a world's catalog, in this process.
pub struct Reader {
    catalog: Arc<Catalog>,
    caller: Arc<Caller>,
    runtime: Runtime,
    /// Ids of sessions that last.
    lasting: Vec<i64>,
}

impl Reader {
    /// Ids of sessions that last.
    pub fn lasting(&self) -> &[i64] {
        &self.lasting
    }

    /// Where futures of questions to other engines run: on the calling thread.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Plans a statement, to be run again and again.
    pub fn prepare(&self, sql: &str) -> Result<Prepared> {
        let statement = Parser::parse_sql(&PostgreSqlDialect {}, sql)?
            .pop()
            .context("no statement")?;
        let caller = Arc::clone(&self.caller);
        let prepared = self.catalog.prepare(statement, Vec::new(), caller);
        self.runtime
            .block_on(prepared)
            .with_context(|| sql.to_owned())
    }

    /// Runs a prepared statement and counts its rows.
    pub fn run(&self, prepared: &Prepared, parameters: Vec<ScalarValue>) -> Result<usize> {
        let mut count = 0;
        self.drain(self.start(prepared, parameters), |batch| {
            count += batch.num_rows();
            Ok(())
        })?;
        Ok(count)
    }

    /// Runs a statement and keeps its rows.
    pub fn rows(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        self.drain(self.start(&self.prepare(sql)?, Vec::new()), |batch| {
            batches.push(batch);
            Ok(())
        })?;
        Ok(batches)
    }

    /// The documents of sessions, as the REST door writes them.
    pub fn documents(&self) -> Result<Documents> {
        Ok(self.runtime.block_on(Documents::new(&self.catalog))?)
    }

    /// Sees the batches of a running statement.
    pub fn drain(
        &self,
        mut rows: Rows,
        mut see: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        self.runtime.block_on(async {
            while let Some(batch) = rows.next().await {
                see(batch?)?;
            }
            rows.finish();
            Ok(())
        })
    }

    fn start(&self, prepared: &Prepared, parameters: Vec<ScalarValue>) -> Rows {
        let caller = Arc::clone(&self.caller);
        self.catalog
            .run(prepared, ParamValues::from(parameters), caller)
    }
}
