//! Five hundred psql at once, each with parameters of its own, which nobody else ever sees.

use std::process::Command;

use crate::support::program::{Program, Psql, finish};

/// How many psql there are.
const CLIENTS: usize = 500;

/// How often each is asked what it has set.
const ROUNDS: usize = 3;

const ZONES: [&str; 5] = [
    "Europe/Helsinki",
    "Asia/Kathmandu",
    "America/New_York",
    "UTC",
    "Australia/Eucla",
];

/// By what a client sets its parameters.
#[derive(Clone, Copy)]
enum By {
    Set,
    SetLocal,
    Options,
    SetConfig,
}

/// What a client has set.
struct Own {
    by: By,
    values: [(&'static str, String); 4],
}

impl Own {
    fn new(n: usize) -> Self {
        Self {
            by: [By::Set, By::SetLocal, By::Options, By::SetConfig][n % 4],
            values: [
                ("TimeZone", ZONES[n % ZONES.len()].to_owned()),
                ("application_name", format!("client {n}")),
                ("statement_timeout", format!("{}ms", 600_001 + n)),
                ("search_path", format!("public, s{n}")),
            ],
        }
    }

    /// A psql that says so when it connects, if it is one of those.
    fn command(&self, program: &Program) -> Command {
        let mut command = program.psql_command("dba");
        if let By::Options = self.by {
            let set =
                |(name, value): &(&str, String)| format!("-c {name}={}", value.replace(' ', "\\ "));
            let options: Vec<String> = self.values.iter().map(set).collect();
            command.env("PGOPTIONS", options.join(" "));
            // psql's own name would come before it.
            command.env("PGAPPNAME", &self.values[1].1);
        }
        command
    }

    /// What it types to set them.
    fn statements(&self) -> String {
        let each = |form: &dyn Fn(&str, &str) -> String| -> String {
            let statements = self.values.iter().map(|(name, value)| form(name, value));
            statements.collect::<Vec<_>>().join(" ")
        };
        let list = |value: &str| match value.split_once(", ") {
            Some((first, second)) => format!("{first}, {second}"),
            None => format!("'{value}'"),
        };
        match self.by {
            By::Set => each(&|name, value| format!("SET {name} = {};", list(value))),
            By::SetLocal => {
                let set = each(&|name, value| format!("SET LOCAL {name} = {};", list(value)));
                format!("BEGIN; {set}")
            }
            By::Options => String::new(),
            By::SetConfig => each(&|name, value| {
                format!("SELECT set_config('{name}', '{value}', false) IS NULL;")
            }),
        }
    }

    /// What it is to be told: each value, the offset of its time zone, and its name in its own row.
    fn expected(&self) -> String {
        let values: Vec<&str> = self
            .values
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        format!("{}|{}", values.join("|"), values[1])
    }
}

/// What each is asked.
const QUESTION: &str = "SELECT current_setting('TimeZone'), current_setting('application_name'), \
     current_setting('statement_timeout'), current_setting('search_path'), application_name \
     FROM sessions WHERE id = pg_backend_pid();";

#[test]
fn five_hundred_clients_never_see_each_others_parameters() {
    let program = Program::start(&format!("limits.sql_connections_max = {}\n", CLIENTS + 10));
    let owns: Vec<Own> = (0..CLIENTS).map(Own::new).collect();
    let mut clients: Vec<Psql> = owns
        .iter()
        .map(|own| Psql::spawn(&program, &mut own.command(&program)))
        .collect();
    for (client, own) in clients.iter_mut().zip(&owns) {
        client.type_in(&own.statements());
    }
    for round in 0..ROUNDS {
        // All at once, then each answer.
        for client in &mut clients {
            client.type_in(&format!("{QUESTION}\n\\echo -- {round} --"));
        }
        for (client, own) in clients.iter_mut().zip(&owns) {
            let lines: Vec<String> = std::iter::from_fn(|| client.next_line())
                .take_while(|line| *line != format!("-- {round} --"))
                .collect();
            let answer = lines.last().cloned().unwrap_or_default();
            assert_eq!(answer, own.expected(), "{lines:?} {}", client.complaints());
        }
    }
    let counted = finish(program.psql_command("dba").args([
        "-c",
        "SELECT count(DISTINCT application_name) FROM sessions WHERE application_name LIKE 'client %'",
    ]));
    assert_eq!(
        String::from_utf8_lossy(&counted.stdout).trim(),
        CLIENTS.to_string()
    );
    // What was local to a transaction ends with it.
    let (own, client) = (&owns[1], &mut clients[1]);
    assert!(matches!(own.by, By::SetLocal));
    assert_eq!(client.ask("COMMIT; SHOW TimeZone;"), "UTC");
}
