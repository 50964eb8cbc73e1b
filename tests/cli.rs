//! The command line and the signals, with the real program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rollcall::auth::Verifier;

/// Bounds every wait; nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

const ANY_PORTS: &str = "sql.listen = \"127.0.0.1:0\"\nrest.listen = \"127.0.0.1:0\"\n";

fn rollcall() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.stdin(Stdio::null());
    command
}

/// Runs the program to its end, feeding it this input.
fn output(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A program that reads nothing may be gone by now.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let pid = Pid::from_raw(child.id() as i32);
    let (done, output) = channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    match output.recv_timeout(PATIENCE) {
        Ok(output) => output.expect("an exit status"),
        Err(_) => {
            let _ = kill(pid, Signal::SIGKILL);
            panic!("the program does not end");
        }
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory with a configuration file in it.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new(config: &str) -> Self {
        let files = Self {
            dir: tempfile::tempdir().expect("a directory"),
        };
        files.write("rollcall.toml", config);
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).expect("a writable directory");
    }

    fn write_certificate(&self, name: &str) {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .expect("a certificate");
        self.write(&format!("{name}.crt"), &pair.cert.pem());
        self.write(&format!("{name}.key"), &pair.signing_key.serialize_pem());
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("rollcall.toml")
    }
}

/// The program, serving; killed when the test is over.
struct Serving {
    child: Child,
    banner: Vec<String>,
    log: Receiver<String>,
}

impl Serving {
    fn start(config: &Path) -> Self {
        let mut child = rollcall()
            .arg("--config")
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = lines(child.stdout.take().expect("piped"));
        let log = lines(child.stderr.take().expect("piped"));
        let mut serving = Self {
            child,
            banner: Vec::new(),
            log,
        };
        for _ in 0..3 {
            let line = out.recv_timeout(PATIENCE).expect("three lines at start");
            serving.banner.push(line);
        }
        serving
    }

    fn address(&self, door: &str) -> SocketAddr {
        let mut words = self
            .banner
            .iter()
            .map(|line| line.split_whitespace())
            .find(|words| words.clone().next() == Some(door))
            .expect("the door is in the banner");
        let address = words.nth(1).expect("an address");
        address.parse().expect("an address")
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("the program runs");
    }

    /// Waits for a log line with these words.
    fn wait_for_log(&self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no log line with {words:?}"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Waits for the end, which closes the log.
    fn exit_status(mut self) -> ExitStatus {
        while self.log.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().expect("an exit status")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (line, all) = channel();
    thread::spawn(move || {
        for text in BufReader::new(from).lines().map_while(Result::ok) {
            if line.send(text).is_err() {
                break;
            }
        }
    });
    all
}

#[test]
fn it_prints_where_it_listens_and_ends_on_a_signal_with_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let serving = Serving::start(&Files::new(ANY_PORTS).config());
        let (sql, rest) = (serving.address("SQL"), serving.address("REST"));
        assert_ne!(sql.port(), 0);
        assert_ne!(rest.port(), 0);
        assert_eq!(
            serving.banner[0],
            format!("rollcall {}", env!("CARGO_PKG_VERSION"))
        );
        let psql = format!("psql -h 127.0.0.1 -p {}", sql.port());
        assert!(serving.banner[1].ends_with(&psql), "{:?}", serving.banner);
        let curl = format!("curl http://{rest}/v1/sessions");
        assert!(serving.banner[2].ends_with(&curl), "{:?}", serving.banner);
        for address in [sql, rest] {
            TcpStream::connect(address).expect("the door listens");
        }
        serving.signal(signal);
        assert_eq!(serving.exit_status().code(), Some(0), "{signal}");
    }
}

#[test]
fn with_certificates_the_printed_lines_use_tls() {
    let files = Files::new(
        "[sql]\nlisten = \"127.0.0.1:0\"\ntls = { cert = \"a.crt\", key = \"a.key\" }\n\
         [rest]\nlisten = \"127.0.0.1:0\"\ntls = { cert = \"a.crt\", key = \"a.key\" }\n",
    );
    files.write_certificate("a");
    let serving = Serving::start(&files.config());
    assert!(
        serving.banner[1].contains("sslmode=require"),
        "{:?}",
        serving.banner
    );
    assert!(
        serving.banner[2].contains("curl https://"),
        "{:?}",
        serving.banner
    );
}

#[test]
fn a_taken_address_is_named_and_nothing_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    let files = Files::new(&format!(
        "sql.listen = \"127.0.0.1:0\"\nrest.listen = \"{address}\"\n"
    ));
    let output = output(rollcall().arg("--config").arg(files.config()), "");
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("rollcall: rest.listen: cannot listen on {address}: ");
    assert!(
        stderr(&output).starts_with(&expected),
        "{}",
        stderr(&output)
    );
    assert_eq!(stdout(&output), "");
}

#[test]
fn a_bad_configuration_is_told_by_file_line_and_key() {
    let verifier = Verifier::generate("secret");
    let user = format!("password = \"{verifier}\"\nrole = \"admin\"\n");
    let tls = |cert: &str, key: &str| {
        format!("[rest]\nlisten = \"127.0.0.1:0\"\ntls.cert = \"{cert}\"\ntls.key = \"{key}\"\n")
    };
    let cases = [
        ("[sql", "1: ", "expected"),
        ("[sql]\nlisten = 127.0.0.1\n", "2: sql.listen: ", ""),
        (
            "[log]\nlevel = \"info\"\nlevel = \"warn\"\n",
            "3: level: ",
            "duplicate key",
        ),
        (
            "[sqll]\n",
            "1: sqll: ",
            "unknown key, expected one of `sql`, ",
        ),
        (
            "\n[sql]\nlisen = \"\"\n",
            "3: sql.lisen: ",
            "unknown key, expected `listen` or `tls`",
        ),
        ("[users.a]\nrank = 1\n", "2: users.a.rank: ", "unknown key"),
        ("sql = 5\n", "1: sql: ", "expected a table"),
        (
            "[limits]\nframe_mib_max = \"64\"\n",
            "2: limits.frame_mib_max: ",
            "expected an integer",
        ),
        (
            "[rest]\nhosts = \"a\"\n",
            "2: rest.hosts: ",
            "expected an array",
        ),
        (
            "[rest]\nhosts = [1]\n",
            "2: rest.hosts: ",
            "expected a string",
        ),
        (
            "[rest]\nhosts = [\"http://a\"]\n",
            "2: rest.hosts: ",
            "is not a host name",
        ),
        (
            "[sql]\nlisten = \"localhost:5433\"\n",
            "2: sql.listen: ",
            "is not an IP address and port",
        ),
        (
            "[sql]\nlisten = \"127.0.0.1:8989\"\n",
            "1: rest.listen: ",
            "is taken by sql.listen",
        ),
        (
            "[sql]\nlisten = \"0.0.0.0:0\"\n",
            "2: sql.listen: ",
            "rollcall hash-password",
        ),
        (
            "[rest]\nlisten = \"[::]:0\"\n",
            "2: rest.listen: ",
            "not a loopback address",
        ),
        ("[users.\"\"]\n<user>", "1: users.\"\": ", "cannot be empty"),
        ("[users.\"a:b\"]\n<user>", "1: users.\"a:b\": ", "colon"),
        (
            "[users.a]\nrole = \"admin\"\n",
            "1: users.a.password: ",
            "is missing",
        ),
        (
            "[users.a]\n<user>\n[users.b]\npassword = \"secret\"\nrole = \"basic\"\n",
            "6: users.b.password: ",
            "not a SCRAM-SHA-256 verifier",
        ),
        (
            "[users.a]\nrole = \"root\"\npassword = \"<verifier>\"\n",
            "2: users.a.role: ",
            "\"admin\" or \"basic\"",
        ),
        (
            "[limits]\nsql_connections_max = 0\n",
            "2: limits.sql_connections_max: ",
            "not between 1 and",
        ),
        (
            "[limits]\nquery_memory_mib_max = 9999999999\n",
            "2: limits.query_memory_mib_max: ",
            "not between 1 and",
        ),
        (
            "[limits]\n\nidle_timeout_s = -1\n",
            "3: limits.idle_timeout_s: ",
            "not between 0 and",
        ),
        (
            "[limits]\nidle_timeout_s = 99999999999999999999\n",
            "2: limits.idle_timeout_s: ",
            "",
        ),
        (
            "[log]\nlevel = \"a=b=c\"\n",
            "2: log.level: ",
            "is not a level",
        ),
        (
            "[log]\nformat = \"xml\"\n",
            "2: log.format: ",
            "\"text\" nor \"json\"",
        ),
        (
            "[sql]\ntls = { cert = \"a.crt\" }\n",
            "2: sql.tls.key: ",
            "is missing",
        ),
        (
            "<tls missing.crt a.key>",
            "3: rest.tls.cert: ",
            "cannot read",
        ),
        (
            "<tls a.crt missing.key>",
            "4: rest.tls.key: ",
            "cannot read",
        ),
        (
            "<tls a.key a.key>",
            "3: rest.tls.cert: ",
            "no PEM certificate",
        ),
        (
            "<tls a.crt b.key>",
            "4: rest.tls.key: ",
            "does not belong to the certificate",
        ),
        (
            "[sql]\n[servers.db1]\naddress = \"db1:port\"\n",
            "3: servers.db1.address: ",
            "not a number from 1 to 65535",
        ),
        (
            "[services.rw]\nservers = [\"db1\"]\nrouter = \"readwritesplit\"\n",
            "2: services.rw.servers: ",
            "\"readwritesplit\" comes later",
        ),
        (
            "[listeners.l]\nservice = \"rw\"\naddress = \"127.0.0.1:0\"\n",
            "2: listeners.l.service: ",
            "no service \"rw\"",
        ),
        (
            "[filters.log]\nmodule = \"qlafilter\"\n",
            "1: filters.log.file: ",
            "is missing: the file that is written",
        ),
        (
            "[filters.log]\nmodule = \"tee\"\nfile = \"log\"\n",
            "2: filters.log.module: ",
            "\"tee\" is not a filter module",
        ),
        (
            "[servers.db1]\naddress = \"db1\"\n[services.rw]\nrouter = \"readconnroute\"\nservers = [\"db1\"]\nfilters = [\"log\"]\n",
            "6: services.rw.filters: ",
            "there is no filter \"log\"",
        ),
        (
            "[servers.db1]\naddress = \"db1\"\n[services.rw]\nrouter = \"readconnroute\"\nservers = [\"db1\"]\nretain_last_statements = -1\n",
            "6: services.rw.retain_last_statements: ",
            "-1 is not between 0 and 1000",
        ),
        (
            "[servers]\ndb1 = 5\n",
            "2: servers.db1: ",
            "expected a table",
        ),
    ];
    for (text, place, words) in cases {
        let text = match text.strip_prefix("<tls ") {
            Some(pair) => {
                let (cert, key) = pair
                    .trim_end_matches('>')
                    .split_once(' ')
                    .expect("two names");
                tls(cert, key)
            }
            None => text
                .replace("<user>", &user)
                .replace("<verifier>", &verifier.to_string()),
        };
        let files = Files::new(&text);
        files.write_certificate("a");
        files.write_certificate("b");
        let config = files.config();
        for arguments in [&["check"][..], &["--config"], &["serve", "--config"]] {
            let output = output(rollcall().args(arguments).arg(&config), "");
            let told = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{text}{told}");
            let place = format!("{}:{place}", config.display());
            assert!(told.starts_with(&place), "{text}\n{told}\n{place}");
            assert!(told.contains(words), "{text}{told}");
            assert!(!told.contains(&verifier.to_string()), "{told}");
            assert_eq!(stdout(&output), "", "{text}");
        }
    }
}

#[test]
fn check_says_ok_or_why_the_file_cannot_be_read() {
    let files = Files::new(ANY_PORTS);
    let good = output(rollcall().arg("check").arg(files.config()), "");
    assert_eq!(good.status.code(), Some(0));
    assert_eq!(stdout(&good), format!("{}: ok\n", files.config().display()));

    let missing = output(rollcall().args(["check", "missing.toml"]), "");
    assert_eq!(missing.status.code(), Some(2));
    let told = stderr(&missing);
    assert!(told.starts_with("missing.toml: cannot be read: "), "{told}");

    std::fs::write(files.config(), b"\n\xff").expect("a writable directory");
    let binary = output(rollcall().arg("check").arg(files.config()), "");
    assert_eq!(binary.status.code(), Some(2));
    assert!(stderr(&binary).contains("rollcall.toml:2: the file is not UTF-8 text"));
}

#[test]
fn hash_password_prints_a_verifier_of_the_first_line() {
    let hashed = output(
        rollcall().arg("hash-password"),
        "correct horse\nsecond line\n",
    );
    assert_eq!(hashed.status.code(), Some(0), "{}", stderr(&hashed));
    let verifier: Verifier = stdout(&hashed).trim_end().parse().expect("a verifier");
    assert!(verifier.check("correct horse"));
    assert!(!verifier.check("second line"));
    assert_eq!(stderr(&hashed), "");

    for input in ["", "\n"] {
        let refused = output(rollcall().arg("hash-password"), input);
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(stdout(&refused), "");
        assert_eq!(stderr(&refused), "rollcall: the password is empty\n");
    }
}

#[test]
fn a_hashed_password_is_accepted_by_check() {
    let hashed = stdout(&output(rollcall().arg("hash-password"), "secret\n"));
    let files = Files::new(&format!(
        "[users.alice]\npassword = \"{}\"\nrole = \"admin\"\n",
        hashed.trim_end()
    ));
    let checked = output(rollcall().arg("check").arg(files.config()), "");
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
}

#[test]
fn help_shows_how_to_connect() {
    for flag in ["--help", "-h"] {
        let help = output(rollcall().arg(flag), "");
        assert_eq!(help.status.code(), Some(0));
        let text = stdout(&help);
        for words in [
            "psql -h 127.0.0.1 -p 5433",
            "curl http://127.0.0.1:8989/v1/sessions",
            "hash-password",
        ] {
            assert!(text.contains(words), "{text}");
        }
    }
}

#[test]
fn a_bad_command_line_exits_with_2() {
    for arguments in [
        &["--nonsense"][..],
        &["nonsense"],
        &["check"],
        &["--config"],
    ] {
        let refused = output(rollcall().args(arguments), "");
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn sighup_reads_a_good_file_and_survives_a_bad_one() {
    let user = |name: &str| {
        let verifier = Verifier::generate("secret");
        format!("[users.{name}]\npassword = \"{verifier}\"\nrole = \"admin\"\n")
    };
    let files = Files::new(&format!("{ANY_PORTS}{}", user("alice")));
    let serving = Serving::start(&files.config());

    files.write(
        "rollcall.toml",
        "[users.alice]\npassword = \"SCRAM-SHA-256$hunter2\"\nrole = \"admin\"\n",
    );
    serving.signal(Signal::SIGHUP);
    let line = serving.wait_for_log("users and certificates stay as they are");
    assert!(
        line.contains("rollcall.toml:2: users.alice.password: "),
        "{line}"
    );
    assert!(!line.contains("hunter2"), "{line}");

    files.write(
        "rollcall.toml",
        &format!("{ANY_PORTS}{}{}", user("alice"), user("bob")),
    );
    serving.signal(Signal::SIGHUP);
    let line = serving.wait_for_log("again");
    assert!(line.contains("users=2"), "{line}");

    serving.signal(Signal::SIGTERM);
    assert_eq!(serving.exit_status().code(), Some(0));
}

#[test]
fn sighup_takes_a_new_certificate_and_keeps_the_old_one_for_a_bad_one() {
    let files = Files::new(
        "[sql]\nlisten = \"127.0.0.1:0\"\n\
         [rest]\nlisten = \"127.0.0.1:0\"\ntls = { cert = \"a.crt\", key = \"a.key\" }\n",
    );
    files.write_certificate("a");
    let serving = Serving::start(&files.config());

    files.write_certificate("a");
    serving.signal(Signal::SIGHUP);
    serving.wait_for_log("certificate read again");

    files.write("a.key", "not a key");
    serving.signal(Signal::SIGHUP);
    let line = serving.wait_for_log("users and certificates stay as they are");
    assert!(line.contains("rest.tls.key"), "{line}");

    serving.signal(Signal::SIGTERM);
    assert_eq!(serving.exit_status().code(), Some(0));
}
