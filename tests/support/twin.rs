//! The program, and a real server made to look like it.

use std::fmt::Write;
use std::process::Command;

use super::postgres::{self, PASSWORD, Postgres, Wanted, binary};
use super::program::{Program, Said, finish};

/// Who asks, on both sides: the owner of everything.
pub const USER: &str = "rollcall";

/// Both of them.
pub struct Pair {
    pub ours: Program,
    pub theirs: Postgres,
}

impl Pair {
    /// With these further settings for the real server.
    pub fn start(settings: &str) -> Self {
        let ours = Program::start("");
        let theirs = Postgres::wanted(Wanted {
            settings: settings.to_owned(),
            ..Wanted::default()
        });
        let pair = Self { ours, theirs };
        pair.become_alike();
        pair
    }

    /// A psql that would ask the program.
    pub fn ask_ours(&self) -> Command {
        psql(self.ours.sql.port())
    }

    /// A psql that would ask the real server.
    pub fn ask_theirs(&self) -> Command {
        psql(self.theirs.port)
    }

    /// How a driver connects to the program, and to the real server.
    pub fn addresses(&self) -> [String; 2] {
        [self.ours.sql.port(), self.theirs.port].map(|port| {
            format!("host=127.0.0.1 port={port} user={USER} password={PASSWORD} dbname=rollcall")
        })
    }

    /// Gives the real server one owner, one database and the tables of the program.
    fn become_alike(&self) {
        let as_superuser = |database: &str, sql: &str| {
            let host = self.theirs.dir.path().to_string_lossy().into_owned();
            let mut command = postgres::client("psql", &host, self.theirs.port);
            command
                .env("PGUSER", "trusted")
                .env("PGDATABASE", database)
                .args(postgres::QUIET);
            let said: Said = finish(command.args(["-c", sql])).into();
            assert!(said.ok, "{sql}: {}", said.err);
        };
        let locale = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'";
        for sql in [
            "DROP DATABASE app",
            "DROP ROLE app, ann, bob, clear, monitor, md5",
            &format!("ALTER ROLE postgres RENAME TO {USER}"),
            &format!("ALTER ROLE {USER} PASSWORD '{PASSWORD}'"),
            &format!("CREATE DATABASE rollcall OWNER {USER} {locale}"),
        ] {
            as_superuser("template1", sql);
        }
        for sql in [
            "UPDATE pg_database SET datistemplate = false",
            "DROP DATABASE postgres",
            "DROP DATABASE template0",
            "DROP DATABASE template1",
            "DROP EXTENSION plpgsql",
            &format!("ALTER SCHEMA public OWNER TO {USER}"),
        ] {
            as_superuser("rollcall", sql);
        }
        let tables = self.definitions();
        let said: Said = finish(
            self.ask_theirs()
                .args(["-v", "ON_ERROR_STOP=1", "-c", &tables]),
        )
        .into();
        assert!(said.ok, "{tables}\n{}", said.err);
        // One that logged in only to rename the owner.
        let said: Said = finish(self.ask_theirs().args(["-c", "DROP ROLE trusted"])).into();
        assert!(said.ok, "{}", said.err);
    }

    /// What would make the program's tables, from what the program says of them.
    fn definitions(&self) -> String {
        let rows = |sql: &str| -> Vec<Vec<String>> {
            let said: Said = finish(
                self.ask_ours()
                    .args(["-t", "-R", "\u{1e}", "-F", "\u{1f}", "-c", sql]),
            )
            .into();
            assert!(said.err.is_empty(), "{sql}: {}", said.err);
            let rows = said
                .out
                .split('\u{1e}')
                .filter(|row| !row.trim().is_empty());
            rows.map(|row| row.split('\u{1f}').map(str::to_owned).collect())
                .collect()
        };
        let tables = rows(
            "SELECT c.oid, quote_ident(c.relname), obj_description(c.oid, 'pg_class') \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v') ORDER BY c.relname",
        );
        let mut made = String::new();
        for [oid, name, comment] in tables
            .iter()
            .filter_map(|row| row.as_chunks::<3>().0.first())
        {
            let columns = rows(&format!(
                "SELECT quote_ident(attname), format_type(atttypid, atttypmod), attnotnull, \
                 col_description(attrelid, attnum) \
                 FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 ORDER BY attnum"
            ));
            let columns: Vec<[String; 4]> = columns
                .into_iter()
                .filter_map(|row| row.try_into().ok())
                .collect();
            let list = columns.iter().map(|[column, data_type, not_null, _]| {
                let not_null = if not_null == "t" { " NOT NULL" } else { "" };
                format!("{column} {data_type}{not_null}")
            });
            let list: Vec<String> = list.collect();
            let _ = writeln!(made, "CREATE TABLE {name} ({});", list.join(", "));
            let comments = columns
                .iter()
                .map(|[column, _, _, comment]| (format!("COLUMN {name}.{column}"), comment))
                .chain([(format!("TABLE {name}"), comment)]);
            for (what, comment) in comments.filter(|(_, comment)| !comment.is_empty()) {
                let comment = comment.replace('\'', "''");
                let _ = writeln!(made, "COMMENT ON {what} IS '{comment}';");
            }
        }
        // Primary keys first, since foreign keys refer to them.
        let constraints = rows(
            "SELECT quote_ident(c.relname), quote_ident(o.conname), pg_get_constraintdef(o.oid) \
             FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = 'public' ORDER BY o.contype DESC, c.relname, o.conname",
        );
        for [table, name, definition] in constraints
            .iter()
            .filter_map(|row| row.as_chunks::<3>().0.first())
        {
            let _ = writeln!(
                made,
                "ALTER TABLE {table} ADD CONSTRAINT {name} {definition};"
            );
        }
        made
    }
}

fn psql(port: u16) -> Command {
    let mut command = Command::new(binary("psql"));
    command
        .args(["-X", "-w", "-A", "-P", "pager=off"])
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", port.to_string())
        .env("PGUSER", USER)
        .env("PGPASSWORD", PASSWORD)
        .env("PGDATABASE", "rollcall")
        .env("PGCONNECT_TIMEOUT", "30")
        .env("LC_ALL", "C.UTF-8");
    command
}
