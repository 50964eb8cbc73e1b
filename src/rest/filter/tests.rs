use proptest::prelude::*;
use serde_json::json;

use super::*;

fn name(name: &str) -> Step {
    Step::Name(name.to_owned())
}

fn condition(what: &str) -> Result<Condition, String> {
    Filter::of_path("id", what)
        .map(|filter| filter.condition)
        .map_err(|refusal| refusal.detail().to_owned())
}

#[test]
fn paths_are_pointers_or_json_paths() {
    assert_eq!(pointer("/attributes/user"), pointer("attributes/user"));
    assert_eq!(pointer("/a~1b/~01/0"), [name("a/b"), name("~1"), name("0")]);
    let read = |text: &str| json_path(text).map_err(|refusal| refusal.detail().to_owned());
    let expected = Ok(vec![name("attributes"), name("idle")]);
    for text in [
        "attributes.idle",
        "$.attributes.idle",
        "$['attributes'][\"idle\"]",
        "attributes['idle']",
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    let wild = vec![name("data"), Step::All, name("id"), Step::At(0), Step::All];
    assert_eq!(read("$.data[*].id[0].*"), Ok(wild));
    for (wrong, place) in [
        ("", "character 1"),
        ("$", "character 1"),
        ("a..b", "character 2"),
        ("a[b]", "character 2"),
        ("a[", "character 2"),
        ("a['b", "character 2"),
        ("a[0]b", "character 5"),
        ("a[-1]", "character 2"),
        ("a[?(@.b)]", "character 2"),
    ] {
        let refused = read(wrong).unwrap_err();
        assert!(refused.ends_with(place), "{wrong}: {refused}");
    }
}

#[test]
fn conditions_are_values_or_expressions() {
    let compare = |comparison, value| Condition::Compare(comparison, value);
    let equal = |value| Ok(compare(Comparison::Equal, value));
    assert_eq!(condition("\"max(user)\""), equal(json!("max(user)")));
    assert_eq!(condition("5"), equal(json!(5)));
    assert_eq!(condition("eq(true)"), equal(json!(true)));
    assert_eq!(condition(" eq( \"a)\\\"\" ) "), equal(json!("a)\"")));
    assert_eq!(
        condition("and(ge(50),le(1e2))"),
        Ok(Condition::And(vec![
            compare(Comparison::GreaterOrEqual, json!(50)),
            compare(Comparison::LessOrEqual, json!(100.0)),
        ]))
    );
    assert_eq!(
        condition("not(or(lt(\"a\"), gt(null)))"),
        Ok(Condition::Not(Box::new(Condition::Or(vec![
            compare(Comparison::Less, json!("a")),
            compare(Comparison::Greater, json!(null)),
        ]))))
    );
    for (wrong, place) in [
        ("", "character 1 of \"\""),
        ("maxuser", "character 1 of \"maxuser\""),
        ("eq(maxuser)", "character 4 of \"eq(maxuser)\""),
        ("eq(1", "character 4 of \"eq(1\""),
        ("eq(1))", "character 6 of \"eq(1))\""),
        ("is(1)", "character 1 of \"is(1)\""),
        ("and()", "character 5 of \"and()\""),
        ("and(eq(1),)", "character 11 of \"and(eq(1),)\""),
        ("not(eq(1),eq(2))", "character 16 of \"not(eq(1),eq(2))\""),
        ("eq({\"a\":1})", "character 4 of \"eq({\\\"a\\\":1})\""),
    ] {
        let refused = condition(wrong).unwrap_err();
        assert!(refused.ends_with(place), "{wrong}: {refused}");
    }
    let deep = format!("{}eq(1){}", "not(".repeat(100), ")".repeat(100));
    assert!(condition(&deep).unwrap_err().contains("deeper than 32"));
    let wide = format!("or({})", ["eq(1)"; 300].join(","));
    assert!(condition(&wide).unwrap_err().contains("more than 256"));
    let nested = format!("eq({}1{})", "[".repeat(10_000), "]".repeat(10_000));
    assert!(condition(&nested).is_err());
}

proptest! {
    #[test]
    fn any_text_reads(text in any::<String>(), path in any::<String>()) {
        let _ = Filter::of_pointer(&text).is_ok();
        let _ = Filter::of_path(&path, &text).is_ok();
    }

    #[test]
    fn any_expression_reads(text in "(and|or|not|eq|lt|\\(|\\)|,|\"|\\\\|[0-9a]| ){0,30}") {
        let _ = condition(&text).is_ok();
    }

    /// As the engine compares columns, so are the elements of lists compared.
    #[test]
    fn whole_numbers_compare_by_value(integer in -3i64..3, tenths in -40i32..40) {
        let float = f64::from(tenths) / 10.0;
        for (name, expected) in [
            ("eq", integer as f64 == float),
            ("ne", integer as f64 != float),
            ("lt", (integer as f64) < float),
            ("le", integer as f64 <= float),
            ("gt", integer as f64 > float),
            ("ge", integer as f64 >= float),
        ] {
            let condition = condition(&format!("{name}({float})")).unwrap();
            prop_assert_eq!(condition.holds(&Found::Integer(integer)), expected);
        }
    }
}
