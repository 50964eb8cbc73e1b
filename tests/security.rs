//! Who may do what, and that nobody else can.

use std::process::{Command, Stdio};

use crate::support::program::{Program, Psql, Said, eventually, finish};

/// A password's verifier, made by the program itself.
fn verifier(password: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    std::io::Write::write_all(&mut stdin, format!("{password}\n").as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

fn two_users() -> String {
    format!(
        "[users.alice]\npassword = \"{}\"\nrole = \"admin\"\n[users.bob]\npassword = \"{}\"\nrole = \"basic\"\n",
        verifier("secret-a"),
        verifier("secret-b"),
    )
}

fn psql(program: &Program, user: &str, password: &str, sql: &str) -> Said {
    let mut command = program.psql_command(user);
    finish(command.env("PGPASSWORD", password).args(["-c", sql])).into()
}

#[test]
fn passwords_are_asked_for_at_both_doors() {
    let program = Program::start(&two_users());
    let asked = "select current_user, count(*) from sessions";
    assert_eq!(psql(&program, "alice", "secret-a", asked).out, "alice|1");
    assert_eq!(psql(&program, "bob", "secret-b", asked).out, "bob|1");
    for (user, password) in [("alice", "not-hers"), ("nobody", "secret-a"), ("alice", "")] {
        let said = psql(&program, user, password, asked);
        assert!(!said.ok);
        let refusal = format!("password authentication failed for user \"{user}\"");
        let known = said.err.contains(&refusal) || said.err.contains("no password supplied");
        assert!(known, "{}", said.err);
    }
    let path = "/v1/sessions";
    assert_eq!(program.curl(path, &["-u", "alice:secret-a"]).status, 200);
    assert_eq!(program.curl(path, &["-u", "bob:secret-b"]).status, 200);
    for credentials in ["alice:not-hers", "nobody:secret-a", "alice:"] {
        let answer = program.curl(path, &["-u", credentials]);
        assert_eq!(answer.status, 401, "{credentials}");
        assert!(
            answer
                .head
                .to_lowercase()
                .contains("www-authenticate: basic realm=")
        );
    }
    assert_eq!(program.curl(path, &[]).status, 401);
    let log = program.log();
    for secret in ["secret-a", "secret-b", "not-hers", "SCRAM-SHA-256$"] {
        assert!(!log.contains(secret), "the log tells {secret}");
    }
}

#[test]
fn a_basic_user_looks_but_does_not_kill() {
    let program = Program::start(&two_users());
    let mut command = program.psql_command("alice");
    let mut alice = Psql::spawn(&program, command.env("PGPASSWORD", "secret-a"));
    let id = alice.ask("select pg_backend_pid();");
    for function in ["kill_session", "pg_terminate_backend", "pg_cancel_backend"] {
        let said = psql(
            &program,
            "bob",
            "secret-b",
            &format!("select {function}({id})"),
        );
        assert!(said.err.contains("42501"), "{}", said.err);
        assert!(
            said.err.contains("permission denied for function"),
            "{}",
            said.err
        );
    }
    for sql in ["select * from queries", "select count(*) from queries"] {
        let said = psql(&program, "bob", "secret-b", sql);
        let denied = "ERROR:  42501: permission denied for table queries";
        assert!(said.err.contains(denied), "{}", said.err);
    }
    let path = format!("/v1/sessions/{id}");
    let as_bob = ["-u", "bob:secret-b", "-X", "DELETE"];
    assert_eq!(program.curl(&path, &as_bob).status, 403);
    let disguised = [
        "-u",
        "bob:secret-b",
        "-X",
        "POST",
        "-H",
        "X-HTTP-Method-Override: DELETE",
    ];
    assert!(program.curl(&path, &disguised).status >= 400);
    assert_eq!(alice.ask("select 'served';"), "served");
    assert_eq!(
        program
            .curl(&path, &["-u", "alice:secret-a", "-X", "DELETE"])
            .status,
        204
    );
    alice.type_in("select 'served';");
    assert_eq!(alice.next_line(), None);
}

#[test]
fn tls_is_verified_against_our_own_authority() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("Test authority");
    let write =
        |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");
    let (certificate, key) = authority.issue("127.0.0.1");
    write("ca.crt", &authority.pem());
    write("other.crt", &Authority::new("Another authority").pem());
    write("server.crt", &certificate);
    write("server.key", &key);
    let tls = "{ cert = \"server.crt\", key = \"server.key\" }";
    let config = format!("sql.tls = {tls}\nrest.tls = {tls}\n{}", two_users());
    let program = Program::start_in(dir, &config);
    let connect = |mode: &str, root: &str| -> Said {
        let mut command = program.psql_command("alice");
        command
            .env("PGPASSWORD", "secret-a")
            .env("PGSSLMODE", mode)
            .env("PGSSLROOTCERT", program.dir.path().join(root))
            .args(["-c", "select tls from sessions where id = pg_backend_pid()"]);
        finish(&mut command).into()
    };
    let said = connect("verify-full", "ca.crt");
    assert!(said.out.starts_with("TLSv1.3"), "{said:?}");
    let said = connect("verify-full", "other.crt");
    assert!(said.err.contains("certificate verify failed"), "{said:?}");
    let mut bound = program.psql_command("alice");
    bound
        .env("PGPASSWORD", "secret-a")
        .env("PGSSLROOTCERT", program.dir.path().join("ca.crt"))
        .env("PGSSLMODE", "verify-full")
        .env("PGCHANNELBINDING", "require")
        .args(["-c", "select 1"]);
    let said = Said::from(finish(&mut bound));
    assert_eq!(said.out, "1", "{said:?}");

    let ca = program.dir.path().join("ca.crt");
    let ca = ca.to_str().expect("text");
    let answer = program.curl("/v1/sessions", &["--cacert", ca, "-u", "bob:secret-b"]);
    assert_eq!(answer.status, 200);
    let own = answer.json()["links"]["self"].clone();
    assert!(
        own.as_str()
            .is_some_and(|link| link.starts_with("https://")),
        "{own}"
    );
}

/// A certificate authority of the test's own.
struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: rcgen::Issuer::new(parameters, key),
        }
    }

    fn pem(&self) -> String {
        self.pem.clone()
    }

    fn issue(&self, name: &str) -> (String, String) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = parameters
            .signed_by(&key, &self.issuer)
            .expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

#[test]
fn databases_are_told_apart() {
    let program = Program::start("");
    let connect = |database: &str| -> Said {
        let mut command = program.psql_command("maxuser");
        finish(command.args(["-d", database, "-c", "select current_database()"])).into()
    };
    assert_eq!(connect("rollcall").out, "rollcall");
    assert_eq!(connect("maxuser").out, "rollcall");
    let said = connect("accounts");
    assert!(
        said.err.contains("database \"accounts\" does not exist"),
        "{}",
        said.err
    );
}

#[test]
fn the_door_only_reads() {
    let program = Program::start("");
    let file = program.dir.path().join("stolen");
    let path = file.to_str().expect("text");
    let cases = [
        (format!("COPY (SELECT 1) TO '{path}'"), "42501"),
        (format!("COPY sessions TO '{path}'"), "42501"),
        (format!("COPY sessions TO PROGRAM 'tee {path}'"), "42501"),
        (format!("COPY sessions FROM '{path}'"), "42501"),
        ("COPY sessions FROM STDIN".to_owned(), "25006"),
        (
            format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{path}'"),
            "",
        ),
        (format!("SELECT * FROM '{path}'"), "42"),
        ("CREATE TABLE t (a int)".to_owned(), "25006"),
        ("CREATE TABLE t AS SELECT 1".to_owned(), "25006"),
        ("CREATE VIEW v AS SELECT 1".to_owned(), "25006"),
        ("DROP TABLE sessions".to_owned(), "25006"),
        ("DELETE FROM sessions".to_owned(), "25006"),
        ("UPDATE sessions SET \"user\" = 'x'".to_owned(), "25006"),
        ("INSERT INTO sessions VALUES (1)".to_owned(), "25006"),
        ("SELECT 1 INTO t".to_owned(), "25006"),
        (
            "SET datafusion.execution.batch_size = 1".to_owned(),
            "42704",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'".to_owned(),
            "25006",
        ),
    ];
    for (sql, code) in cases {
        let said = program.psql("dba", &sql);
        assert!(!said.ok, "{sql} was carried out");
        assert!(
            said.err.contains(&format!("ERROR:  {code}")),
            "{sql}: {}",
            said.err
        );
    }
    assert!(!file.exists());
    let mut psql = Psql::connect(&program, "one");
    psql.ask(
        "SET TimeZone = 'Asia/Tokyo'; SET search_path = nowhere; SET application_name = 'mine';",
    );
    assert_eq!(psql.ask("SHOW TimeZone;"), "Asia/Tokyo");
    assert_eq!(program.ask("SHOW TimeZone"), "UTC");
    assert_eq!(
        program.ask("SELECT application_name FROM sessions WHERE \"user\" = 'one'"),
        "mine"
    );
}

#[test]
fn a_token_ends_with_its_user_s_password() {
    let bob = |password: &str| {
        let verifier = verifier(password);
        format!("[users.bob]\npassword = \"{verifier}\"\nrole = \"admin\"\n")
    };
    let alice = format!(
        "[users.alice]\npassword = \"{}\"\nrole = \"basic\"\n",
        verifier("secret-a")
    );
    let program = Program::start(&format!("{alice}{}", bob("secret-b")));
    let token = |credentials: &str| {
        let answer = program.curl("/v1/auth", &["-u", credentials]);
        let token = answer.json()["meta"]["token"].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("no token: {answer:?}"))
    };
    let (alices, bobs) = (token("alice:secret-a"), token("bob:secret-b"));
    let status = |token: &str| {
        let header = format!("Authorization: Bearer {token}");
        program.curl("/v1/sessions", &["-H", &header]).status
    };
    assert_eq!((status(&alices), status(&bobs)), (200, 200));

    let reload = |users: &str| {
        let file = program.dir.path().join("rollcall.toml");
        std::fs::write(file, users).expect("a writable directory");
        let times = || program.log().matches("SIGHUP: read").count();
        let before = times();
        program.signal(nix::sys::signal::Signal::SIGHUP);
        eventually(times, |now| *now > before);
    };
    reload(&format!("{alice}{}", bob("other")));
    assert_eq!((status(&alices), status(&bobs)), (200, 401));
    reload(&bob("other"));
    assert_eq!(status(&alices), 401);
    for secret in [&alices, &bobs] {
        assert!(!program.log().contains(&**secret), "the log has a token");
    }
}

#[test]
fn a_guesser_is_slowed_down_and_nobody_else() {
    let limits = "[limits]\nfailed_logins_per_address_max = 3\n";
    let program = Program::start(&format!("{limits}{}", two_users()));
    let (right, wrong) = ("alice:secret-a", "alice:guess");
    let ask = |credentials, address| {
        let arguments = ["-u", credentials, "--interface", address];
        program.curl("/v1/sessions", &arguments)
    };
    let elsewhere = "127.0.0.2";
    // Guesses at both doors count together.
    assert_eq!(ask(wrong, "127.0.0.1").status, 401);
    let said = psql(&program, "alice", "guess", "select 1");
    assert!(said.err.contains("password authentication failed"));
    assert_eq!(ask(wrong, "127.0.0.1").status, 401);
    for credentials in [wrong, right] {
        let answer = ask(credentials, "127.0.0.1");
        assert_eq!(answer.status, 429, "{credentials}");
        let head = answer.head.to_lowercase();
        let wait = head
            .lines()
            .find_map(|line| line.strip_prefix("retry-after: "));
        let wait: u64 = wait.and_then(|wait| wait.parse().ok()).expect("a number");
        assert!((1..=20).contains(&wait), "{wait}");
        let detail = &answer.json()["errors"][0]["detail"];
        assert!(
            detail
                .as_str()
                .is_some_and(|d| d.contains("too many failed logins"))
        );
    }
    let said = psql(&program, "alice", "secret-a", "select 1");
    assert!(
        said.err.contains("FATAL:  too many failed logins"),
        "{}",
        said.err
    );
    assert!(said.err.contains("HINT:  Try again in"), "{}", said.err);
    assert_eq!(ask(right, elsewhere).status, 200);
    assert_eq!(ask(wrong, elsewhere).status, 401);
    let metrics = program
        .curl("/metrics", &["-u", right, "--interface", elsewhere])
        .body;
    assert!(
        metrics.contains("\nrollcall_logins_failed_total 4\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("\nrollcall_logins_refused_total 3\n"),
        "{metrics}"
    );
}
