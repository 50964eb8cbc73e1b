//! Both doors of a world, open on the loopback interface.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use rollcall::auth::Users;
use rollcall::catalog::{Catalog, DATABASE};
use rollcall::session::{Listener, Service};
use rollcall::{rest, sql};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::wire::Client;

/// As many threads for sockets as the program has.
const IO_THREADS: usize = 2;

/// The doors. Their threads end with them.
pub struct Doors {
    /// Where the PostgreSQL wire protocol is spoken.
    pub sql: SocketAddr,
    /// Where HTTP is spoken.
    pub rest: SocketAddr,
    _io: Runtime,
}

impl Doors {
    /// Opens both on free ports, for anybody on this machine.
    pub fn open(catalog: &Arc<Catalog>) -> Result<Self> {
        let io = Builder::new_multi_thread()
            .worker_threads(IO_THREADS)
            .thread_name("rollcall-io")
            .enable_all()
            .build()?;
        let users = Arc::new(Users::new(HashMap::new()));
        let (sql, rest) = io.block_on(async {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let sql = socket.local_addr()?;
            let service = Arc::new(Service::new("catalog", "catalog"));
            let listener = Arc::new(Listener::new("sql", &service, "postgresql", sql));
            let door = sql::Door::new(
                Arc::clone(catalog),
                listener,
                Arc::clone(&users),
                None,
                sql::Limits::default(),
            );
            tokio::spawn(sql::serve(socket, Arc::new(door), CancellationToken::new()));

            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let rest = socket.local_addr()?;
            let options = rest::DoorOptions::default();
            let door = rest::Door::new(Arc::clone(catalog), users, None, options).await?;
            tokio::spawn(rest::serve(socket, door, CancellationToken::new()));
            anyhow::Ok((sql, rest))
        })?;
        Ok(Self { sql, rest, _io: io })
    }

    /// A new client of the SQL door.
    pub fn client(&self) -> Result<Client> {
        Client::connect(self.sql, "bench", DATABASE)
    }
}
