//! What the program's log says of requests.

use serde_json::{Value, json};

use crate::support::program::{Program, eventually};

/// The log's lines with this message, as objects.
fn lines(program: &Program, message: &str) -> Vec<Value> {
    let log = program.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["fields"]["message"] == message)
        .collect()
}

/// What the last line with this message says, once there are so many.
fn last(program: &Program, message: &str, count: usize) -> Value {
    let mut lines = eventually(|| lines(program, message), |lines| lines.len() == count);
    lines.pop().expect("a line")["fields"].take()
}

const ANSWERED: &str = "a request was answered";
const REFUSED: &str = "a request was refused";

#[test]
fn what_was_done_is_logged_whatever_method_asked_for_it() {
    let program = Program::start("[log]\nformat = \"json\"\n");
    let mut psql = crate::support::program::Psql::connect(&program, "dba");
    let id = psql.ask("select pg_backend_pid();");
    let path = format!("/v1/sessions/{id}");
    let as_other = |method: &'static str, wanted: &str, more: &[&str]| {
        let wanted = format!("X-HTTP-Method-Override: {wanted}");
        let given = [&["-X", method, "-H", &wanted][..], more].concat();
        program.curl(&path, &given).status
    };
    let body = "{\"data\":{\"attributes\":{\"parameters\":{\"log_info\":false}}}}";
    let json = "Content-Type: application/json";
    assert_eq!(as_other("GET", "PATCH", &["-d", body, "-H", json]), 204);
    let line = last(&program, ANSWERED, 1);
    assert_eq!(
        [
            &line["method"],
            &line["sent"],
            &line["path"],
            &line["remote"]
        ],
        [
            &json!("PATCH"),
            &json!("GET"),
            &json!(path),
            &json!("127.0.0.1")
        ]
    );
    // Nothing was deleted, so it is no event.
    assert_eq!(as_other("DELETE", "GET", &[]), 200);
    let later = format!("{path}?ttl=1000.5");
    assert_eq!(program.curl(&later, &["-X", "DELETE"]).status, 204);
    let line = last(&program, ANSWERED, 2);
    assert_eq!(line["method"], "DELETE");
    assert_eq!(line.get("sent"), None);
    // Numbers, with their units in their names.
    assert!(line["duration_ms"].is_f64(), "{line}");
    let line = last(&program, "an administrator closes a session", 1);
    assert_eq!(line["ttl_s"], 1000.5);
}

#[test]
fn what_the_parser_refuses_is_answered_and_logged() {
    let program = Program::start("[log]\nformat = \"json\"\n");
    let mut refused = 0;
    for (arguments, path, told) in [
        (&["-X", "G(T"][..], "/v1/sessions/9?filter=id=1", 400),
        (
            &["-X", "POST", "-H", "Transfer-Encoding: gzip, chunked"],
            "/v1/sessions",
            501,
        ),
        (&["-H", "Content-Length: 1x"], "/v1/sessions", 400),
    ] {
        let answer = program.curl(path, arguments);
        assert_eq!(answer.status, told, "{answer:?}");
        assert!(
            answer.json()["errors"][0]["detail"].is_string(),
            "{answer:?}"
        );
        refused += 1;
        let line = last(&program, REFUSED, refused);
        assert_eq!(
            [&line["status"], &line["remote"]],
            [&json!(told), &json!("127.0.0.1")]
        );
        assert!(
            line["path"]
                .as_str()
                .is_some_and(|path| path.starts_with("/v1/sessions"))
        );
        assert!(
            line["request"].is_u64() && line["detail"].is_string(),
            "{line}"
        );
    }
    // As somebody types it.
    let answer = program.curl("/v1/sessions?filter=/attributes/user=\"nobody\"", &[]);
    assert_eq!((answer.status, &answer.json()["data"]), (200, &json!([])));
}

#[test]
fn who_guesses_passwords_is_logged() {
    // Of no password: nobody gets in.
    let verifier = rollcall::auth::Verifier::generate("secret");
    let program = Program::start(&format!(
        "[log]\nformat = \"json\"\n[users.alice]\npassword = \"{verifier}\"\nrole = \"admin\"\n"
    ));
    let guess = |credentials: &str| program.curl("/v1/sessions", &["-u", credentials]).status;
    assert_eq!(guess("alice:guessed"), 401);
    let line = last(&program, REFUSED, 1);
    assert_eq!(
        [
            &line["claimed"],
            &line["user"],
            &line["remote"],
            &line["status"]
        ],
        [
            &json!("alice"),
            &json!(""),
            &json!("127.0.0.1"),
            &json!(401)
        ]
    );
    let detail = line["detail"].as_str().expect("a reason");
    assert!(detail.contains("password"), "{detail}");
    // Until there are too many.
    let mut guesses = 1;
    while guess("mallory:guessed") == 401 {
        guesses += 1;
        assert!(guesses < 100, "nobody stops it");
    }
    let line = last(&program, REFUSED, guesses + 1);
    assert_eq!(
        [&line["claimed"], &line["status"]],
        [&json!("mallory"), &json!(429)]
    );
    assert!(!program.log().contains("guessed"));
    // Nor does anybody fill the log, known or not.
    let long = format!("/v1/{}", "x".repeat(50_000));
    let before = program.log().len();
    assert_eq!(program.curl(&long, &[]).status, 401);
    last(&program, REFUSED, guesses + 2);
    assert!(program.log().len() - before < 1_000);
}
