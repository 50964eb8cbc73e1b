//! What psql does beyond sending statements.

use crate::support::program::{Program, finish};

/// Runs a script from standard input's place, and insists that nothing is complained about.
fn script(program: &Program, options: &[(&str, &str)], sql: &str) -> String {
    let path = program.dir.path().join("script.sql");
    std::fs::write(&path, sql).expect("a writable directory");
    let mut command = program.psql_command("ann");
    command.envs(options.iter().copied()).arg("-f").arg(&path);
    let said = finish(&mut command);
    assert!(
        said.stderr.is_empty(),
        "{sql}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    String::from_utf8(said.stdout).expect("UTF-8")
}

#[test]
fn psql_copies_to_its_own_files() {
    let program = Program::start("");
    let file = program.dir.path().join("out.csv");
    let sql = format!(
        "\\copy (select generate_series, 'a,b' as s from generate_series(1, 3)) to '{}' with csv header\n",
        file.display()
    );
    script(&program, &[], &sql);
    let copied = std::fs::read_to_string(file).expect("a file");
    assert_eq!(
        copied,
        "generate_series,s\n1,\"a,b\"\n2,\"a,b\"\n3,\"a,b\"\n"
    );
    let said = script(&program, &[], "copy (select 1, null) to stdout;\n");
    assert_eq!(said, "1\t\\N\n");
}

#[test]
fn psql_reads_in_pieces_and_prepares() {
    let program = Program::start("");
    let sql = "\\set FETCH_COUNT 2\nselect generate_series from generate_series(1, 5);\n";
    assert_eq!(script(&program, &[], sql), "1\n2\n3\n4\n5\n");
    let sql = "prepare p(int) as select $1 + 1 as n;\nexecute p(41);\n";
    assert_eq!(script(&program, &[], sql), "42\n");
}

#[test]
fn options_of_the_environment_are_settings() {
    let program = Program::start("");
    let options = "-c statement_timeout=5s --work-mem=8MB -cmyapp.user=a\\ b";
    let sql = "show statement_timeout; show work_mem; show myapp.user;\n";
    let said = script(&program, &[("PGOPTIONS", options)], sql);
    assert_eq!(said, "5s\n8MB\na b\n");
}
