//! What SIGHUP does: reads the configuration file again and takes users and certificates from it. The files of filters
//! are opened anew, whatever the configuration says: somebody may have moved them.
//!
//! A file with any problem changes nothing. Everything else in the file needs a restart, and is named when it
//! differs from what is running.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::Server;
use crate::auth::Users;
use crate::config::{Config, ListenerConfig};
use crate::proxy::Filters;
use crate::tls::{TlsFiles, TlsSlot};

pub(super) struct Reload {
    file: Option<PathBuf>,
    /// What the program was started with.
    running: Config,
    /// The real ones, whatever the file says by now.
    addresses: [SocketAddr; 2],
    users: Arc<Users>,
    sql_tls: Option<Arc<TlsSlot>>,
    rest_tls: Option<Arc<TlsSlot>>,
    /// Those of the proxy's listeners, by the listener's name.
    listener_tls: Vec<(String, Arc<TlsSlot>)>,
    filters: Arc<Filters>,
}

impl Reload {
    pub(super) fn new(server: &Server) -> Self {
        Self {
            file: server.config_file.clone(),
            running: server.config.clone(),
            addresses: [server.sql.address, server.rest.address],
            users: Arc::clone(&server.users),
            sql_tls: server.sql.tls.clone(),
            rest_tls: server.rest.tls.clone(),
            listener_tls: server.proxy.certificates(),
            filters: server.proxy.filters(),
        }
    }

    /// Reads the file and logs what came of it.
    pub(super) fn run(&self) {
        self.filters.reopen();
        let Some(file) = &self.file else {
            tracing::info!("SIGHUP: started without a configuration file, nothing to read again");
            return;
        };
        let config = match Config::load(file) {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(%error, "SIGHUP: users and certificates stay as they are");
                return;
            }
        };
        // The file was checked against the addresses in it, which need not be those that are bound.
        let loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        if config.users.is_empty() && !self.addresses.iter().all(loopback) {
            tracing::error!(
                "SIGHUP: users and certificates stay as they are: {} has no users, and a door is bound to an \
                 address that is not loopback",
                file.display()
            );
            return;
        }

        reload_tls("sql.tls", self.sql_tls.as_deref(), config.sql.tls.as_ref());
        reload_tls(
            "rest.tls",
            self.rest_tls.as_deref(),
            config.rest.tls.as_ref(),
        );
        for (name, slot) in &self.listener_tls {
            let listener = config.listeners.iter().find(|l| l.name == *name);
            let files = listener.and_then(|listener| listener.tls.as_ref());
            reload_tls(&format!("listeners.{name}.tls"), Some(slot), files);
        }
        for key in changed(&self.running, &config) {
            tracing::warn!(key, "SIGHUP: changed in the file; needs a restart");
        }
        let count = config.users.len();
        self.users.replace(config.users);
        tracing::info!(users = count, "SIGHUP: read {} again", file.display());
    }
}

fn reload_tls(key: &str, slot: Option<&TlsSlot>, files: Option<&TlsFiles>) {
    let (Some(slot), Some(files)) = (slot, files) else {
        return;
    };
    match slot.reload(files) {
        Ok(()) => tracing::info!(key, "SIGHUP: certificate read again"),
        Err(error) => tracing::error!(key, %error, "SIGHUP: the certificate stays as it is"),
    }
}

/// The keys and sections that differ and are not taken from the file while the program runs.
fn changed(running: &Config, read: &Config) -> Vec<&'static str> {
    let differs = [
        ("sql.listen", running.sql.listen != read.sql.listen),
        (
            "sql.tls",
            running.sql.tls.is_some() != read.sql.tls.is_some(),
        ),
        ("rest.listen", running.rest.listen != read.rest.listen),
        (
            "rest.tls",
            running.rest.tls.is_some() != read.rest.tls.is_some(),
        ),
        ("rest.hosts", running.rest.hosts != read.rest.hosts),
        ("servers", running.servers != read.servers),
        ("services", running.services != read.services),
        (
            "listeners",
            without_files(&running.listeners).ne(without_files(&read.listeners)),
        ),
        ("filters", running.filters != read.filters),
        ("limits", running.limits != read.limits),
        ("log", running.log != read.log),
    ];
    differs
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
}

/// What of the listeners needs a restart: all but the files of certificates, which are read again.
fn without_files(listeners: &[ListenerConfig]) -> impl Iterator<Item = ListenerConfig> {
    listeners.iter().map(|listener| ListenerConfig {
        tls: listener.tls.as_ref().map(|_| TlsFiles {
            cert: PathBuf::new(),
            key: PathBuf::new(),
        }),
        ..listener.clone()
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::auth::Verifier;

    fn user(name: &str) -> String {
        let verifier = Verifier::generate("secret");
        format!("[users.{name}]\npassword = \"{verifier}\"\nrole = \"basic\"\n")
    }

    fn reload(file: &Path, address: &str, text: &str) -> Reload {
        let running = Config::parse(text, "running", Path::new("")).expect("a good file");
        Reload {
            file: Some(file.to_owned()),
            addresses: [address.parse().expect("an address"); 2],
            users: Arc::new(Users::new(running.users.clone())),
            running,
            sql_tls: None,
            rest_tls: None,
            listener_tls: Vec::new(),
            filters: Arc::default(),
        }
    }

    #[test]
    fn users_are_taken_from_a_good_file_and_kept_for_a_bad_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("rollcall.toml");
        let reload = reload(&file, "127.0.0.1:1", &user("alice"));
        let has = |name| reload.users.account(name).is_some();

        std::fs::write(&file, user("bob")).expect("a writable directory");
        reload.run();
        assert_eq!((has("alice"), has("bob")), (false, true));

        std::fs::write(&file, "[users.carol]\n").expect("a writable directory");
        reload.run();
        assert!(has("bob"));

        std::fs::remove_file(&file).expect("a writable directory");
        reload.run();
        assert!(has("bob"));
    }

    #[test]
    fn a_file_without_users_does_not_open_a_door_that_others_reach() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("rollcall.toml");
        std::fs::write(&file, "").expect("a writable directory");
        for (address, opens) in [("127.0.0.1:1", true), ("0.0.0.0:1", false)] {
            let reload = reload(&file, address, &user("alice"));
            reload.run();
            assert_eq!(reload.users.is_open(), opens, "{address}");
        }
    }

    #[test]
    fn what_needs_a_restart_is_named() {
        let parse = |text| Config::parse(text, "file", Path::new("")).expect("a good file");
        let read = parse(
            "sql.listen = \"127.0.0.1:1\"\nrest.hosts = [\"a\"]\nlimits.frame_mib_max = 1\nlog.level = \"warn\"",
        );
        assert_eq!(
            changed(&Config::default(), &read),
            ["sql.listen", "rest.hosts", "limits", "log"]
        );
        assert!(changed(&read, &read).is_empty());
    }

    #[test]
    fn what_is_proxied_needs_a_restart_but_for_the_certificates_of_listeners() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["a", "b"] {
            let pair = rcgen::generate_simple_self_signed(vec![name.to_owned()]);
            let pair = pair.expect("a certificate");
            let path = |ending| dir.path().join(format!("{name}.{ending}"));
            std::fs::write(path("crt"), pair.cert.pem()).expect("a writable directory");
            std::fs::write(path("key"), pair.signing_key.serialize_pem())
                .expect("a writable directory");
        }
        let parse = |port, listener: &str| {
            let text = format!(
                "servers.db1.address = \"127.0.0.1:{port}\"\n\
                 services.app = {{ router = \"readconnroute\", servers = [\"db1\"] }}\n\
                 [listeners.app]\nservice = \"app\"\naddress = \"127.0.0.1:6432\"\n{listener}"
            );
            Config::parse(&text, "file", dir.path()).expect("a good file")
        };
        let tls = |name| format!("tls = {{ cert = \"{name}.crt\", key = \"{name}.key\" }}");
        let running = parse(1, &tls("a"));
        assert!(changed(&running, &parse(1, &tls("b"))).is_empty());
        assert_eq!(changed(&running, &parse(2, &tls("a"))), ["servers"]);
        assert_eq!(changed(&running, &parse(1, "")), ["listeners"]);
        assert_eq!(
            changed(&running, &Config::default()),
            ["servers", "services", "listeners"]
        );
    }
}
