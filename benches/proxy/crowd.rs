//! Thousands of clients that have logged in and do nothing.

use std::net::TcpStream;

use anyhow::{Context, Result};

use super::cluster::SUPERUSER;
use super::neighbours::Neighbour;
use super::stage::CROWD;
use super::wire::Client;

/// Sessions at the stand-in, ended with the value.
#[derive(Default)]
pub struct Crowd {
    sockets: Vec<TcpStream>,
}

impl Crowd {
    /// Lets more come until there are so many. Each sends a statement: with that every proxy has a connection to the
    /// server for it.
    pub fn grow(&mut self, way: &Neighbour, size: usize) -> Result<()> {
        while self.sockets.len() < size {
            let session = session(way);
            self.sockets.push(session.with_context(|| {
                format!("{}: session {}", way.way.name(), self.sockets.len() + 1)
            })?);
        }
        Ok(())
    }
}

fn session(way: &Neighbour) -> Result<TcpStream> {
    let mut client = Client::connect(way.crowd, SUPERUSER, CROWD)?;
    client.simple("SELECT")?;
    Ok(client.socket().try_clone()?)
}
