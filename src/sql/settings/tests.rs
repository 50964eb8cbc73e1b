use super::*;

fn set(settings: &mut Settings, name: &str, value: &str) -> Result<String, &'static str> {
    let result = settings.set(name, &[value.to_owned()], Scope::Session);
    result.map_err(|error| error.code)?;
    Ok(settings.text(name).to_owned())
}

#[test]
fn definitions_are_all_different_and_take_their_own_defaults() {
    let names: Vec<_> = (0..COUNT)
        .map(|n| definition(n).name.to_lowercase())
        .collect();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    for index in 0..COUNT {
        let Definition {
            name,
            default,
            kind,
            ..
        } = definition(index);
        if !matches!(kind, Kind::Fixed(_)) {
            assert_eq!(
                kind.accept(name, default).as_deref(),
                Ok(*default),
                "{name}"
            );
        }
    }
}

#[test]
fn a_client_makes_up_parameters_with_a_dot() {
    let mut settings = Settings::new();
    assert_eq!(settings.show("my.app").map_err(|e| e.code), Err("42704"));
    assert_eq!(set(&mut settings, "My.App", "x").map(drop), Ok(()));
    assert_eq!(settings.show("my.app").unwrap().1, "x");
    settings.reset(Some("my.app")).unwrap();
    assert_eq!(settings.show("my.app").unwrap().1, "");
    assert_eq!(set(&mut settings, "my.1", "x"), Err("42602"));
    assert_eq!(set(&mut settings, "my", "x"), Err("42704"));
    assert_eq!(set(&mut settings, "datafusion.x.y", "x"), Err("42704"));
    assert_eq!(
        set(&mut settings, "my.app", &"x".repeat(2 << 20)),
        Err("54000")
    );
    settings.begin();
    set(&mut settings, "my.app", "y").unwrap();
    settings.rollback();
    assert_eq!(settings.show("my.app").unwrap().1, "");
}

#[test]
fn rows_of_pg_settings_are_in_units() {
    let mut settings = Settings::new();
    set(&mut settings, "statement_timeout", "5s").unwrap();
    let all = settings.all();
    let row = all.iter().find(|row| row.name == "statement_timeout");
    let row = row.unwrap();
    assert_eq!((row.setting.as_str(), row.unit), ("5000", Some("ms")));
    assert_eq!((row.vartype, row.source), ("integer", "session"));
    assert_eq!(row.max.as_deref(), Some("2147483647"));
    let names: Vec<_> = all.iter().map(|row| row.name.to_lowercase()).collect();
    assert!(names.is_sorted() && !names.contains(&"role".to_owned()));
}

#[test]
fn values_are_taken_in_their_forms_or_refused() {
    let mut settings = Settings::new();
    for (name, value, kept) in [
        ("statement_timeout", "100ms", Ok("100ms")),
        ("statement_timeout", "5s", Ok("5s")),
        ("statement_timeout", "60000", Ok("1min")),
        ("statement_timeout", "1.5 s", Ok("1500ms")),
        ("statement_timeout", "0", Ok("0")),
        ("statement_timeout", "-1", Err("22023")),
        ("statement_timeout", "5 parsecs", Err("22023")),
        ("statement_timeout", "3000000000", Err("22023")),
        ("timezone", "europe/berlin", Ok("Europe/Berlin")),
        ("timezone", "Mars/Olympus", Err("22023")),
        ("TimeZone", "2", Ok("<+02>-02")),
        ("datestyle", "iso", Ok("ISO, MDY")),
        ("datestyle", "ISO, YMD", Ok("ISO, YMD")),
        ("datestyle", "German", Err("22023")),
        ("client_encoding", "utf-8", Ok("UTF8")),
        ("client_encoding", "iso-8859-1", Ok("LATIN1")),
        ("client_encoding", "EBCDIC", Err("22023")),
        ("extra_float_digits", "3", Ok("3")),
        ("extra_float_digits", "-15", Err("22023")),
        ("standard_conforming_strings", "true", Ok("on")),
        ("standard_conforming_strings", "off", Err("22023")),
        ("transaction_read_only", "off", Err("22023")),
        (
            "default_transaction_isolation",
            "Serializable",
            Ok("serializable"),
        ),
        ("client_min_messages", "WARNING", Ok("warning")),
        ("server_version", "17", Err("55P02")),
        ("datafusion.execution.batch_size", "1", Err("42704")),
        ("no_such_parameter", "1", Err("42704")),
    ] {
        let result = set(&mut settings, name, value);
        assert_eq!(
            result.as_deref(),
            kept.as_ref().map(|v| *v),
            "{name} = {value}"
        );
    }
    let long = set(&mut settings, "application_name", &"ä\n".repeat(40)).unwrap_or_default();
    assert_eq!((long.len(), long.contains('\n')), (63, false));
}

#[test]
fn lists_are_written_as_identifiers() {
    let mut settings = Settings::new();
    let path = ["$user".to_owned(), "public".to_owned(), "a\"b".to_owned()];
    assert_eq!(settings.set("search_path", &path, Scope::Session), Ok(()));
    assert_eq!(
        settings.text("search_path"),
        "\"$user\", public, \"a\"\"b\""
    );
    let two = settings.set("statement_timeout", &path, Scope::Session);
    assert_eq!(two.map_err(|error| error.code), Err("22023"));
}

#[test]
fn a_transaction_takes_back_what_was_set_in_it() {
    let mut settings = Settings::new();
    let local = |settings: &mut Settings, value: &str| {
        settings.set("timezone", &[value.to_owned()], Scope::Local)
    };
    settings.begin();
    assert_eq!(
        set(&mut settings, "timezone", "Asia/Tokyo").as_deref(),
        Ok("Asia/Tokyo")
    );
    settings.rollback();
    assert_eq!(settings.text("TimeZone"), "UTC");

    settings.begin();
    assert_eq!(
        set(&mut settings, "timezone", "Asia/Tokyo").as_deref(),
        Ok("Asia/Tokyo")
    );
    assert_eq!(local(&mut settings, "America/Lima"), Ok(()));
    assert_eq!(settings.zone().to_string(), "America/Lima");
    settings.commit();
    assert_eq!(settings.zone().to_string(), "Asia/Tokyo");

    settings.begin();
    settings.savepoint();
    assert_eq!(
        set(&mut settings, "timezone", "Asia/Seoul").as_deref(),
        Ok("Asia/Seoul")
    );
    settings.savepoint();
    assert_eq!(local(&mut settings, "America/Lima"), Ok(()));
    settings.rollback_to(1);
    assert_eq!(settings.text("timezone"), "Asia/Seoul");
    settings.rollback_to(0);
    assert_eq!(settings.text("timezone"), "Asia/Tokyo");
    settings.commit();
    assert_eq!(settings.text("timezone"), "Asia/Tokyo");
}

#[test]
fn reset_returns_to_what_the_client_began_with() {
    let mut settings = Settings::new();
    assert_eq!(settings.establish("timezone", "Asia/Tokyo"), Ok(()));
    settings.establish_fact("session_authorization", "ann");
    assert_eq!(set(&mut settings, "timezone", "UTC").as_deref(), Ok("UTC"));
    assert_eq!(settings.reset(Some("timezone")), Ok(()));
    assert_eq!(settings.text("timezone"), "Asia/Tokyo");
    assert_eq!(set(&mut settings, "timezone", "UTC").as_deref(), Ok("UTC"));
    assert_eq!(settings.reset(None), Ok(()));
    assert_eq!(settings.text("timezone"), "Asia/Tokyo");
    assert_eq!(settings.text("session_authorization"), "ann");
}

#[test]
fn only_changes_of_reported_parameters_are_told() {
    let mut settings = Settings::new();
    let all = settings.report_all();
    assert!(
        all.iter()
            .any(|(name, value)| (*name, value.as_str()) == ("TimeZone", "UTC"))
    );
    assert_eq!(
        set(&mut settings, "statement_timeout", "1s").as_deref(),
        Ok("1s")
    );
    assert_eq!(settings.report_changes(), []);
    assert_eq!(
        set(&mut settings, "timezone", "Asia/Tokyo").as_deref(),
        Ok("Asia/Tokyo")
    );
    assert_eq!(
        settings.report_changes(),
        [("TimeZone", "Asia/Tokyo".to_owned())]
    );
    assert_eq!(settings.report_changes(), []);
}

#[test]
fn a_transaction_takes_the_default_level_unless_told_otherwise() {
    let mut settings = Settings::new();
    let serializable = TransactionModes {
        isolation: Some("serializable"),
        ..Default::default()
    };
    assert_eq!(settings.set_transaction(&serializable, true), Ok(()));
    settings.begin();
    assert_eq!(settings.text("transaction_isolation"), "serializable");
    let repeatable = TransactionModes {
        isolation: Some("repeatable read"),
        ..Default::default()
    };
    assert_eq!(settings.set_transaction(&repeatable, false), Ok(()));
    assert_eq!(settings.text("transaction_isolation"), "repeatable read");
    settings.commit();
    assert_eq!(settings.text("transaction_isolation"), "read committed");
    let write = TransactionModes {
        read_only: Some(false),
        ..Default::default()
    };
    let refused = settings
        .set_transaction(&write, false)
        .map_err(|error| error.code);
    assert_eq!(refused, Err("22023"));
}
